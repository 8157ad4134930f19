// The linear layers that project the step embedding for every residual layer, all at once: y[l, b, :] = e[b, :]·w_l + bias_l.
// The trees are for GPUs: there the invocations of a workgroup share a sum. Weights lie in the buffer of all parameters, `stride` from layer to layer. `Lane` (f32 or vec4f, along C) comes from the
// generated header.

@group(0) @binding(0) var<storage, read> x: array<f32>;                     // (B, H) e
@group(0) @binding(1) var<storage, read> parameters: array<Lane>;
@group(0) @binding(2) var<storage, read_write> y: array<Lane>;              // (layers, place) of (B, C)
@group(0) @binding(3) var<storage, read> dOutput: array<Lane>;              // (layers, place) of (B, C)
@group(0) @binding(4) var<storage, read_write> gradients: array<Lane>;      // of all parameters
@group(0) @binding(5) var<storage, read_write> dInput: array<f32>;          // (B, H)
@group(0) @binding(6) var<storage, read> parameterScalars: array<f32>;      // parameters, read by elements
@group(0) @binding(7) var<storage, read> dOutputScalars: array<f32>;        // dOutput, read by elements

struct Params {
  layers: u32,
  rows: u32,     // B
  inputs: u32,   // H
  outputs: u32,  // C
  width: u32,    // lanes of C
  lane: u32,     // elements of a lane
  place: u32,    // elements from one layer's result to the next
  stride: u32,   // elements from one layer's parameters to the next
  weightAt: u32, // elements before the first layer's weight (H, C)
  biasAt: u32,   // elements before its bias
}
@group(0) @binding(8) var<uniform> params: Params;

override ACCUMULATE = false; // add to the gradients, or to dInput, instead of overwriting them

const WORKGROUP = 64u;

const COLUMNS = 8u; // lanes of outputs that a workgroup of forwardTree makes
const SHARES = 32u; // invocations that add up one of them

var<workgroup> lanes: array<Lane, COLUMNS * SHARES>;
var<workgroup> scalars: array<f32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.layers * params.rows * params.width) { return; }
  let column = i % params.width;
  let row = i / params.width % params.rows;
  let layer = i / params.width / params.rows;
  let weight = (params.weightAt + layer * params.stride) / params.lane + column;
  var sum = parameters[(params.biasAt + layer * params.stride) / params.lane + column];
  for (var c = 0u; c < params.inputs; c++) {
    sum += x[row * params.inputs + c] * parameters[weight + c * params.width];
  }
  y[layer * params.place / params.lane + row * params.width + column] = sum;
}

@compute @workgroup_size(COLUMNS * SHARES)
fn forwardTree(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let blocks = (params.width + COLUMNS - 1u) / COLUMNS;
  let number = group.x + group.y * groups.x;
  if (number >= params.layers * params.rows * blocks) { return; }
  let column = number % blocks * COLUMNS + local % COLUMNS;
  let row = number / blocks % params.rows;
  let layer = number / blocks / params.rows;
  lanes[local] = Lane(0.0);
  if (column < params.width) {
    let weight = (params.weightAt + layer * params.stride) / params.lane + column;
    for (var c = local / COLUMNS; c < params.inputs; c += SHARES) {
      lanes[local] += x[row * params.inputs + c] * parameters[weight + c * params.width];
    }
  }
  for (var half = SHARES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half * COLUMNS) { lanes[local] += lanes[local + half * COLUMNS]; }
  }
  if (local < COLUMNS && column < params.width) {
    let bias = parameters[(params.biasAt + layer * params.stride) / params.lane + column];
    y[layer * params.place / params.lane + row * params.width + column] = lanes[local] + bias;
  }
}

// dw_l[c, :] = Σ_b e[b, c]·dy[l, b, :], and with c = H the bias: dbias_l = Σ_b dy[l, b, :]
@compute @workgroup_size(WORKGROUP)
fn weightGradient(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.layers * (params.inputs + 1u) * params.width) { return; }
  let column = i % params.width;
  let c = i / params.width % (params.inputs + 1u);
  let layer = i / params.width / (params.inputs + 1u);
  var sum = Lane(0.0);
  for (var row = 0u; row < params.rows; row++) {
    var value = 1.0;
    if (c < params.inputs) { value = x[row * params.inputs + c]; }
    sum += value * dOutput[layer * params.place / params.lane + row * params.width + column];
  }
  let weight = (params.weightAt + layer * params.stride) / params.lane + c * params.width + column;
  let bias = (params.biasAt + layer * params.stride) / params.lane + column;
  let place = select(bias, weight, c < params.inputs);
  if (ACCUMULATE) { sum += gradients[place]; }
  gradients[place] = sum;
}

// de[b, c] = Σ_l Σ_o dy[l, b, o]·w_l[c, o]
@compute @workgroup_size(WORKGROUP)
fn inputGradient(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.rows * params.inputs) { return; }
  let row = i / params.inputs;
  let c = i % params.inputs;
  var sum = 0.0;
  for (var layer = 0u; layer < params.layers; layer++) {
    let weight = params.weightAt + layer * params.stride + c * params.outputs;
    let d = layer * params.place + row * params.outputs;
    for (var o = 0u; o < params.outputs; o++) {
      sum += dOutputScalars[d + o] * parameterScalars[weight + o];
    }
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
  for (var at = local; at < params.layers * params.outputs; at += WORKGROUP) {
    let layer = at / params.outputs;
    let o = at % params.outputs;
    scalars[local] += dOutputScalars[layer * params.place + row * params.outputs + o]
      * parameterScalars[params.weightAt + layer * params.stride + c * params.outputs + o];
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
