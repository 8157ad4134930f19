// A linear layer on few rows (the step embedding: B rows): y = x·w + bias, one invocation for one lane of one output.
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

override ACCUMULATE = false;      // add to dInput or dWeight instead of overwriting it
override ACCUMULATE_BIAS = false; // the same for dBias

const WORKGROUP = 64u;

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
    sum += value * dOutput[row * params.width + lane];
  }
  if (c < params.inputs) {
    if (ACCUMULATE) { sum += dWeight[i]; }
    dWeight[i] = sum;
  } else {
    if (ACCUMULATE_BIAS) { sum += dBias[lane]; }
    dBias[lane] = sum;
  }
}
