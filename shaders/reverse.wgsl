// One step of the reverse process on the core of a tile, where the clip is. Every sampler is the same line with other
// coefficients, which the CPU computes in float64:
//
//   x̂_0 = fromX·x_t + fromOutput·output, within ±limit
//   x_s = ofX·x_t + ofX0·x̂_0 + ofNoise·z + ofPrevious·x̂_0 of the step before
//
// From the generated header: HISTORY (0 or 1), whether x̂_0 of the step before is used and kept; `Lane` (f32 or vec4f, along
// the clip) and its WIDTH, which divides every place and length.

@group(0) @binding(0) var<storage, read_write> x: array<Lane>;        // (B, L) x_t, becomes x_s in the core
@group(0) @binding(1) var<storage, read> output: array<Lane>;         // (B, W) of the network, from windowStart
@group(0) @binding(2) var<storage, read> noise: array<Lane>;          // (B, W) z, from coreStart
//@if HISTORY
@group(0) @binding(5) var<storage, read_write> previous: array<Lane>; // (B, L) x̂_0, becomes this step's in the core
//@end

struct Params {
  items: u32,  // B
  length: u32, // lanes of L
  width: u32,  // lanes of W
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

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.items * params.width) { return; }
  let item = i / params.width;
  let j = i % params.width; // from coreStart
  let place = step.coreStart / WIDTH + j;
  if (place >= step.coreEnd / WIDTH) { return; }
  let shift = u32(i32(step.coreStart) - step.windowStart) / WIDTH;
  let predicted = output[item * params.width + shift + j];
  let at = item * params.length + place;
  var x0 = step.fromX * x[at] + step.fromOutput * predicted;
  // clamp() may turn a NaN into a number, and broken weights must show
  let limit = Lane(step.limit);
  x0 = select(x0, limit, x0 > limit);
  x0 = select(x0, -limit, x0 < -limit);
  var next = step.ofX * x[at] + step.ofX0 * x0 + step.ofNoise * noise[i];
//@if HISTORY
  next += step.ofPrevious * previous[at];
  previous[at] = x0;
//@end
  x[at] = next;
}
