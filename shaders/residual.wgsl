// End of a residual layer (Kong et al. 2021, fig. 2): `projected` holds for every row the C channels of the residual r,
// then the C channels of the skip connection s. output = (x + r)/√2, skip += s.
// `Lane` (f32 or vec4f) comes from the generated header.

@group(0) @binding(0) var<storage, read> x: array<Lane>;                  // (rows, C)
@group(0) @binding(1) var<storage, read> projected: array<Lane>;          // (rows, 2C)
@group(0) @binding(2) var<storage, read_write> output: array<Lane>;       // (rows, C)
@group(0) @binding(3) var<storage, read_write> skip: array<Lane>;         // (rows, C) running sum over layers
@group(0) @binding(4) var<storage, read> dOutput: array<Lane>;            // (rows, C)
@group(0) @binding(5) var<storage, read> dSkip: array<Lane>;              // (rows, C)
@group(0) @binding(6) var<storage, read_write> dInput: array<Lane>;       // (rows, C)
@group(0) @binding(7) var<storage, read_write> dProjected: array<Lane>;   // (rows, 2C)

struct Params {
  rows: u32,
  width: u32, // lanes of C
}
@group(0) @binding(8) var<uniform> params: Params;

override FIRST = false;      // first layer: skip is overwritten
override ACCUMULATE = false; // add to dInput instead of overwriting it

const WORKGROUP = 64u;
const halfPower = 0.70710678118654752; // 1/√2

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.rows * params.width) { return; }
  let residual = i / params.width * params.width * 2u + i % params.width;
  output[i] = (x[i] + projected[residual]) * halfPower;
  var sum = projected[residual + params.width];
  if (!FIRST) { sum += skip[i]; }
  skip[i] = sum;
}

// dx = dr = dOutput/√2, ds = dSkip; the gradient in the incoming skip sum is dSkip itself.
@compute @workgroup_size(WORKGROUP)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.rows * params.width) { return; }
  let residual = i / params.width * params.width * 2u + i % params.width;
  let d = dOutput[i] * halfPower;
  dProjected[residual] = d;
  dProjected[residual + params.width] = dSkip[i];
  if (ACCUMULATE) { dInput[i] += d; } else { dInput[i] = d; }
}

// The last layer's output has no reader: dr = 0, ds = dSkip, and nothing reaches x through the residual.
@compute @workgroup_size(WORKGROUP)
fn backwardLast(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.rows * params.width) { return; }
  let residual = i / params.width * params.width * 2u + i % params.width;
  dProjected[residual] = Lane(0.0);
  dProjected[residual + params.width] = dSkip[i];
}
