// Standard normal random numbers: Philox 4x32-10 (Salmon et al. 2011) and Box–Muller. Element `index` of item `item`
// is a function of (seed, stream, step, item, index) alone: the same on every adapter and on the CPU to rounding,
// whatever the batch, the tile or the shape of the dispatch. One invocation makes the four normals of one Philox block.
//
// The logarithm, sine and cosine are our own: WGSL allows sin and cos an error of 2^-11, and a log that is a little
// above 0 near 1, whose square root would be NaN.

@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (B, L)

struct Params {
  items: u32,     // B
  length: u32,    // L
  firstItem: u32, // number of the batch's first item
  stream: u32,    // what the numbers are for
}
@group(0) @binding(1) var<uniform> params: Params;

struct Step {
  seedLow: u32,
  seedHigh: u32,
  noiseStep: u32,
  noiseStart: u32, // index of the first element
  noiseItem: u32,  // added to every item's number
}
@group(0) @binding(2) var<uniform> step: Step;

const WORKGROUP = 64u;

// Upper 32 bits of a·b, by 16-bit halves. No sum overflows: (2^16 − 1)² + 2^16 − 1 < 2^32.
fn multiplyHigh(a: u32, b: u32) -> u32 {
  let aLow = a & 0xffffu;
  let aHigh = a >> 16u;
  let bLow = b & 0xffffu;
  let bHigh = b >> 16u;
  let middle = aHigh * bLow + ((aLow * bLow) >> 16u);
  let carried = aLow * bHigh + (middle & 0xffffu);
  return aHigh * bHigh + (middle >> 16u) + (carried >> 16u);
}

fn philox(start: vec4u, seed: vec2u) -> vec4u {
  var counter = start;
  var key = seed;
  for (var round = 0u; round < 10u; round++) {
    counter = vec4u(
      multiplyHigh(0xCD9E8D57u, counter.z) ^ counter.y ^ key.x,
      0xCD9E8D57u * counter.z,
      multiplyHigh(0xD2511F53u, counter.x) ^ counter.w ^ key.y,
      0xD2511F53u * counter.x,
    );
    key += vec2u(0x9E3779B9u, 0xBB67AE85u);
  }
  return counter;
}

// ln u for 0 < u ≤ 1: u = m·2^e with m in [√½, √2), then the polynomial of Cephes' logf in m − 1.
fn logarithm(u: f32) -> f32 {
  let bits = bitcast<u32>(u);
  var exponent = f32(i32(bits >> 23u) - 127);
  var m = bitcast<f32>((bits & 0x7fffffu) | 0x3f800000u);
  if (m > 1.41421356) {
    m *= 0.5;
    exponent += 1.0;
  }
  let f = m - 1.0;
  var p = 7.0376836292e-2;
  p = p * f - 1.1514610310e-1;
  p = p * f + 1.1676998740e-1;
  p = p * f - 1.2420140846e-1;
  p = p * f + 1.4249322787e-1;
  p = p * f - 1.6668057665e-1;
  p = p * f + 2.0000714765e-1;
  p = p * f - 2.4999993993e-1;
  p = p * f + 3.3333331174e-1;
  return (p * f * f * f - 0.5 * f * f) + f + exponent * 0.69314718056;
}

// (cos 2πu, sin 2πu) for 0 ≤ u < 1. The quarter turn is taken off exactly; on the rest, at most π/4, the Taylor
// polynomials are good to 2e-9 (sine) and 3e-8 (cosine).
fn turn(u: f32) -> vec2f {
  let quarter = floor(4.0 * u + 0.5);
  let angle = (4.0 * u - quarter) * 1.57079632679;
  let s = angle * angle;
  let sine = angle * (1.0 + s * (-1.0 / 6.0 + s * (1.0 / 120.0 + s * (-1.0 / 5040.0 + s / 362880.0))));
  let cosine = 1.0 + s * (-0.5 + s * (1.0 / 24.0 + s * (-1.0 / 720.0 + s / 40320.0)));
  // By whole quarters: (c, s), (−s, c), (−c, −s), (s, −c).
  let quarters = u32(quarter);
  let swapped = select(vec2f(cosine, sine), vec2f(sine, cosine), (quarters & 1u) != 0u);
  return select(swapped, -swapped, (vec2u(quarters + 1u, quarters) & vec2u(2u)) != vec2u(0u));
}

fn boxMuller(words: vec2u) -> vec2f {
  let u1 = f32((words.x >> 8u) + 1u) * 0x1p-24f; // in (0, 1]
  let u2 = f32(words.y >> 8u) * 0x1p-24f;        // in [0, 1)
  return sqrt(max(0.0, -2.0 * logarithm(u1))) * turn(u2);
}

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  let blocks = params.length / 4u + 2u; // the first and the last may be cut
  if (i >= params.items * blocks) { return; }
  let item = i / blocks;
  let block = step.noiseStart / 4u + i % blocks;
  let counter = vec4u(block, params.firstItem + step.noiseItem + item, step.noiseStep, params.stream);
  let words = philox(counter, vec2u(step.seedLow, step.seedHigh));
  let normals = vec4f(boxMuller(words.xy), boxMuller(words.zw));
  for (var lane = 0u; lane < 4u; lane++) {
    let place = i32(block * 4u + lane - step.noiseStart);
    if (place >= 0 && place < i32(params.length)) {
      y[item * params.length + u32(place)] = normals[lane];
    }
  }
}
