// A filter of finite impulse response over a part [coreStart, coreEnd) of a clip: y[b, p] = Σ_k taps[k]·n[b, p + k].
// `stretch` holds n from index coreStart on. With CIRCULAR, index i is i mod L, and `head` holds n from index 0 on for
// what lies behind the clip's end. TAPS comes from the generated header. Every sum is made in the same order, so that the
// result does not depend on how the clip is cut into parts.

@group(0) @binding(0) var<storage, read> stretch: array<f32>;         // (B, N)
//@if CIRCULAR
@group(0) @binding(1) var<storage, read> head: array<f32>;            // (B, H)
//@end
@group(0) @binding(2) var<storage, read> taps: array<f32>;            // (TAPS)
@group(0) @binding(3) var<storage, read_write> y: array<f32>;         // (B, L)

struct Params {
  items: u32,         // B
  length: u32,        // L
  width: u32,         // samples of a part at most
  stretchLength: u32, // N
  headLength: u32,    // H
}
@group(0) @binding(4) var<uniform> params: Params;

struct Step {
  coreStart: u32,
  coreEnd: u32,
}
@group(0) @binding(5) var<uniform> step: Step;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.items * params.width) { return; }
  let item = i / params.width;
  let j = i - item * params.width;
  let place = step.coreStart + j;
  if (place >= step.coreEnd) { return; }
  var sum = 0.0;
  for (var k = 0u; k < TAPS; k++) {
    //@if CIRCULAR
    if (place + k >= params.length) {
      sum += taps[k] * head[item * params.headLength + (place + k) % params.length];
      continue;
    }
    //@end
    sum += taps[k] * stretch[item * params.stretchLength + j + k];
  }
  y[item * params.length + place] = sum;
}
