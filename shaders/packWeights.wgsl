//@if HALF
enable f16;
//@end

// Packs convolution weights for the variants of conv1d: slices of output channels, `lanes`·`wide` vec4f each, in rows
// [K·Cin][wide][lanes], the last row being the bias; what lies beyond Cout is zero. With `paired`, the two halves of the
// output channels (gate and filter, residual and skip) go side by side: wide 0 from the first half, wide 1 from the
// second. With `transposed`, the weights of the gradient in x: inputs and outputs exchanged, no bias.
// `Packed`, what is stored of four weights, comes from the generated header: vec4f, or with HALF vec2u, which are four f16 as the
// `matrix` kernels multiply them. The bias stays float32 there and has two of those for each vec4f.

struct Layout {
  taps: u32,
  inputs: u32,     // channels that the packed convolution reads
  outputs: u32,    // channels that it writes
  lanes: u32,
  wide: u32,
  stride: u32,     // Packed from one slice to the next
  slices: u32,
  paired: u32,
  transposed: u32,
  weightAt: u32,   // elements before the weight
  biasAt: u32,     // elements before the bias
  start: u32,      // Packed before the first slice
  factor: f32,     // of the weight, not of the bias
}

@group(0) @binding(0) var<storage, read> weight: array<f32>;              // (K, Cin, Cout) from weightAt
@group(0) @binding(1) var<storage, read> bias: array<f32>;                // (Cout) from biasAt
@group(0) @binding(2) var<storage, read_write> packed: array<Packed>;     // (slices, stride) from start
@group(0) @binding(3) var<uniform> params: Layout;
@group(0) @binding(4) var<storage, read> table: array<Layout>;
@group(0) @binding(5) var<storage, read> work: array<vec2u>;              // per workgroup: entry, first Packed in it

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

//@if HALF
const largestHalf = 65504.0; // of f16

// What is larger than the largest f16 becomes that. NaN is not larger than anything, so it stays; a clamp would hide it.
fn inHalf(v: vec4f) -> Packed {
  return bitcast<Packed>(vec4<f16>(select(v, sign(v) * largestHalf, abs(v) > vec4f(largestHalf))));
}
//@end

fn pack(form: Layout, i: u32) {
  if (i >= form.slices * form.stride) { return; }
  let slice = i / form.stride;
  var at = i % form.stride;
  //@if HALF
  let weights = form.taps * form.inputs * form.lanes * form.wide;
  let isUpperHalf = at >= weights && (at - weights) % 2u == 1u; // of four numbers of the bias
  at = select(at, weights + (at - weights) / 2u, at >= weights);
  //@end
  let row = at / (form.lanes * form.wide);
  let n = at / form.lanes % form.wide;
  let lane = at % form.lanes;
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
  //@if HALF
  packed[form.start + i] = select(inHalf(v), bitcast<Packed>(select(v.xy, v.zw, isUpperHalf)), at >= weights);
  //@else
  packed[form.start + i] = v;
  //@end
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
