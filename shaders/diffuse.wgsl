// Forward process (Ho et al. 2020, eq. 4): x_t = √ᾱ_t·x_0 + √(1−ᾱ_t)·ε, with t of every item in its two levels.
// VELOCITY: v_t = √ᾱ_t·ε − √(1−ᾱ_t)·x_0 as well (Salimans and Ho 2022, appendix D), of the same two loads.
// `Lane` (f32 or vec4f, along L) comes from the generated header.

@group(0) @binding(0) var<storage, read> audio: array<Lane>;         // (B, L) x_0
@group(0) @binding(1) var<storage, read> noise: array<Lane>;         // (B, L) ε
@group(0) @binding(2) var<storage, read> signalLevel: array<f32>;   // (B) √ᾱ_t
@group(0) @binding(3) var<storage, read> noiseLevel: array<f32>;    // (B) √(1−ᾱ_t)
@group(0) @binding(4) var<storage, read_write> noisy: array<Lane>;   // (B, L) x_t
//@if VELOCITY
@group(0) @binding(6) var<storage, read_write> velocity: array<Lane>; // (B, L) v_t
//@end

struct Params {
  count: u32,  // lanes of B·L
  length: u32, // lanes of L
}
@group(0) @binding(5) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.count) { return; }
  let item = i / params.length;
  let x = audio[i];
  let e = noise[i];
  noisy[i] = signalLevel[item] * x + noiseLevel[item] * e;
  //@if VELOCITY
  velocity[i] = signalLevel[item] * e - noiseLevel[item] * x;
  //@end
}
