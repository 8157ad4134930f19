// Mean loss over all elements: mean squared error (Ho et al. 2020, eq. 14) or, with L1, mean absolute error.
// WEIGHTED: each item's elements count as often as its weight says.
// `Lane` (f32 or vec4f, along an item), what `backward` works on, comes from the generated header.
// `partialSums` sums a chunk of elements per invocation, `total` adds the chunks up in one workgroup of TOTAL invocations, both in a fixed
// order, so that the loss is the same at every run.
// HISTORY: `total` also keeps the loss in a ring, so that the host can read those of many runs at once.

@group(0) @binding(0) var<storage, read> predicted: array<f32>;
@group(0) @binding(1) var<storage, read> wanted: array<f32>;
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;
@group(0) @binding(3) var<storage, read> partialIn: array<f32>;
@group(0) @binding(4) var<storage, read_write> loss: array<f32>;          // (1)
@group(0) @binding(5) var<storage, read> dLoss: array<f32>;               // (1)
@group(0) @binding(6) var<storage, read_write> dPredicted: array<Lane>;
//@if WEIGHTED
@group(0) @binding(8) var<storage, read> weight: array<f32>;              // (B)
//@end

@group(0) @binding(9) var<storage, read> predictedLanes: array<Lane>;
@group(0) @binding(10) var<storage, read> wantedLanes: array<Lane>;

//@if HISTORY
@group(0) @binding(11) var<storage, read_write> history: array<f32>;
struct Step {
  historySlot: u32,
}
@group(0) @binding(12) var<uniform> step: Step;
//@end

struct Params {
  count: u32,  // elements
  divisor: u32, // elements that the mean is over: those of the parts of a batch together
  lanes: u32,  // the same in lanes, for `backward`
  chunks: u32, // partial sums
  itemLength: u32, // elements of one item
  itemLanes: u32,  // the same in lanes
}
@group(0) @binding(7) var<uniform> params: Params;

override L1 = false;
override ACCUMULATE = false; // add to dPredicted instead of overwriting it
override LATER = false;      // add to the history instead of overwriting it

const WORKGROUP = 64u;

var<workgroup> sums: array<f32, TOTAL>;

@compute @workgroup_size(WORKGROUP)
fn partialSums(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let chunk = id.x + id.y * groups.x * WORKGROUP;
  if (chunk >= params.chunks) { return; }
  var sum = 0.0;
  // Neighbours read neighbouring elements.
  for (var i = chunk; i < params.count; i += params.chunks) {
    let d = predicted[i] - wanted[i];
    let term = select(d * d, abs(d), L1);
    //@if WEIGHTED
    sum += term * weight[i / params.itemLength];
    //@else
    sum += term;
    //@end
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
    let mean = sums[0] / f32(params.divisor);
    loss[0] = mean;
    //@if HISTORY
    if (LATER) { history[step.historySlot] += mean; } else { history[step.historySlot] = mean; }
    //@end
  }
}

// dp = dloss·2(p − w)/N, or dloss·sign(p − w)/N for L1
@compute @workgroup_size(WORKGROUP)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.lanes) { return; }
  let d = predictedLanes[i] - wantedLanes[i];
  var scale = dLoss[0] / f32(params.divisor);
  //@if WEIGHTED
  scale *= weight[i / params.itemLanes];
  //@end
  var g = scale * select(2.0 * d, sign(d), L1);
  if (ACCUMULATE) { g += dPredicted[i]; }
  dPredicted[i] = g;
}
