//@if F16
enable f16;
//@end

// Weight gradient of a dilated convolution for real GPUs; see conv1d.tile.wgsl.
//   dw[k, ci, co] = Σ a[t + (k − (K−1)/2)·D, ci] · b[t, co],  dbias[co] = Σ b[t, co]
// Partial sums over chunks of rows of one item, which reduce.wgsl adds up in a fixed order. A workgroup makes the tile of
// CHANNELS inputs × LANES·WIDE·4 outputs of one tap, an invocation 8 inputs × WIDE vec4f. Row K·Cin of every partial is
// the bias gradient, which the workgroups of the first tap and of the first inputs add up as well.
//
// Constants: LANES columns of invocations, WIDE vec4f of outputs of each, CHANNELS vec4f of inputs of a tile, TAPS, INPUTS
// and OUTPUTS vec4f of Cin and Cout, and for the operands:
// In is the type of x: vec4f, or vec4<f16> in mixed precision (F16).
//   STEP   a is x plus the item's step embedding, zero outside [0, L)
//   PAIR   b is [dOutput/√2 | dSkip]; with LAST there is no dOutput
//   MASKED b is dOutput where `mask` is above 0, and zero elsewhere

@group(0) @binding(0) var<storage, read> x: array<In>;                     // (B, L, Cin)
//@if STEP
@group(0) @binding(1) var<storage, read> stepEmbedding: array<vec4f>;      // (B, Cin)
//@end
//@if PAIR
//@if !LAST
@group(0) @binding(2) var<storage, read> dOutput: array<vec4f>;            // (B, L, Cout/2)
//@end
@group(0) @binding(3) var<storage, read> dSkip: array<vec4f>;              // (B, L, Cout/2)
//@else
@group(0) @binding(2) var<storage, read> dOutput: array<vec4f>;            // (B, L, Cout)
//@end
//@if MASKED
@group(0) @binding(3) var<storage, read> mask: array<vec4f>;               // (B, L, Cout)
//@end
@group(0) @binding(4) var<storage, read_write> partial: array<vec4f>;      // (B·chunks, K·Cin + 1, Cout)

struct Params {
  groups: u32,    // B·chunks·TAPS·tiles
  chunks: u32,    // of one item
  chunkRows: u32, // rows of a chunk
  length: u32,    // L
  dilation: i32,  // D, in rows
}
@group(0) @binding(5) var<uniform> params: Params;

const COLUMNS = LANES * WIDE;                                 // vec4f of outputs of a tile
const inputTiles = (INPUTS + CHANNELS - 1u) / CHANNELS;
const outputTiles = (OUTPUTS + COLUMNS - 1u) / COLUMNS;
const halfPower = 0.70710678118654752;                        // 1/√2
const GROUPS = CHANNELS / 2u;                                 // rows of invocations; each has two vec4f of inputs
const THREADS = LANES * GROUPS;
const DEPTH = 16u;                                            // rows that are staged at once

var<workgroup> inputs: array<vec4f, DEPTH * CHANNELS>;
var<workgroup> outputs: array<vec4f, DEPTH * COLUMNS>;

fn loadA(item: u32, t: i32, channel: u32) -> vec4f {
  if (t < 0 || t >= i32(params.length) || channel >= INPUTS) { return vec4f(0.0); }
  //@if STEP
  return vec4f(x[(item * params.length + u32(t)) * INPUTS + channel]) + stepEmbedding[item * INPUTS + channel];
  //@else
  return vec4f(x[(item * params.length + u32(t)) * INPUTS + channel]);
  //@end
}

fn loadB(row: u32, column: u32) -> vec4f {
  if (column >= OUTPUTS) { return vec4f(0.0); }
  //@if PAIR
  const half = OUTPUTS / 2u;
  if (column >= half) { return dSkip[row * half + column - half]; }
  //@if LAST
  return vec4f(0.0);
  //@else
  return dOutput[row * half + column] * halfPower;
  //@end
  //@else
  //@if MASKED
  return select(dOutput[row * OUTPUTS + column], vec4f(0.0), mask[row * OUTPUTS + column] <= vec4f(0.0));
  //@else
  return dOutput[row * OUTPUTS + column];
  //@end
  //@end
}

@compute @workgroup_size(THREADS)
fn forward(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let number = group.x + group.y * groups.x;
  if (number >= params.groups) { return; }
  let lane = local % LANES;
  let m = local / LANES;
  let outputTile = number % outputTiles;
  let inputTile = number / outputTiles % inputTiles;
  let k = number / (outputTiles * inputTiles) % TAPS;
  let chunk = number / (outputTiles * inputTiles * TAPS); // of all items
  let item = chunk / params.chunks;
  let begin = item * params.length;
  let first = chunk % params.chunks * params.chunkRows;
  let end = min(first + params.chunkRows, params.length);
  let shift = (i32(k) - i32(TAPS / 2u)) * params.dilation;
  let channel = inputTile * CHANNELS; // vec4f of Cin
  let column = outputTile * COLUMNS;  // vec4f of Cout
  let isBias = k == 0u && inputTile == 0u;
  //@each n WIDE
  var biasSum{n} = vec4f(0.0);
  //@each i 8
  var sum{i}_{n} = vec4f(0.0);
  //@end
  //@end

  // A bound that Tint can read: it counts the turns of other loops with 64 bits.
  for (var slab = 0u; slab < 0xffffffffu; slab++) {
    let start = first + slab * DEPTH;
    if (start >= end) { break; }
    workgroupBarrier();
    for (var j = 0u; j < DEPTH * CHANNELS / THREADS; j++) {
      let i = local + j * THREADS;
      let t = start + i / CHANNELS;
      inputs[i] = vec4f(0.0);
      if (t < end) { inputs[i] = loadA(item, i32(t) + shift, channel + i % CHANNELS); }
    }
    for (var j = 0u; j < DEPTH * COLUMNS / THREADS; j++) {
      let i = local + j * THREADS;
      let t = start + i / COLUMNS;
      outputs[i] = vec4f(0.0);
      if (t < end) { outputs[i] = loadB(begin + t, column + i % COLUMNS); }
    }
    workgroupBarrier();
    for (var r = 0u; r < DEPTH; r++) {
      let a0 = inputs[r * CHANNELS + m];
      let a1 = inputs[r * CHANNELS + GROUPS + m];
      //@each n WIDE
      let b{n} = outputs[r * COLUMNS + {n}u * LANES + lane];
      //@each i 8
      sum{i}_{n} = fma(vec4f(a{i/4}[{i%4}]), b{n}, sum{i}_{n});
      //@end
      //@end
    }
    if (isBias) {
      for (var j = 0u; j < DEPTH / GROUPS; j++) {
        //@each n WIDE
        biasSum{n} += outputs[(m + j * GROUPS) * COLUMNS + {n}u * LANES + lane];
        //@end
      }
    }
  }

  let base = chunk * (TAPS * INPUTS * 4u + 1u);
  //@each n WIDE
  if (column + {n}u * LANES + lane < OUTPUTS) {
    let place = column + {n}u * LANES + lane;
    //@each i 8
    if (channel + {i/4}u * GROUPS + m < INPUTS) {
      let row = (k * INPUTS + channel + {i/4}u * GROUPS + m) * 4u + {i%4}u;
      partial[(base + row) * OUTPUTS + place] = sum{i}_{n};
    }
    //@end
  }
  //@end

  // Each invocation has the sum over every GROUPS-th row.
  if (isBias) {
    //@each n WIDE
    workgroupBarrier();
    outputs[local] = biasSum{n};
    workgroupBarrier();
    if (m == 0u && column + {n}u * LANES + lane < OUTPUTS) {
      var total = vec4f(0.0);
      for (var i = 0u; i < GROUPS; i++) { total += outputs[i * LANES + lane]; }
      partial[(base + TAPS * INPUTS * 4u) * OUTPUTS + column + {n}u * LANES + lane] = total;
    }
    //@end
  }
}
