// One step of the reverse process on the core of a tile, where the clip is. Every sampler is the same line with other
// coefficients, which the CPU computes in float64:
//
//   x̂_0 = fromX·x_t + fromOutput·output, within ±limit
//   x_s = ofX·x_t + ofX0·x̂_0 + ofNoise·z + ofPrevious·x̂_0 of the step before
//
// `HISTORY` (0 or 1) comes from the generated header: whether x̂_0 of the step before is used and kept.

@group(0) @binding(0) var<storage, read_write> x: array<f32>;        // (B, L) x_t, becomes x_s in the core
@group(0) @binding(1) var<storage, read> output: array<f32>;         // (B, W) of the network, from windowStart
@group(0) @binding(2) var<storage, read> noise: array<f32>;          // (B, W) z, from coreStart
//@if HISTORY
@group(0) @binding(5) var<storage, read_write> previous: array<f32>; // (B, L) x̂_0, becomes this step's in the core
//@end

struct Params {
  items: u32,  // B
  length: u32, // L
  width: u32,  // W
  tiles: u32,  // workgroups of an item
}
@group(0) @binding(3) var<uniform> params: Params;

struct Step {
  windowStart: i32, // where the tile begins in the clip; negative before the start of a loop
  coreStart: u32,   // the part of the clip that this tile decides
  coreEnd: u32,
  fromX: f32,
  fromOutput: f32,
  limit: f32,
  ofX: f32,
  ofX0: f32,
  ofNoise: f32,
  ofPrevious: f32,
}
@group(0) @binding(4) var<uniform> step: Step;

const WORKGROUP = 64u;
const DEEP = 8u; // samples of an invocation: dividing for every one of them took most of the time

@compute @workgroup_size(WORKGROUP)
fn forward(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32,
) {
  let index = group.x + group.y * groups.x;
  let item = index / params.tiles;
  if (item >= params.items) { return; }
  let first = index % params.tiles * (WORKGROUP * DEEP) + local;
  let shift = u32(i32(step.coreStart) - step.windowStart);
  for (var deep = 0u; deep < DEEP; deep++) {
    let j = first + deep * WORKGROUP; // from coreStart
    let place = step.coreStart + j;
    if (j >= params.width || place >= step.coreEnd) { return; }
    let at = item * params.length + place;
    let now = x[at];
    var x0 = step.fromX * now + step.fromOutput * output[item * params.width + shift + j];
    // clamp() may turn a NaN into a number, and broken weights must show
    x0 = select(x0, step.limit, x0 > step.limit);
    x0 = select(x0, -step.limit, x0 < -step.limit);
    var next = step.ofX * now + step.ofX0 * x0 + step.ofNoise * noise[item * params.width + j];
//@if HISTORY
    next += step.ofPrevious * previous[at];
    previous[at] = x0;
//@end
    x[at] = next;
  }
}
