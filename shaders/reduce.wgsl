// Adds up partial sums in a fixed order, so that the result is the same at every run:
//
//   y[s, j] = Σ_p partial[s·parts + p, offset + j]
//
// Second half of every sum over time (weight and bias gradients, the step's gradient).
// `Lane` (f32 or vec4f) comes from the generated header.

@group(0) @binding(0) var<storage, read> partial: array<Lane>;   // (segments·parts, stride)
@group(0) @binding(1) var<storage, read_write> y: array<Lane>;   // (segments, width)

struct Params {
  segments: u32,
  parts: u32,  // partial sums of one segment
  stride: u32, // lanes from one partial sum to the next
  offset: u32, // lanes
  width: u32,  // lanes of one result
}
@group(0) @binding(2) var<uniform> params: Params;

override ACCUMULATE = false; // add to y instead of overwriting it

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.segments * params.width) { return; }
  let first = (i / params.width * params.parts) * params.stride + params.offset + i % params.width;
  var sum = Lane(0.0);
  for (var p = 0u; p < params.parts; p++) {
    sum += partial[first + p * params.stride];
  }
  if (ACCUMULATE) { sum += y[i]; }
  y[i] = sum;
}

var<workgroup> sums: array<Lane, WORKGROUP>;

// The same for many parts and few results: a workgroup for each lane of a result, its invocations side by side over the
// parts, then a tree. As fixed an order, but another one.
@compute @workgroup_size(WORKGROUP)
fn tree(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = group.x + group.y * groups.x;
  if (i >= params.segments * params.width) { return; }
  let first = (i / params.width * params.parts) * params.stride + params.offset + i % params.width;
  var sum = Lane(0.0);
  for (var p = local; p < params.parts; p += WORKGROUP) {
    sum += partial[first + p * params.stride];
  }
  sums[local] = sum;
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) { sums[local] += sums[local + half]; }
  }
  if (local == 0u) {
    var total = sums[0];
    if (ACCUMULATE) { total += y[i]; }
    y[i] = total;
  }
}
