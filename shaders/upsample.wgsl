// One stage of a spectrogram's upsampler: a transposed convolution over time and bands, then a leaky ReLU. Naive, one invocation for
// one number: beside the network that reads the result, its twelve operations a number are nothing.
//
//   z[b, t, m] = bias + Σ_f Σ_k w[t + ⌊s/2⌋ − f·s, k] · x[b, f, m + 1 − k],   y = z where z > 0, else 0.4·z
//
// s = TAPS/2 rows of y come from one of x, and every row of y from two of x. x is zero outside of its rows and bands.
// With WINDOW, x and y may be stretches of a longer clip, cut around a window that begins at its sample `windowStart`. The whole x
// has `total` rows, and there is nothing beyond them: y is zero there, whatever the bias says.

@group(0) @binding(0) var<storage, read> x: array<f32>;                     // (B, F, M)
@group(0) @binding(1) var<storage, read> weight: array<f32>;                // (TAPS, 3)
@group(0) @binding(2) var<storage, read> bias: array<f32>;                  // (1)
@group(0) @binding(3) var<storage, read_write> y: array<f32>;               // (B, T, M)
@group(0) @binding(4) var<storage, read> output: array<f32>;                // (B, T, M) y, for the gradients
@group(0) @binding(5) var<storage, read> dOutput: array<f32>;               // (B, T, M)
@group(0) @binding(6) var<storage, read_write> dInput: array<f32>;          // (B, F, M)
@group(0) @binding(7) var<storage, read_write> partial: array<f32>;         // (parts, TAPS, 3)
@group(0) @binding(8) var<storage, read_write> partialBias: array<f32>;     // (parts, TAPS/2)

struct Params {
  items: u32,     // B
  frames: u32,    // F, rows of x here
  bands: u32,     // M
  rows: u32,      // T, rows of y here
  total: i32,     // rows of the whole x
  later: i32,     // rows that the next stage makes of one of y; 0 if this is the last
  whole: u32,     // x begins where the whole does, not where y needs it
  chunkRows: u32, // rows of x that one partial sum covers, over all items
  parts: u32,
}
@group(0) @binding(9) var<uniform> params: Params;

//@if WINDOW
struct Step {
  windowStart: i32,
}
@group(0) @binding(10) var<uniform> step: Step;
//@end

override TAPS: u32 = 32u;    // over time: 2s
override ACCUMULATE = false; // add to dInput instead of overwriting it

const WORKGROUP = 64u;
const BAND_TAPS = 3u;
const SLOPE = 0.4;
const endless = 0xffffffffu; // a bound that Tint can read: to others it adds a 64-bit counter of its own

// The later of the two rows of x that row t of y comes from.
fn laterSource(t: i32, factor: i32) -> i32 {
  let place = t + factor / 2;
  return select(place / factor, (place - factor + 1) / factor, place < 0); // rounded down
}

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.items * params.rows * params.bands) { return; }
  let band = i % params.bands;
  let row = i / params.bands % params.rows;
  let item = i / params.bands / params.rows;
  let factor = i32(TAPS / 2u);
  var firstOut = 0;
  var firstIn = 0;
  //@if WINDOW
  firstOut = step.windowStart;
  if (params.later > 0) { firstOut = laterSource(firstOut, params.later) - 1; }
  if (params.whole == 0u) { firstIn = laterSource(firstOut, factor) - 1; }
  //@end
  let t = firstOut + i32(row);
  if (t < 0 || t >= params.total * factor) {
    y[i] = 0.0;
    return;
  }
  let source = laterSource(t, factor);
  var sum = bias[0];
  for (var n = 0; n < 2; n++) {
    let place = source - n - firstIn; // rows of x that the whole does not have are 0, as the stage before has left them
    if (place < 0 || place >= i32(params.frames)) { continue; }
    let tap = u32(t + factor / 2 - (source - n) * factor);
    let start = (item * params.frames + u32(place)) * params.bands;
    for (var k = 0u; k < BAND_TAPS; k++) {
      let other = band + 1u - k; // below 0 it is very large
      if (other >= params.bands) { continue; }
      sum += x[start + other] * weight[tap * BAND_TAPS + k];
    }
  }
  y[i] = select(sum, SLOPE * sum, sum <= 0.0); // NaN stays
}

// The gradient in z, of which y has the sign.
fn gradientBefore(at: u32) -> f32 {
  let d = dOutput[at];
  return select(d, SLOPE * d, output[at] <= 0.0);
}

// dx[b, f, m] = Σ_j Σ_k w[j, k] · dz[b, f·s − ⌊s/2⌋ + j, m − 1 + k]
@compute @workgroup_size(WORKGROUP)
fn inputGradient(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.items * params.frames * params.bands) { return; }
  let band = i % params.bands;
  let frame = i / params.bands % params.frames;
  let item = i / params.bands / params.frames;
  let factor = TAPS / 2u;
  var sum = 0.0;
  for (var j = 0u; j < TAPS; j++) {
    let t = frame * factor + j - factor / 2u; // below 0 it is very large
    if (t >= params.rows) { continue; }
    for (var k = 0u; k < BAND_TAPS; k++) {
      let other = band + k - 1u;
      if (other >= params.bands) { continue; }
      sum += weight[j * BAND_TAPS + k] * gradientBefore((item * params.rows + t) * params.bands + other);
    }
  }
  if (ACCUMULATE) { sum += dInput[i]; }
  dInput[i] = sum;
}

// dw[j, k] = Σ_b Σ_f Σ_m x[b, f, m] · dz[b, f·s − ⌊s/2⌋ + j, m − 1 + k], and for s of the j the share of the bias, Σ dz[b, f·s − ⌊s/2⌋ + j, m]:
// partial sums over chunks of rows of x, which reduce.wgsl adds up in a fixed order. An invocation has the three k of one j.
@compute @workgroup_size(WORKGROUP)
fn weightGradient(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.parts * TAPS) { return; }
  let factor = TAPS / 2u;
  let part = i / TAPS;
  let j = i % TAPS;
  let first = part * params.chunkRows;
  let end = min(first + params.chunkRows, params.items * params.frames);
  var sum = vec4f(0.0); // for k = 0, 1, 2, and for the bias
  for (var n = 0u; n < endless; n++) {
    let row = first + n;
    if (row >= end) { break; }
    let t = row % params.frames * factor + j - factor / 2u; // below 0 it is very large
    if (t >= params.rows) { continue; }
    let start = (row / params.frames * params.rows + t) * params.bands;
    var before = 0.0; // x in the band before that of dz, and in the same
    var here = x[row * params.bands];
    for (var band = 0u; band < endless; band++) {
      if (band >= params.bands) { break; }
      var behind = 0.0;
      if (band + 1u < params.bands) { behind = x[row * params.bands + band + 1u]; }
      sum += gradientBefore(start + band) * vec4f(behind, here, before, 1.0);
      before = here;
      here = behind;
    }
  }
  for (var k = 0u; k < BAND_TAPS; k++) { partial[i * BAND_TAPS + k] = sum[k]; }
  let place = j - factor / 2u; // below 0 it is very large
  if (place < factor) { partialBias[part * factor + place] = sum.w; }
}
