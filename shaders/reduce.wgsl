// Adds up partial sums in a fixed order, so that the result is the same at every run:
//
//   y[s, j] = Σ_p partial[s·parts + p, offset + j]
//
// Second half of every sum over time (weight and bias gradients, the step's gradient); reduceMany.wgsl does it for many
// tensors at once. `Lane` (f32 or vec4f) comes from the generated header.

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

const COLUMNS = 4u; // lanes of results that a workgroup of the tree makes
const SHARES = 64u; // invocations that add up one of them
const TREE = COLUMNS * SHARES;

var<workgroup> sums: array<Lane, TREE>;

// The same for many parts and few results, on GPUs: invocations share the parts of a result, and neighbours read
// neighbouring memory. As fixed an order, but another one.
@compute @workgroup_size(TREE)
fn tree(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = (group.x + group.y * groups.x) * COLUMNS + local % COLUMNS;
  let inside = i < params.segments * params.width;
  let first = (i / params.width * params.parts) * params.stride + params.offset + i % params.width;
  sums[local] = Lane(0.0);
  if (inside) {
    for (var p = local / COLUMNS; p < params.parts; p += SHARES) {
      sums[local] += partial[first + p * params.stride];
    }
  }
  for (var half = SHARES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half * COLUMNS) { sums[local] += sums[local + half * COLUMNS]; }
  }
  if (local < COLUMNS && inside) {
    var total = sums[local];
    if (ACCUMULATE) { total += y[i]; }
    y[i] = total;
  }
}
