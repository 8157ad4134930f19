// Moves a window between a whole clip and the tile that the network works on.

@group(0) @binding(0) var<storage, read> whole: array<f32>;             // (B, L)
@group(0) @binding(1) var<storage, read_write> tile: array<f32>;        // (B, W)
@group(0) @binding(2) var<storage, read> tileIn: array<f32>;            // (B, W)
@group(0) @binding(3) var<storage, read_write> wholeOut: array<f32>;    // (B, L)

struct Params {
  items: u32,  // B
  length: u32, // L
  width: u32,  // W
}
@group(0) @binding(4) var<uniform> params: Params;

struct Step {
  windowStart: u32, // where the tile begins in the clip
  coreStart: u32,   // the part of the clip that this tile decides
  coreEnd: u32,
}
@group(0) @binding(5) var<uniform> step: Step;

const WORKGROUP = 64u;

// tile[b, j] = whole[b, windowStart + j]
@compute @workgroup_size(WORKGROUP)
fn gather(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.items * params.width) { return; }
  tile[i] = whole[i / params.width * params.length + step.windowStart + i % params.width];
}

// whole[b, windowStart + j] = tile[b, j] within the core
@compute @workgroup_size(WORKGROUP)
fn scatter(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.items * params.width) { return; }
  let place = step.windowStart + i % params.width;
  if (place < step.coreStart || place >= step.coreEnd) { return; }
  wholeOut[i / params.width * params.length + place] = tileIn[i];
}
