// Adam (Kingma & Ba 2015, algorithm 1) on the flat buffers of all parameters:
//   m = β1·m + (1−β1)·g,  v = β2·v + (1−β2)·g²,  θ −= lr·m̂/(√v̂ + ε) + decay·θ,  m̂ = m/(1−β1^n),  v̂ = v/(1−β2^n)
// CLIP makes g·min(1, maxNorm/‖g‖) of g first; AVERAGE lets a running mean of θ follow: a += share·(θ − a).

@group(0) @binding(0) var<storage, read_write> value: array<vec4f>;
@group(0) @binding(1) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> m: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> v: array<vec4f>;
//@if AVERAGE
@group(0) @binding(6) var<storage, read_write> average: array<vec4f>;
//@end
//@if CLIP
@group(0) @binding(7) var<storage, read> norm: array<f32>; // (1) ‖g‖ over all parameters
//@end

struct Params {
  count: u32, // vec4s
  beta1: f32,
  beta2: f32,
  oneMinusBeta1: f32, // made in float64: 1 − 0.999 in float32 is 1e-5 off
  oneMinusBeta2: f32,
  epsilon: f32,
  maxNorm: f32,
}
@group(0) @binding(4) var<uniform> params: Params;

struct Step {
  learningRate: f32,
  correction1: f32, // 1/(1 − β1^n)
  correction2: f32, // 1/(1 − β2^n)
  decay: f32,       // learning rate · weight decay
  share: f32,       // 1 − decay of the average
}
@group(0) @binding(5) var<uniform> step: Step;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.count) { return; }
  var g = gradient[i];
  //@if CLIP
  // Not a quotient that is cut at 1: the norm may be 0.
  if (norm[0] > params.maxNorm) { g *= params.maxNorm / norm[0]; }
  //@end
  let first = params.beta1 * m[i] + params.oneMinusBeta1 * g;
  let second = params.beta2 * v[i] + params.oneMinusBeta2 * g * g;
  m[i] = first;
  v[i] = second;
  let old = value[i];
  let change = step.learningRate * (first * step.correction1) / (sqrt(second * step.correction2) + params.epsilon);
  let updated = old - change - step.decay * old;
  value[i] = updated;
  //@if AVERAGE
  average[i] += step.share * (updated - average[i]);
  //@end
}
