// Sums over rows: partial[s·parts + p, :] = Σ x[s, row, :] over the p-th chunk of segment s's rows.
// reduce.wgsl adds the partial sums up. `Lane` (f32 or vec4f) comes from the generated header.

@group(0) @binding(0) var<storage, read> x: array<Lane>;              // (segments, rows, width)
@group(0) @binding(1) var<storage, read_write> partial: array<Lane>;  // (segments·parts, width)

struct Params {
  segments: u32,
  rows: u32,      // of one segment
  width: u32,     // lanes of one row
  parts: u32,
  chunkRows: u32, // rows that one partial sum covers
}
@group(0) @binding(2) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.segments * params.parts * params.width) { return; }
  let lane = i % params.width;
  let part = i / params.width % params.parts;
  let segment = i / params.width / params.parts;
  let first = part * params.chunkRows;
  let end = min(first + params.chunkRows, params.rows);
  var sum = Lane(0.0);
  for (var row = first; row < end; row++) {
    sum += x[(segment * params.rows + row) * params.width + lane];
  }
  partial[i] = sum;
}
