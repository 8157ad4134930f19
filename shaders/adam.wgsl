// Adam (Kingma & Ba 2015, algorithm 1) on the flat buffers of all parameters:
//   m = β1·m + (1−β1)·g,  v = β2·v + (1−β2)·g²,  θ −= lr·m̂/(√v̂ + ε),  m̂ = m/(1−β1^n),  v̂ = v/(1−β2^n)

@group(0) @binding(0) var<storage, read_write> value: array<vec4f>;
@group(0) @binding(1) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> m: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> v: array<vec4f>;

struct Params {
  count: u32, // vec4s
  beta1: f32,
  beta2: f32,
  oneMinusBeta1: f32, // made in float64: 1 − 0.999 in float32 is 1e-5 off
  oneMinusBeta2: f32,
  epsilon: f32,
}
@group(0) @binding(4) var<uniform> params: Params;

struct Step {
  learningRate: f32,
  correction1: f32, // 1/(1 − β1^n)
  correction2: f32, // 1/(1 − β2^n)
}
@group(0) @binding(5) var<uniform> step: Step;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.count) { return; }
  let g = gradient[i];
  let first = params.beta1 * m[i] + params.oneMinusBeta1 * g;
  let second = params.beta2 * v[i] + params.oneMinusBeta2 * g * g;
  m[i] = first;
  v[i] = second;
  value[i] -= step.learningRate * (first * step.correction1) / (sqrt(second * step.correction2) + params.epsilon);
}
