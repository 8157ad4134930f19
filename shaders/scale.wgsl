// y = factor·x, element by element. Its own derivative: dx = factor·dy, the same kernel.
// `Lane` (f32 or vec4f) comes from the generated header.

@group(0) @binding(0) var<storage, read> x: array<Lane>;
@group(0) @binding(1) var<storage, read_write> y: array<Lane>;

struct Params {
  count: u32, // lanes
  factor: f32,
}
@group(0) @binding(2) var<uniform> params: Params;

override ACCUMULATE = false; // add to y instead of overwriting it

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.count) { return; }
  var v = params.factor * x[i];
  if (ACCUMULATE) { v += y[i]; }
  y[i] = v;
}
