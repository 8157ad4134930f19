// Rows that hold at places of a clip, mixed linearly between them; src/ops/timeline.ts has the formula. A function of the sample's
// number in the clip, so that a tile gets what the whole clip would get. `Lane` (f32 or vec4f) comes from the generated header.

@group(0) @binding(0) var<storage, read> rows: array<Lane>;      // (F, C)
@group(0) @binding(1) var<storage, read> places: array<u32>;     // (F), ascending
@group(0) @binding(2) var<storage, read_write> y: array<Lane>;   // (B, L, C)

struct Params {
  items: u32,  // B
  length: u32, // L
  clip: u32,   // samples of the whole clip
  width: u32,  // lanes of C
  places: u32, // F
}
@group(0) @binding(3) var<uniform> params: Params;

struct Step {
  windowStart: i32, // where the result begins in the clip; may be outside of it where the clip is a loop
}
@group(0) @binding(4) var<uniform> step: Step;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.items * params.length * params.width) { return; }
  let column = i % params.width;
  let row = i / params.width % params.length;
  let clip = i32(params.clip);
  let t = u32(((step.windowStart + i32(row)) % clip + clip) % clip);
  var next = 0u; // the first place behind t
  while (next < params.places && places[next] <= t) { next++; }
  if (next == 0u || next == params.places) {
    y[i] = rows[min(next, params.places - 1u) * params.width + column];
    return;
  }
  let before = places[next - 1u];
  let a = f32(t - before) / f32(places[next] - before);
  y[i] = (1.0 - a) * rows[(next - 1u) * params.width + column] + a * rows[next * params.width + column];
}
