// Adds the projected step embedding to every row of its item: y[b, t, :] = x[b, t, :] + step[b, :].
// `Lane` (f32 or vec4f) comes from the generated header.

@group(0) @binding(0) var<storage, read> x: array<Lane>;         // (B, L, C)
@group(0) @binding(1) var<storage, read> stepEmbedding: array<Lane>;      // (B, C)
@group(0) @binding(2) var<storage, read_write> y: array<Lane>;   // (B, L, C)

struct Params {
  rows: u32,   // B·L
  length: u32, // L
  width: u32,  // lanes of C
}
@group(0) @binding(3) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.rows * params.width) { return; }
  let item = i / (params.width * params.length);
  y[i] = x[i] + stepEmbedding[item * params.width + i % params.width];
}
