// The gated unit of WaveNet (van den Oord et al. 2016, eq. 2): y = σ(g)·tanh(f), where every row of x holds
// the C channels of the gate g, then the C channels of the filter f.
// `Lane` (f32 or vec4f) comes from the generated header.

@group(0) @binding(0) var<storage, read> x: array<Lane>;              // (rows, 2C)
@group(0) @binding(1) var<storage, read_write> y: array<Lane>;        // (rows, C)
@group(0) @binding(2) var<storage, read> dOutput: array<Lane>;        // (rows, C)
@group(0) @binding(3) var<storage, read_write> dInput: array<Lane>;   // (rows, 2C)

struct Params {
  rows: u32,
  width: u32, // lanes of C
}
@group(0) @binding(4) var<uniform> params: Params;

override ACCUMULATE = false; // add to dInput instead of overwriting it

const WORKGROUP = 64u;

// e^−|v| is at most 1. A clamp would keep exp() finite as well, but it may turn a NaN into a number, and broken weights must show.
fn sigmoid(v: Lane) -> Lane {
  let e = exp(-abs(v));
  return select(Lane(1.0), e, v < Lane(0.0)) / (Lane(1.0) + e);
}

// tanh x = (1 − e^−2|x|)/(1 + e^−2|x|), with the sign of x. Not tanh(), whose precision is the driver's choice (WGSL allows
// 1e-5), and which some drivers compute as (e^2x − 1)/(e^2x + 1), NaN for large x.
fn safeTanh(v: Lane) -> Lane {
  let e = exp(-2.0 * abs(v));
  let h = (Lane(1.0) - e) / (Lane(1.0) + e);
  return select(h, -h, v < Lane(0.0));
}

@compute @workgroup_size(WORKGROUP)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.rows * params.width) { return; }
  let gate = i / params.width * params.width * 2u + i % params.width;
  y[i] = sigmoid(x[gate]) * safeTanh(x[gate + params.width]);
}

// dg = dy·tanh(f)·σ(g)·(1 − σ(g)),  df = dy·σ(g)·(1 − tanh²(f))
@compute @workgroup_size(WORKGROUP)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= params.rows * params.width) { return; }
  let gate = i / params.width * params.width * 2u + i % params.width;
  let filt = gate + params.width;
  let s = sigmoid(x[gate]);
  let h = safeTanh(x[filt]);
  var dGate = dOutput[i] * h * s * (Lane(1.0) - s);
  var dFilter = dOutput[i] * s * (Lane(1.0) - h * h);
  if (ACCUMULATE) {
    dGate += dInput[gate];
    dFilter += dInput[filt];
  }
  dInput[gate] = dGate;
  dInput[filt] = dFilter;
}
