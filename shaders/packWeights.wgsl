// Packs convolution weights for the variants of conv1d: slices of output channels, `lanes`·`wide` vec4f each, in rows
// [K·Cin][wide][lanes], the last row being the bias; what lies beyond Cout is zero. With `paired`, the two halves of the
// output channels (gate and filter, residual and skip) go side by side: wide 0 from the first half, wide 1 from the
// second. With `transposed`, the weights of the gradient in x: inputs and outputs exchanged, no bias.

struct Layout {
  taps: u32,
  inputs: u32,     // channels that the packed convolution reads
  outputs: u32,    // channels that it writes
  lanes: u32,
  wide: u32,
  stride: u32,     // vec4f from one slice to the next
  slices: u32,
  paired: u32,
  transposed: u32,
  weightAt: u32,   // elements before the weight
  biasAt: u32,     // elements before the bias
  start: u32,      // vec4f before the first slice
  factor: f32,     // of the weight, not of the bias
}

@group(0) @binding(0) var<storage, read> weight: array<f32>;              // (K, Cin, Cout) from weightAt
@group(0) @binding(1) var<storage, read> bias: array<f32>;                // (Cout) from biasAt
@group(0) @binding(2) var<storage, read_write> packed: array<vec4f>;      // (slices, stride) from start
@group(0) @binding(3) var<uniform> params: Layout;
@group(0) @binding(4) var<storage, read> table: array<Layout>;
@group(0) @binding(5) var<storage, read> work: array<vec2u>;              // per workgroup: entry, first vec4f in it

const WORKGROUP = 64u;

fn value(form: Layout, row: u32, channel: u32) -> f32 {
  let k = row / form.inputs;
  let c = row % form.inputs;
  if (k >= form.taps) {
    if (c > 0u || form.transposed == 1u) { return 0.0; }
    return bias[form.biasAt + channel];
  }
  if (form.transposed == 1u) { return form.factor * weight[form.weightAt + (k * form.outputs + channel) * form.inputs + c]; }
  return form.factor * weight[form.weightAt + (k * form.inputs + c) * form.outputs + channel];
}

fn pack(form: Layout, i: u32) {
  if (i >= form.slices * form.stride) { return; }
  let slice = i / form.stride;
  let row = i % form.stride / (form.lanes * form.wide);
  let n = i % form.stride / form.lanes % form.wide;
  let lane = i % form.stride % form.lanes;
  var channel = ((slice * form.wide + n) * form.lanes + lane) * 4u;
  var end = form.outputs;
  if (form.paired == 1u) {
    let half = form.outputs / 2u;
    channel = n * half + (slice * form.lanes + lane) * 4u;
    end = (n + 1u) * half;
  }
  var v = vec4f(0.0);
  for (var q = 0u; q < 4u; q++) {
    if (channel + q < end) { v[q] = value(form, row, channel + q); }
  }
  packed[form.start + i] = v;
}

// One convolution.
@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  pack(params, id.x + id.y * groups.x * WORKGROUP);
}

// Many convolutions, their weights in one buffer: a workgroup looks up what it works on.
@compute @workgroup_size(WORKGROUP)
fn many(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let number = group.x + group.y * groups.x;
  if (number >= arrayLength(&work)) { return; }
  pack(table[work[number].x], work[number].y + local);
}
