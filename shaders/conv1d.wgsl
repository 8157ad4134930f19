//@if F16
enable f16;
//@end

// Dilated "same" convolution over time, naive: one invocation for one lane of channels of one row. The baseline that
// every faster variant is measured and tested against.
//
//   y[b, t, :] = bias + Σ_k Σ_ci x[b, t + (k − (K−1)/2)·D, ci] · w[k, ci, :],  zero outside [0, L)
//
// The gradient in x is the same sum with the taps reversed in time and every w[k] transposed: `direction` −1 and the
// weights of transpose.wgsl. `Lane` (f32 or vec4f, along Cout) and `Out`, which is Lane, or vec4<f16> in mixed precision, come
// from the generated header. RELU: y = max(…, 0), and the gradient in the weight counts dOutput where that is above 0.

@group(0) @binding(0) var<storage, read> x: array<f32>;               // (B, L, Cin)
@group(0) @binding(1) var<storage, read> weight: array<Lane>;         // (K, Cin, Cout)
@group(0) @binding(2) var<storage, read> bias: array<Lane>;           // (Cout)
@group(0) @binding(3) var<storage, read_write> y: array<Out>;         // (B, L, Cout)
@group(0) @binding(4) var<storage, read> dOutput: array<Lane>;        // (B, L, Cout)
@group(0) @binding(5) var<storage, read_write> partial: array<Lane>;  // (chunks, K·Cin + 1, Cout)

//@if RELU
@group(0) @binding(7) var<storage, read> output: array<Out>;          // (B, L, Cout) y, for the gradient in the weight
//@end

struct Params {
  rows: u32,      // B·L
  length: u32,    // L
  inputs: u32,    // Cin
  width: u32,     // lanes of Cout
  dilation: i32,  // D, in rows
  direction: i32, // +1 forward, −1 for the gradient in x
  chunkRows: u32, // rows that one partial sum of the weight gradient covers
  chunks: u32,
}
@group(0) @binding(6) var<uniform> params: Params;

override TAPS: u32 = 3u;     // K
override ACCUMULATE = false; // add to y instead of overwriting it

const WORKGROUP = 64u;
const endless = 0xffffffffu; // a bound that Tint can read: to others it adds a 64-bit counter of its own

// What becomes an f16 stays within ±65,504, see relu.wgsl.
fn storable(v: Lane) -> Lane {
  //@if F16
  const most = Lane(65504.0);
  let cut = select(v, most, v > most);
  return select(cut, -most, cut < -most);
  //@else
  return v;
  //@end
}

// Row that tap k of row t reads, relative to the item's start; may be outside [0, L).
fn tapRow(t: u32, k: u32) -> i32 {
  return i32(t) + (i32(k) - i32(TAPS / 2u)) * params.dilation * params.direction;
}

fn sumOfTaps(i: u32, initial: Lane) -> Lane {
  let row = i / params.width;
  let lane = i % params.width;
  let t = row % params.length;
  var sum = initial;
  for (var k = 0u; k < TAPS; k++) {
    let source = tapRow(t, k);
    if (source < 0 || source >= i32(params.length)) { continue; }
    let start = (row - t + u32(source)) * params.inputs;
    let w = k * params.inputs * params.width + lane;
    for (var c = 0u; c < endless; c++) {
      if (c >= params.inputs) { break; }
      sum += x[start + c] * weight[w + c * params.width];
    }
  }
  return sum;
}

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.rows * params.width) { return; }
  var sum = sumOfTaps(i, bias[i % params.width]);
  //@if RELU
  sum = select(sum, Lane(0.0), sum < Lane(0.0)); // NaN stays
  //@end
  y[i] = Out(storable(sum));
}

// Without bias: the gradient in x.
@compute @workgroup_size(WORKGROUP)
fn inputGradient(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.rows * params.width) { return; }
  var sum = sumOfTaps(i, Lane(0.0));
  if (ACCUMULATE) { sum += Lane(y[i]); }
  y[i] = Out(sum);
}

// dw[k, ci, :] = Σ_b Σ_t x[b, t + (k − (K−1)/2)·D, ci] · dy[b, t, :], as partial sums over chunks of rows that
// reduce.wgsl adds up in a fixed order. Row K·Cin of every partial is the bias gradient, Σ dy.
@compute @workgroup_size(WORKGROUP)
fn weightGradient(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  let places = TAPS * params.inputs + 1u;
  if (i >= params.chunks * places * params.width) { return; }
  let lane = i % params.width;
  let place = i / params.width % places;
  let first = i / params.width / places * params.chunkRows;
  let end = min(first + params.chunkRows, params.rows);
  let k = place / params.inputs;
  let c = place % params.inputs;
  var sum = Lane(0.0);
  for (var n = 0u; n < endless; n++) {
    let row = first + n;
    if (row >= end) { break; }
    var value = 1.0;
    if (k < TAPS) {
      let t = row % params.length;
      let source = tapRow(t, k);
      if (source < 0 || source >= i32(params.length)) { continue; }
      value = x[(row - t + u32(source)) * params.inputs + c];
    }
    //@if RELU
    let at = row * params.width + lane;
    sum += value * select(dOutput[at], Lane(0.0), Lane(output[at]) <= Lane(0.0));
    //@else
    sum += value * dOutput[row * params.width + lane];
    //@end
  }
  partial[i] = sum;
}
