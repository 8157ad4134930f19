// Moves a window between a whole clip and the tile that the network works on. A window may reach past the clip's ends
// where the clip is a loop: there it goes on with the other end.
//
// Where the clip is updated in place, tile by tile from its start, a window still needs the old samples on its left
// (`before`) and, past the end of a loop, those of the clip's beginning (`head`): `keep` saves them in time.

@group(0) @binding(0) var<storage, read> whole: array<f32>;             // (B, L)
@group(0) @binding(1) var<storage, read_write> tile: array<f32>;        // (B, W)
@group(0) @binding(2) var<storage, read> tileIn: array<f32>;            // (B, W)
@group(0) @binding(3) var<storage, read_write> wholeOut: array<f32>;    // (B, L)
@group(0) @binding(6) var<storage, read> before: array<f32>;            // (B, M) old samples up to coreStart
@group(0) @binding(7) var<storage, read> head: array<f32>;              // (B, M) old samples from 0
@group(0) @binding(8) var<storage, read_write> beforeNext: array<f32>;  // (B, M) old samples up to coreEnd
@group(0) @binding(9) var<storage, read_write> headOut: array<f32>;     // (B, M)

struct Params {
  items: u32,  // B
  length: u32, // L
  width: u32,  // W
  margin: u32, // M
}
@group(0) @binding(4) var<uniform> params: Params;

struct Step {
  windowStart: i32, // where the tile begins in the clip; negative before the start of a loop
  coreStart: u32,   // the part of the clip that this tile decides
  coreEnd: u32,
}
@group(0) @binding(5) var<uniform> step: Step;

const WORKGROUP = 64u;

// whole[b, place], place going round.
fn around(item: u32, place: i32) -> f32 {
  let length = i32(params.length);
  let wrapped = ((place % length) + length) % length;
  return whole[item * params.length + u32(wrapped)];
}

// tile[b, j] = whole[b, windowStart + j]
@compute @workgroup_size(WORKGROUP)
fn gather(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.items * params.width) { return; }
  tile[i] = around(i / params.width, step.windowStart + i32(i % params.width));
}

// The same with the samples of [0, coreStart) as they were before their update; those further than M to the left of
// coreStart, which nothing in the core depends on, are what they are now.
@compute @workgroup_size(WORKGROUP)
fn gatherOld(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.items * params.width) { return; }
  let item = i / params.width;
  let place = step.windowStart + i32(i % params.width);
  let coreStart = i32(step.coreStart);
  let first = coreStart - i32(params.margin); // in `before`
  let past = place - i32(params.length);      // in `head`
  if (coreStart > 0 && place >= max(first, 0) && place < coreStart) {
    tile[i] = before[item * params.margin + u32(place - first)];
  } else if (coreStart > 0 && past >= 0) {
    tile[i] = head[item * params.margin + min(u32(past), params.margin - 1u)];
  } else {
    tile[i] = around(item, place);
  }
}

// beforeNext[b, m] = tile at clip place coreEnd − M + m; places before the tile, which only a clip's first tile lacks
// and no later one asks for, get 0. With the first tile also head[b, m] = whole[b, m].
@compute @workgroup_size(WORKGROUP)
fn keep(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.items * params.margin) { return; }
  let item = i / params.margin;
  let j = i32(step.coreEnd) - i32(params.margin) + i32(i % params.margin) - step.windowStart;
  beforeNext[i] = select(0.0, tileIn[item * params.width + u32(max(j, 0))], j >= 0);
  if (step.coreStart == 0u) {
    headOut[i] = around(item, i32(i % params.margin));
  }
}

// whole[b, windowStart + j] = tile[b, j] within the core
@compute @workgroup_size(WORKGROUP)
fn scatter(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.items * params.width) { return; }
  let place = step.windowStart + i32(i % params.width);
  if (place < i32(step.coreStart) || place >= i32(step.coreEnd)) { return; }
  wholeOut[i / params.width * params.length + u32(place)] = tileIn[i];
}
