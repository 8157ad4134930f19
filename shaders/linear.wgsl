// A linear layer on few rows (the step embedding: B rows): y = x·w + bias, one invocation for one lane of one output. The
// trees are for GPUs: there the invocations of a workgroup share a sum, and neighbours read neighbouring weights.
// SILU: y = v·σ(v) with v = x·w + bias, which `forwardTree` keeps for the gradients.
// `Lane` (f32 or vec4f, along Cout) comes from the generated header.

@group(0) @binding(0) var<storage, read> x: array<f32>;                // (B, Cin)
@group(0) @binding(1) var<storage, read> weight: array<Lane>;          // (Cin, Cout)
@group(0) @binding(2) var<storage, read> bias: array<Lane>;            // (Cout)
@group(0) @binding(3) var<storage, read_write> y: array<Lane>;         // (B, Cout)
@group(0) @binding(4) var<storage, read> dOutput: array<Lane>;         // (B, Cout)
@group(0) @binding(5) var<storage, read_write> dInput: array<f32>;     // (B, Cin)
@group(0) @binding(6) var<storage, read_write> dWeight: array<Lane>;   // (Cin, Cout)
@group(0) @binding(7) var<storage, read_write> dBias: array<Lane>;     // (Cout)

struct Params {
  rows: u32,    // B
  inputs: u32,  // Cin
  outputs: u32, // Cout
  width: u32,   // lanes of Cout
}
@group(0) @binding(8) var<uniform> params: Params;
@group(0) @binding(9) var<storage, read> weightScalars: array<f32>;    // weight, read by elements
@group(0) @binding(10) var<storage, read> dOutputScalars: array<f32>;  // dOutput, read by elements

//@if SILU
@group(0) @binding(11) var<storage, read_write> before: array<Lane>;   // (B, Cout) v, for forwardTree
@group(0) @binding(12) var<storage, read> beforeLanes: array<Lane>;    // v, for the gradient in the weight
@group(0) @binding(13) var<storage, read> beforeScalars: array<f32>;   // v, read by elements

// See silu.wgsl.
fn sigmoid(v: Lane) -> Lane {
  let e = exp(-abs(v));
  return select(Lane(1.0), e, v < Lane(0.0)) / (Lane(1.0) + e);
}
//@end

override ACCUMULATE = false;      // add to dInput or dWeight instead of overwriting it
override ACCUMULATE_BIAS = false; // the same for dBias

const WORKGROUP = 64u;

const COLUMNS = 8u; // lanes of outputs that a workgroup of forwardTree makes
const SHARES = 32u; // invocations that add up one of them

var<workgroup> lanes: array<Lane, COLUMNS * SHARES>;
var<workgroup> scalars: array<f32, WORKGROUP>;

// The gradient in x·w + bias.
fn incoming(i: u32) -> Lane {
  //@if SILU
  let s = sigmoid(beforeLanes[i]);
  return dOutput[i] * s * (Lane(1.0) + beforeLanes[i] * (Lane(1.0) - s));
  //@else
  return dOutput[i];
  //@end
}

fn incomingScalar(i: u32) -> f32 {
  //@if SILU
  let v = beforeScalars[i];
  let e = exp(-abs(v));
  let s = select(1.0, e, v < 0.0) / (1.0 + e);
  return dOutputScalars[i] * s * (1.0 + v * (1.0 - s));
  //@else
  return dOutputScalars[i];
  //@end
}

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.rows * params.width) { return; }
  let row = i / params.width;
  let lane = i % params.width;
  var sum = bias[lane];
  for (var c = 0u; c < params.inputs; c++) {
    sum += x[row * params.inputs + c] * weight[c * params.width + lane];
  }
  y[i] = sum;
}

@compute @workgroup_size(COLUMNS * SHARES)
fn forwardTree(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let blocks = (params.width + COLUMNS - 1u) / COLUMNS;
  let number = group.x + group.y * groups.x;
  if (number >= params.rows * blocks) { return; }
  let row = number / blocks;
  let lane = number % blocks * COLUMNS + local % COLUMNS;
  lanes[local] = Lane(0.0);
  if (lane < params.width) {
    for (var c = local / COLUMNS; c < params.inputs; c += SHARES) {
      lanes[local] += x[row * params.inputs + c] * weight[c * params.width + lane];
    }
  }
  for (var half = SHARES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half * COLUMNS) { lanes[local] += lanes[local + half * COLUMNS]; }
  }
  if (local < COLUMNS && lane < params.width) {
    let v = lanes[local] + bias[lane];
    //@if SILU
    before[row * params.width + lane] = v;
    y[row * params.width + lane] = v * sigmoid(v);
    //@else
    y[row * params.width + lane] = v;
    //@end
  }
}

// dx[b, ci] = Σ_co dy[b, co]·w[ci, co]
@compute @workgroup_size(WORKGROUP)
fn inputGradient(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.rows * params.inputs) { return; }
  let row = i / params.inputs;
  let c = i % params.inputs;
  var sum = 0.0;
  for (var o = 0u; o < params.outputs; o++) {
    sum += dOutputScalars[row * params.outputs + o] * weightScalars[c * params.outputs + o];
  }
  if (ACCUMULATE) { sum += dInput[i]; }
  dInput[i] = sum;
}

// The same, a workgroup for one result.
@compute @workgroup_size(WORKGROUP)
fn inputGradientTree(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = group.x + group.y * groups.x;
  if (i >= params.rows * params.inputs) { return; }
  let row = i / params.inputs;
  let c = i % params.inputs;
  scalars[local] = 0.0;
  for (var o = local; o < params.outputs; o += WORKGROUP) {
    scalars[local] += incomingScalar(row * params.outputs + o) * weightScalars[c * params.outputs + o];
  }
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) { scalars[local] += scalars[local + half]; }
  }
  if (local == 0u) {
    var sum = scalars[0];
    if (ACCUMULATE) { sum += dInput[i]; }
    dInput[i] = sum;
  }
}

// dw[ci, co] = Σ_b x[b, ci]·dy[b, co], and as a last row the bias: dbias[co] = Σ_b dy[b, co]
@compute @workgroup_size(WORKGROUP)
fn weightGradient(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= (params.inputs + 1u) * params.width) { return; }
  let c = i / params.width;
  let lane = i % params.width;
  var sum = Lane(0.0);
  for (var row = 0u; row < params.rows; row++) {
    var value = 1.0;
    if (c < params.inputs) { value = x[row * params.inputs + c]; }
    sum += value * incoming(row * params.width + lane);
  }
  if (c < params.inputs) {
    if (ACCUMULATE) { sum += dWeight[i]; }
    dWeight[i] = sum;
  } else {
    if (ACCUMULATE_BIAS) { sum += dBias[lane]; }
    dBias[lane] = sum;
  }
}
