// Reverse step (Ho et al. 2020, algorithm 2): x_{t−1} = (x_t − β_t/√(1−ᾱ_t)·ε_θ)/√α_t + σ_t·z, where it is.
// `Lane` (f32 or vec4f) comes from the generated header.

@group(0) @binding(0) var<storage, read_write> x: array<Lane>;       // x_t, becomes x_{t−1}
@group(0) @binding(1) var<storage, read> predicted: array<Lane>;     // ε_θ(x_t, t)
@group(0) @binding(2) var<storage, read> noise: array<Lane>;         // z

struct Params {
  count: u32, // lanes
}
@group(0) @binding(3) var<uniform> params: Params;

struct Step {
  inverseSqrtAlpha: f32, // 1/√α_t
  noiseCoefficient: f32, // β_t/√(1−ᾱ_t)
  sigma: f32,            // σ_t; 0 in the last step
}
@group(0) @binding(4) var<uniform> step: Step;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.count) { return; }
  x[i] = (x[i] - step.noiseCoefficient * predicted[i]) * step.inverseSqrtAlpha + step.sigma * noise[i];
}
