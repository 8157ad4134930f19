// Euclidean norm of a flat buffer, ‖x‖ = √Σx². `partialSums` sums a chunk of elements per invocation, `total` adds the
// chunks up in one workgroup of TOTAL invocations, both in a fixed order, so that the norm is the same at every run.
// HISTORY: `total` also keeps the norm in a ring, so that the host can read those of many runs at once.

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> partial: array<f32>;
@group(0) @binding(2) var<storage, read> partialIn: array<f32>;
@group(0) @binding(3) var<storage, read_write> norm: array<f32>; // (1)

struct Params {
  count: u32,  // vec4s
  chunks: u32, // partial sums
}
@group(0) @binding(4) var<uniform> params: Params;

//@if HISTORY
@group(0) @binding(5) var<storage, read_write> history: array<f32>;
struct Step {
  historySlot: u32,
}
@group(0) @binding(6) var<uniform> step: Step;
//@end

const WORKGROUP = 64u;

var<workgroup> sums: array<f32, TOTAL>;

@compute @workgroup_size(WORKGROUP)
fn partialSums(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let chunk = id.x + id.y * groups.x * WORKGROUP;
  if (chunk >= params.chunks) { return; }
  var sum = 0.0;
  // Neighbours read neighbouring elements.
  for (var i = chunk; i < params.count; i += params.chunks) {
    sum += dot(x[i], x[i]);
  }
  partial[chunk] = sum;
}

@compute @workgroup_size(TOTAL)
fn total(@builtin(local_invocation_index) local: u32) {
  var sum = 0.0;
  for (var i = local; i < params.chunks; i += TOTAL) {
    sum += partialIn[i];
  }
  sums[local] = sum;
  for (var half = TOTAL / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) { sums[local] += sums[local + half]; }
  }
  if (local == 0u) {
    norm[0] = sqrt(sums[0]);
    //@if HISTORY
    history[step.historySlot] = norm[0];
    //@end
  }
}
