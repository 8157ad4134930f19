// Packs convolution weights for the variants of conv1d: slices of output channels, `lanes`·`wide` vec4f each, in rows
// [K·Cin][wide][lanes], the last row being the bias; what lies beyond Cout is zero. With `paired`, the two halves of the
// output channels (gate and filter, residual and skip) go side by side: wide 0 from the first half, wide 1 from the
// second. With `transposed`, the weights of the gradient in x: inputs and outputs exchanged, no bias.

@group(0) @binding(0) var<storage, read> weight: array<f32>;              // (K, Cin, Cout)
@group(0) @binding(1) var<storage, read> bias: array<f32>;                // (Cout)
@group(0) @binding(2) var<storage, read_write> packed: array<vec4f>;      // (slices, stride)

struct Params {
  taps: u32,
  inputs: u32,  // channels that the packed convolution reads
  outputs: u32, // channels that it writes
  lanes: u32,
  wide: u32,
  stride: u32,  // vec4f from one slice to the next
  slices: u32,
  paired: u32,
  transposed: u32,
}
@group(0) @binding(3) var<uniform> params: Params;

const WORKGROUP = 64u;

fn value(row: u32, channel: u32) -> f32 {
  let k = row / params.inputs;
  let c = row % params.inputs;
  if (k >= params.taps) {
    if (c > 0u || params.transposed == 1u) { return 0.0; }
    return bias[channel];
  }
  if (params.transposed == 1u) { return weight[(k * params.outputs + channel) * params.inputs + c]; }
  return weight[(k * params.inputs + c) * params.outputs + channel];
}

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.slices * params.stride) { return; }
  let slice = i / params.stride;
  let row = i % params.stride / (params.lanes * params.wide);
  let n = i % params.stride / params.lanes % params.wide;
  let lane = i % params.stride % params.lanes;
  var channel = ((slice * params.wide + n) * params.lanes + lane) * 4u;
  var end = params.outputs;
  if (params.paired == 1u) {
    let half = params.outputs / 2u;
    channel = n * half + (slice * params.lanes + lane) * 4u;
    end = (n + 1u) * half;
  }
  var v = vec4f(0.0);
  for (var q = 0u; q < 4u; q++) {
    if (channel + q < end) { v[q] = value(row, channel + q); }
  }
  packed[i] = v;
}
