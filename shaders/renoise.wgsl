// The forward process on a part of a clip, where it is: x = signalLevel·x + noiseLevel·z takes x to a noisier step, and
// x = signalLevel·known + noiseLevel·z puts a known sound into x at its step, but for the gap [gapStart, gapEnd).

@group(0) @binding(0) var<storage, read_write> x: array<f32>; // (B, L)
@group(0) @binding(1) var<storage, read> known: array<f32>;   // (B, L)
@group(0) @binding(2) var<storage, read> noise: array<f32>;   // (B, W) z, from coreStart

struct Params {
  items: u32,  // B
  length: u32, // L
  width: u32,  // W
}
@group(0) @binding(3) var<uniform> params: Params;

struct Step {
  coreStart: u32, // the part of the clip that is changed
  coreEnd: u32,
  gapStart: u32,  // the part that `impose` leaves as it is
  gapEnd: u32,
  signalLevel: f32,
  noiseLevel: f32,
}
@group(0) @binding(4) var<uniform> step: Step;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn renoise(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.items * params.width) { return; }
  let place = step.coreStart + i % params.width;
  if (place >= step.coreEnd) { return; }
  let at = i / params.width * params.length + place;
  x[at] = step.signalLevel * x[at] + step.noiseLevel * noise[i];
}

@compute @workgroup_size(WORKGROUP)
fn impose(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.items * params.width) { return; }
  let place = step.coreStart + i % params.width;
  if (place >= step.coreEnd || (place >= step.gapStart && place < step.gapEnd)) { return; }
  let at = i / params.width * params.length + place;
  x[at] = step.signalLevel * known[at] + step.noiseLevel * noise[i];
}
