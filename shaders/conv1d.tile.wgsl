//@if F16
enable f16;
//@end

// Dilated "same" convolution with what stands before and after it in a residual layer, for real GPUs: a workgroup makes
// ROWS rows of one item × LANES·WIDE·4 output channels. Slabs of SLAB input channels of the rows and of the weights go
// through workgroup memory; an invocation keeps ROWS/GROUPS rows × WIDE vec4f of sums in registers, so that every value
// read from workgroup memory serves several multiplications. conv1d.broadcast.wgsl has the same contract.
//
// Weights are packed by packWeights.wgsl: slices of LANES·WIDE·4 output channels, each [K·Cin][WIDE][LANES] vec4f and a
// last row with the bias. One dispatch works on one slice. Sums are made in the order k, ci.
// Constants: LANES columns of invocations, ROWS, DEEP rows per invocation, WIDE vec4f per invocation, TAPS, INPUTS vec4f
// of Cin, and flags for what is loaded and what is done with the sums (residualLayer.ts has the formulas):
// In, Out and Stored are the types of x, y, and of saved and residual: vec4f, or vec4<f16> in mixed precision (F16).
//   PREFETCH        the next slab is loaded into registers while one is multiplied, INPUT_LOADS and WEIGHT_LOADS vec4f of it
//   PAIR            inputs are [dOutput/√2 | dSkip]; with LAST there is no dOutput
//   STEP            inputs are x plus the item's step embedding, zero outside [0, L)
//   MASKED          inputs are x where `mask` is above 0, and zero elsewhere: the gradient behind a relu
//   GATE            _0 is the gate g, _1 the filter f, to which CONDITION adds: writes their product; with SAVE also σ(g), tanh(f)
//   RESIDUAL        _0 is r, _1 is s: output = (x + r)/√2, skip += s (FIRST: skip = s)
//   GATE_GRADIENT   sums are dh: writes the gradients in g and f
//   STEP_GRADIENT   sums are the gradient in x + step: adds dOutput/√2 (not LAST), and its columns' partial sums
//   PLAIN           y = sums, plus y with ACCUMULATE; with RELU max(sums, 0)

@group(0) @binding(0) var<storage, read> weight: array<vec4f>;
//@if PAIR
@group(0) @binding(1) var<storage, read> dOutput: array<vec4f>;            // (B, L, Cin/2)
@group(0) @binding(2) var<storage, read> dSkip: array<vec4f>;              // (B, L, Cin/2)
//@else
@group(0) @binding(1) var<storage, read> x: array<In>;                     // (B, L, Cin)
//@end
//@if STEP
@group(0) @binding(3) var<storage, read> stepEmbedding: array<vec4f>;      // (B, Cin)
//@end
//@if MASKED
@group(0) @binding(3) var<storage, read> mask: array<vec4f>;               // (B, L, Cin)
//@end
//@if SAVE
@group(0) @binding(4) var<storage, read_write> saved: array<Stored>;        // (B, L, 2C) σ(g), tanh(f)
//@end
//@if RESIDUAL
@group(0) @binding(4) var<storage, read> residual: array<Stored>;           // (B, L, C) x of the layer
@group(0) @binding(6) var<storage, read_write> skip: array<vec4f>;         // (B, L, C)
//@end
//@if GATE_GRADIENT
@group(0) @binding(4) var<storage, read> saved: array<Stored>;              // (B, L, 2C)
//@end
//@if STEP_GRADIENT
//@if !LAST
@group(0) @binding(2) var<storage, read> dOutput: array<vec4f>;            // (B, L, C)
//@end
@group(0) @binding(4) var<storage, read_write> partial: array<vec4f>;      // (B, tiles, C)
//@end
//@if CONDITION
@group(0) @binding(9) var<storage, read> condition: array<vec4f>;          // (B, 1 or L, 2C)
//@end
@group(0) @binding(5) var<storage, read_write> y: array<Out>;              // (B, L, Cout), half of it for GATE and RESIDUAL, twice for GATE_GRADIENT

struct Params {
  groups: u32,    // tiles of all items
  tiles: u32,     // of one item
  length: u32,    // L
  width: u32,     // vec4f that the sums' channels have in all: Cout, or half of it for GATE and RESIDUAL
  slice: u32,     // the first of them in this slice
  dilation: i32,  // D, in rows
  direction: i32, // +1 forward, −1 for the gradient in the input
  conditionRows: u32, // rows that an item's condition has: 1, or one for every sample
}
@group(0) @binding(7) var<uniform> params: Params;
const halfPower = 0.70710678118654752; // 1/√2
// Exponents are never positive: no overflow, and no clamp, which may hide a NaN. No tanh(), see docs/kernels.md, rule 3.
fn sigmoid(v: vec4f) -> vec4f {
  let e = exp(-abs(v));
  return select(vec4f(1.0), e, v < vec4f(0.0)) / (vec4f(1.0) + e);
}
fn safeTanh(v: vec4f) -> vec4f {
  let e = exp(-2.0 * abs(v));
  let h = (vec4f(1.0) - e) / (vec4f(1.0) + e);
  return select(h, -h, v < vec4f(0.0));
}

//@if RESIDUAL
// What becomes an f16 stays within ±65,504, see relu.wgsl.
fn storable(v: vec4f) -> vec4f {
  //@if F16
  const most = vec4f(65504.0);
  let cut = select(v, most, v > most);
  return select(cut, -most, cut < -most);
  //@else
  return v;
  //@end
}
//@end

const GROUPS = ROWS / DEEP; // rows of invocations
const THREADS = LANES * GROUPS;
const SLAB = 4u;                              // vec4f of input channels that are staged at once
const SLABS = (INPUTS + SLAB - 1u) / SLAB;
const PITCH = SLAB + 1u;                      // one vec4f of padding: neighbouring rows fall into other banks
const WEIGHTS = SLAB * 4u * LANES * WIDE;     // vec4f of a slab's weights
var<workgroup> staged: array<vec4f, ROWS * PITCH>;
var<workgroup> weights: array<vec4f, WEIGHTS>;
// Input vec4f c of a row of the item, and zero outside.
fn load(item: u32, t: i32, c: u32) -> vec4f {
  if (t < 0 || t >= i32(params.length) || c >= INPUTS) { return vec4f(0.0); }
  let row = item * params.length + u32(t);
  //@if PAIR
  const half = INPUTS / 2u;
  if (c >= half) { return dSkip[row * half + c - half]; }
  //@if !LAST
  return dOutput[row * half + c] * halfPower;
  //@else
  return vec4f(0.0);
  //@end
  //@else
  var v = vec4f(x[row * INPUTS + c]);
  //@if STEP
  v += stepEmbedding[item * INPUTS + c];
  //@end
  //@if MASKED
  v = select(v, vec4f(0.0), mask[row * INPUTS + c] <= vec4f(0.0));
  //@end
  return v;
  //@end
}

// Number i of a slab of inputs for tap k, and of its weights.
fn inputOf(k: u32, slab: u32, i: u32, item: u32, first: u32) -> vec4f {
  let shift = (i32(k) - i32(TAPS / 2u)) * params.dilation * params.direction;
  return load(item, i32(first + i / SLAB) + shift, slab * SLAB + i % SLAB);
}
fn weightOf(k: u32, slab: u32, i: u32) -> vec4f {
  let inside = k < TAPS && slab * SLAB + i / (4u * LANES * WIDE) < INPUTS;
  return select(vec4f(0.0), weight[select(0u, (k * INPUTS + slab * SLAB) * 4u * LANES * WIDE + i, inside)], inside);
}

@compute @workgroup_size(THREADS)
fn forward(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let tile = group.x + group.y * groups.x;
  if (tile >= params.groups) { return; }
  let lane = local % LANES;
  let m = local / LANES;                         // this invocation's rows are m, m + GROUPS, …
  let item = tile / params.tiles;
  let begin = item * params.length;              // its first row
  let first = tile % params.tiles * ROWS;        // sample of the tile's start
  let bias = TAPS * INPUTS * 4u * LANES * WIDE + lane;
  //@each r DEEP
  //@each n WIDE
  var sum{r}_{n} = weight[bias + {n}u * LANES];
  //@end
  //@end

  //@if PREFETCH
  //@each j INPUT_LOADS
  var nextInput{j} = inputOf(0u, 0u, local + {j}u * THREADS, item, first);
  //@end
  //@each j WEIGHT_LOADS
  var nextWeight{j} = weightOf(0u, 0u, local + {j}u * THREADS);
  //@end
  //@end
  for (var k = 0u; k < TAPS; k++) {
    for (var slab = 0u; slab < SLABS; slab++) {
      workgroupBarrier();
      //@if PREFETCH
      //@each j INPUT_LOADS
      staged[(local + {j}u * THREADS) / SLAB * PITCH + (local + {j}u * THREADS) % SLAB] = nextInput{j};
      //@end
      //@each j WEIGHT_LOADS
      weights[local + {j}u * THREADS] = nextWeight{j};
      //@end
      //@else
      for (var j = 0u; j < ROWS * SLAB / THREADS; j++) {
        let i = local + j * THREADS;
        staged[i / SLAB * PITCH + i % SLAB] = inputOf(k, slab, i, item, first);
      }
      for (var j = 0u; j < WEIGHTS / THREADS; j++) {
        weights[local + j * THREADS] = weightOf(k, slab, local + j * THREADS);
      }
      //@end
      workgroupBarrier();
      //@if PREFETCH
      let isLast = slab + 1u == SLABS;
      let nextSlab = select(slab + 1u, 0u, isLast);
      let nextK = select(k, k + 1u, isLast); // behind the last tap: what is loaded there is not used
      //@each j INPUT_LOADS
      nextInput{j} = inputOf(nextK, nextSlab, local + {j}u * THREADS, item, first);
      //@end
      //@each j WEIGHT_LOADS
      nextWeight{j} = weightOf(nextK, nextSlab, local + {j}u * THREADS);
      //@end
      //@end
      for (var c = 0u; c < SLAB; c++) {
        //@each r DEEP
        let x{r} = staged[(m + {r}u * GROUPS) * PITCH + c];
        //@end
        //@each q 4
        {
          //@each n WIDE
          let w{n} = weights[((c * 4u + {q}u) * WIDE + {n}u) * LANES + lane];
          //@end
          //@each r DEEP
          //@each n WIDE
          sum{r}_{n} = fma(vec4f(x{r}[{q}]), w{n}, sum{r}_{n});
          //@end
          //@end
        }
        //@end
      }
    }
  }

  //@each r DEEP
  if (first + m + {r}u * GROUPS < params.length) {
    let row = begin + first + m + {r}u * GROUPS;
    //@if PAIRED
    if (params.slice + lane < params.width) {
      let place = row * params.width + params.slice + lane;
      //@if GATE
      //@if CONDITION
      let told = (item * params.conditionRows + min(row - begin, params.conditionRows - 1u)) * 2u * params.width + params.slice + lane;
      sum{r}_0 += condition[told];
      sum{r}_1 += condition[told + params.width];
      //@end
      let s = sigmoid(sum{r}_0);
      let h = safeTanh(sum{r}_1);
      //@if SAVE
      saved[place + row * params.width] = Stored(s);
      saved[place + (row + 1u) * params.width] = Stored(h);
      //@end
      y[place] = Out(s * h);
      //@else
      y[place] = Out(storable((vec4f(residual[place]) + sum{r}_0) * halfPower));
      //@if !FIRST
      sum{r}_1 += skip[place];
      //@end
      skip[place] = sum{r}_1;
      //@end
    }
    //@else
    //@each n WIDE
    if (params.slice + {n}u * LANES + lane < params.width) {
      //@if GATE_GRADIENT
      let place = row * 2u * params.width + params.slice + {n}u * LANES + lane;
      let s = vec4f(saved[place]);
      let h = vec4f(saved[place + params.width]);
      y[place] = sum{r}_{n} * h * s * (1.0 - s);
      y[place + params.width] = sum{r}_{n} * s * (1.0 - h * h);
      //@else
      let place = row * params.width + params.slice + {n}u * LANES + lane;
      //@end
      //@if !GATE_GRADIENT
      var value = sum{r}_{n};
      //@if STEP_GRADIENT
      //@if !LAST
      value += dOutput[place] * halfPower;
      //@end
      //@end
      //@if ACCUMULATE
      value += y[place];
      //@end
      //@if RELU
      value = select(value, vec4f(0.0), value < vec4f(0.0)); // NaN stays
      //@end
      y[place] = value;
      //@end
    }
    //@end
    //@end
  //@if STEP_GRADIENT
  } else { // rows beyond the clip count for nothing in the columns' sums
    //@each n WIDE
    sum{r}_{n} = vec4f(0.0);
    //@end
  //@end
  }
  //@end

  //@if STEP_GRADIENT
  //@each n WIDE
  var column{n} = vec4f(0.0);
  //@each r DEEP
  column{n} += sum{r}_{n};
  //@end
  workgroupBarrier();
  weights[local] = column{n};
  workgroupBarrier();
  if (m == 0u && params.slice + {n}u * LANES + lane < params.width) {
    var total = vec4f(0.0);
    for (var i = 0u; i < GROUPS; i++) {
      total += weights[i * LANES + lane];
    }
    partial[tile * params.width + params.slice + {n}u * LANES + lane] = total;
  }
  //@end
  //@end
}
