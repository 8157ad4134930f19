// silu, y = x·σ(x), element by element.
// `Lane` (f32 or vec4f) comes from the generated header.

@group(0) @binding(0) var<storage, read> x: array<Lane>;
@group(0) @binding(1) var<storage, read_write> y: array<Lane>;
@group(0) @binding(2) var<storage, read> dOutput: array<Lane>;
@group(0) @binding(3) var<storage, read_write> dInput: array<Lane>;

struct Params {
  count: u32, // lanes
}
@group(0) @binding(4) var<uniform> params: Params;

override ACCUMULATE = false; // add to dInput instead of overwriting it

const WORKGROUP = 64u;

// e^−|v| is at most 1. A clamp would keep exp() finite as well, but it may turn a NaN into a number, and broken weights must show.
fn sigmoid(v: Lane) -> Lane {
  let e = exp(-abs(v));
  return select(Lane(1.0), e, v < Lane(0.0)) / (Lane(1.0) + e);
}

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.count) { return; }
  y[i] = x[i] * sigmoid(x[i]);
}

// dx = dy·σ(x)·(1 + x·(1 − σ(x)))
@compute @workgroup_size(WORKGROUP)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.count) { return; }
  let s = sigmoid(x[i]);
  var d = dOutput[i] * s * (Lane(1.0) + x[i] * (Lane(1.0) - s));
  if (ACCUMULATE) { d += dInput[i]; }
  dInput[i] = d;
}
