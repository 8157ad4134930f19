// Classifier-free guidance: y = none + w·(told − none), element by element. `Lane` (f32 or vec4f) comes from the generated header.

@group(0) @binding(0) var<storage, read> none: array<Lane>;
@group(0) @binding(1) var<storage, read> told: array<Lane>;
@group(0) @binding(2) var<storage, read_write> y: array<Lane>;

struct Params {
  count: u32, // lanes
  w: f32,
}
@group(0) @binding(3) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.count) { return; }
  y[i] = none[i] + params.w * (told[i] - none[i]);
}
