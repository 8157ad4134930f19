// Transposes every matrix of a stack: y[k, j, i] = x[k, i, j]. Used on convolution weights, (K, Cin, Cout) to
// (K, Cout, Cin), so that the gradient in a convolution's input can read along channels.

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

struct Params {
  count: u32, // elements
  rows: u32,  // i of one matrix of x
  columns: u32,
}
@group(0) @binding(2) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.count) { return; }
  let matrix = i / (params.rows * params.columns);
  let within = i % (params.rows * params.columns);
  let row = within % params.rows;
  let column = within / params.rows;
  y[i] = x[matrix * params.rows * params.columns + row * params.columns + column];
}
