// Step encoding: looks t up in a table that the CPU made in float64 (Vaswani et al. 2017, or Kong et al. 2021 eq. 4).
// A GPU's own sine is not accurate at the angles that occur here, up to t·10⁴ radians. A fractional t, which DiffWave's
// fast sampling uses, lies on the straight line between its neighbours.

@group(0) @binding(0) var<storage, read> t: array<f32>;        // (B)
@group(0) @binding(1) var<storage, read> table: array<f32>;    // (T, width)
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // (B, width)

struct Params {
  rows: u32,  // B
  width: u32,
  steps: u32, // T
}
@group(0) @binding(3) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.rows * params.width) { return; }
  let place = i % params.width;
  var step = t[i / params.width];
  step = select(step, 0.0, step < 0.0); // not clamp(), which may turn a NaN into a number
  step = select(step, f32(params.steps - 1u), step > f32(params.steps - 1u));
  let low = u32(floor(step));
  let high = min(low + 1u, params.steps - 1u);
  y[i] = mix(table[low * params.width + place], table[high * params.width + place], step - floor(step));
}
