// Adds the projected step embedding to every row of its item: y[b, t, :] = x[b, t, :] + step[b, :]. With EACH_ROW every row has
// one of its own: y = x + step.
// An invocation adds to one column of ROWS rows: it reads the embedding once, and finds its place, which takes integer
// divisions, once. `Lane` (f32 or vec4f) and ROWS come from the generated header.

@group(0) @binding(0) var<storage, read> x: array<Lane>;                  // (B, L, C)
@group(0) @binding(1) var<storage, read> stepEmbedding: array<Lane>;      // (B, C), with EACH_ROW (B, L, C)
@group(0) @binding(2) var<storage, read_write> y: array<Lane>;            // (B, L, C)

struct Params {
  items: u32,  // B
  length: u32, // L
  width: u32,  // lanes of C
  blocks: u32, // of ROWS rows, in an item
}
@group(0) @binding(3) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  let block = i / params.width;
  let item = block / params.blocks;
  if (item >= params.items) { return; }
  let column = i - block * params.width;
  //@if !EACH_ROW
  let added = stepEmbedding[item * params.width + column];
  //@end
  let row = (block - item * params.blocks) * ROWS;
  let first = (item * params.length + row) * params.width + column;
  for (var r = 0u; r < ROWS; r++) {
    if (row + r >= params.length) { return; }
    //@if EACH_ROW
    let added = stepEmbedding[first + r * params.width];
    //@end
    y[first + r * params.width] = x[first + r * params.width] + added;
  }
}
