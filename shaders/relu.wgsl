//@if F16
enable f16;
//@end

// relu, y = 0 where x < 0, else x, element by element.
// `Lane` (f32 or vec4f) and `Out`, which is Lane, or vec4<f16> in mixed precision, come from the generated header.

@group(0) @binding(0) var<storage, read> x: array<Lane>;
@group(0) @binding(1) var<storage, read_write> y: array<Out>;
@group(0) @binding(2) var<storage, read> output: array<Out>;
@group(0) @binding(3) var<storage, read> dOutput: array<Lane>;
@group(0) @binding(4) var<storage, read_write> dInput: array<Lane>;

struct Params {
  count: u32, // lanes
}
@group(0) @binding(5) var<uniform> params: Params;

override ACCUMULATE = false; // add to dInput instead of overwriting it

const WORKGROUP = 64u;

// What becomes an f16 stays within ±65,504: beyond that the residual stream would be infinite from there on. Not clamp(), which
// may hide a NaN. Gradients pass as if nothing had been cut.
fn storable(v: Lane) -> Lane {
  //@if F16
  const most = Lane(65504.0);
  let cut = select(v, most, v > most);
  return select(cut, -most, cut < -most);
  //@else
  return v;
  //@end
}

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.count) { return; }
  y[i] = Out(storable(select(x[i], Lane(0.0), x[i] < Lane(0.0)))); // max() may turn a NaN into 0, and broken weights must show
}

// dx = 0 where y ≤ 0, else dy
@compute @workgroup_size(WORKGROUP)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.count) { return; }
  var d = select(dOutput[i], Lane(0.0), Lane(output[i]) <= Lane(0.0));
  if (ACCUMULATE) { d += dInput[i]; }
  dInput[i] = d;
}
