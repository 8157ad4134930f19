enable subgroups;
enable chromium_experimental_subgroup_matrix;
//@if PINNED
enable subgroup_size_control;
//@end
//@if HALF
enable f16;
//@end
//@if F16
enable f16;
//@end

// A residual layer of DiffWave forward, in one kernel by subgroup matrices; src/ops/residualLayer.ts has the formula:
//   h = σ(g)·tanh(f) with [g | f] = dilated(x + step);  [r | s] = projection(h);  y = (x + r)/√2;  skip += s
// The dilated convolution is that of conv1d.matrix.wgsl, whose head explains how it is done and all constants. Its workgroup has all
// channels of its rows, so h goes where the inputs were staged, as the factor that it is next, and is multiplied by the
// projection's weights there. Flags are those of residualLayer.tile.wgsl: SAVE, FIRST, CONDITION.

@group(0) @binding(0) var<storage, read> weight: array<Packed>;
@group(0) @binding(1) var<storage, read> x: array<In>;                     // (B, L, C)
@group(0) @binding(2) var<storage, read> projection: array<Packed>;
@group(0) @binding(3) var<storage, read> stepEmbedding: array<vec4f>;      // (B, C)
//@if SAVE
@group(0) @binding(4) var<storage, read_write> saved: array<Stored>;       // (B, L, 2C) σ(g), tanh(f)
@group(0) @binding(8) var<storage, read_write> h: array<Stored>;           // (B, L, C)
//@end
//@if CONDITION
@group(0) @binding(9) var<storage, read> condition: array<vec4f>;          // (B, 1 or L, 2C)
//@end
@group(0) @binding(5) var<storage, read_write> y: array<Out>;              // (B, L, C)
@group(0) @binding(6) var<storage, read_write> skip: array<vec4f>;         // (B, L, C)

struct Params {
  groups: u32,    // tiles of all items
  tiles: u32,     // ⌈L/ROWS⌉, of one item
  length: u32,    // L
  width: u32,     // vec4f of C
  dilation: i32,  // D, in rows
  conditionRows: u32, // rows that an item's condition has: 1, or one for every sample
}
@group(0) @binding(7) var<uniform> params: Params;
const halfPower = 0.70710678118654752; // 1/√2
const largestHalf = 65504.0;           // of f16

// As in conv1d.tile.wgsl, which says why.
fn sigmoid(v: vec4f) -> vec4f {
  let e = exp(-abs(v));
  return select(vec4f(1.0), e, v < vec4f(0.0)) / (vec4f(1.0) + e);
}
fn safeTanh(v: vec4f) -> vec4f {
  let e = exp(-2.0 * abs(v));
  let h = (vec4f(1.0) - e) / (vec4f(1.0) + e);
  return select(h, -h, v < vec4f(0.0));
}

// Within what f16 can hold. NaN is not larger than anything, so it stays; a clamp would hide it.
fn bounded(v: vec4f) -> vec4f {
  return select(v, sign(v) * largestHalf, abs(v) > vec4f(largestHalf));
}
fn staged(v: vec4f) -> Staged {
  return Staged(select(v, bounded(v), HALF == 1u));
}

// Four numbers of a bias, in two places or one: it stands behind the weights.
fn biasOf(low: Packed, high: Packed) -> vec4f {
  //@if HALF
  return vec4f(bitcast<vec2f>(low), bitcast<vec2f>(high));
  //@else
  return low;
  //@end
}

const COLUMNS = LANES * 2u;                   // vec4f of sums in a row: g and f, or r and s
const THREADS = SUBGROUP * SUBGROUP_ROWS * 2u;
const SUBGROUP_HEIGHT = ROWS / SUBGROUP_ROWS; // rows of a subgroup
const SLABS = (INPUTS + SLAB - 1u) / SLAB;
const STEPS = TAPS * SLABS;
const HIDDEN = SLABS * SLAB;                  // vec4 of a row of h, with zeros behind its channels
const INPUT_PITCH = HIDDEN + PAD;
const WEIGHT_PITCH = COLUMNS + PAD;
const RESULT_PITCH = COLUMNS + 1u;
const BIAS_PLACES = 1u + HALF;                // of a vec4f
var<workgroup> inputs: array<Staged, ROWS * INPUT_PITCH>; // of a slab its inputs, afterwards h
var<workgroup> weights: array<Staged, SLAB * 4u * WEIGHT_PITCH>;
var<workgroup> results: array<vec4f, CHUNK * RESULT_PITCH>;

// Subgroup matrices: all that is known of them is here, so that the tests can put loops in its place.
alias Left = subgroup_matrix_left<Component, K, M>;   // M rows × K columns
alias Right = subgroup_matrix_right<Component, N, K>; // K × N
alias Result = subgroup_matrix_result<f32, N, M>;     // M × N
fn loadLeft(at: u32) -> Left { return subgroupMatrixLoad<Left, row_major>(&inputs, at, INPUT_PITCH); }
fn loadRight(at: u32) -> Right { return subgroupMatrixLoad<Right, row_major>(&weights, at, WEIGHT_PITCH); }
fn multiply(left: Left, right: Right, sum: Result) -> Result { return subgroupMatrixMultiplyAccumulate(left, right, sum); }
fn store(sum: Result, at: u32) { subgroupMatrixStore<row_major>(&results, at, sum, RESULT_PITCH); }
fn subgroupOf(local: u32, id: u32) -> u32 { return id; }
// End of subgroup matrices.

// Input vec4f c of a row of the item, and zero outside.
fn load(item: u32, t: i32, c: u32) -> vec4f {
  if (t < 0 || t >= i32(params.length) || c >= INPUTS) { return vec4f(0.0); }
  return vec4f(x[(item * params.length + u32(t)) * INPUTS + c]) + stepEmbedding[item * INPUTS + c];
}

@compute @workgroup_size(THREADS)
//@if PINNED
@subgroup_size(SUBGROUP)
//@end
fn forward(
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_id) id: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let tile = group.x + group.y * groups.x;
  if (tile >= params.groups) { return; }
  let subgroup = subgroupOf(local, id);
  let item = tile / params.tiles;
  let begin = item * params.length;              // row of the item's start
  let first = tile % params.tiles * ROWS;        // sample of the tile's start
  let top = subgroup / 2u * SUBGROUP_HEIGHT;     // of the subgroup's rows in the tile
  let left = subgroup % 2u * LANES;              // of its vec4f
  //@each i DOWN
  //@each j ACROSS
  var sum{i}_{j}: Result;
  //@end
  //@end
  //@each j INPUT_LOADS
  var input{j} = vec4f(0.0);
  //@end
  //@each j WEIGHT_LOADS
  var factor{j} = Packed();
  //@end

  // Every turn fetches one slab and multiplies the one that was fetched before. Those of the projection follow, for which h is there.
  for (var step = 0u; step <= STEPS; step++) {
    if (step < STEPS) {
      let k = step / SLABS;
      let slab = step % SLABS * SLAB;
      let shift = (i32(k) - i32(TAPS / 2u)) * params.dilation;
      //@each j INPUT_LOADS
      {
        let i = local + {j}u * THREADS;
        input{j} = load(item, i32(first + i / SLAB) + shift, slab + i % SLAB);
      }
      //@end
      let offset = (k * INPUTS + slab) * 4u * COLUMNS;
      //@each j WEIGHT_LOADS
      {
        let i = local + {j}u * THREADS;
        let inside = slab + i / (4u * COLUMNS) < INPUTS;
        factor{j} = select(Packed(), weight[select(0u, offset + i, inside)], inside);
      }
      //@end
    }
    if (step > 0u) {
      for (var q = 0u; q < SLAB * 4u / K; q++) {
        //@each i DOWN
        let left{i} = loadLeft((top + {i}u * M) * INPUT_PITCH + q * K / 4u);
        //@end
        //@each j ACROSS
        {
          let right = loadRight(q * K * WEIGHT_PITCH + left + {j}u * N / 4u);
          //@each i DOWN
          sum{i}_{j} = multiply(left{i}, right, sum{i}_{j});
          //@end
        }
        //@end
      }
    }
    workgroupBarrier();
    if (step < STEPS) {
      //@each j INPUT_LOADS
      { let i = local + {j}u * THREADS; inputs[i / SLAB * INPUT_PITCH + i % SLAB] = staged(input{j}); }
      //@end
      //@each j WEIGHT_LOADS
      { let i = local + {j}u * THREADS; weights[i / COLUMNS * WEIGHT_PITCH + i % COLUMNS] = bitcast<Staged>(factor{j}); }
      //@end
    }
    workgroupBarrier();
  }

  let bias = TAPS * INPUTS * 4u * COLUMNS;
  for (var chunk = 0u; chunk < ROWS / CHUNK; chunk++) {
    workgroupBarrier();
    //@each i DOWN
    if ((top + {i}u * M) / CHUNK == chunk) {
      //@each j ACROSS
      store(sum{i}_{j}, (top + {i}u * M) % CHUNK * RESULT_PITCH + left + {j}u * N / 4u);
      //@end
    }
    //@end
    workgroupBarrier();
    for (var j = 0u; j < CHUNK * LANES / THREADS; j++) {
      let i = local + j * THREADS;
      let lane = i % LANES;
      let at = i / LANES;
      let t = first + chunk * CHUNK + at;
      var gated = vec4f(0.0); // beyond the channels, and in rows beyond the clip, which nobody looks at
      if (t < params.length && lane < params.width) {
        let low = bias + lane * BIAS_PLACES;
        let high = low + LANES * BIAS_PLACES;
        var g = results[at * RESULT_PITCH + lane] + biasOf(weight[low], weight[low + BIAS_PLACES - 1u]);
        var f = results[at * RESULT_PITCH + LANES + lane] + biasOf(weight[high], weight[high + BIAS_PLACES - 1u]);
        //@if CONDITION
        let told = (item * params.conditionRows + min(t, params.conditionRows - 1u)) * 2u * params.width + lane;
        g += condition[told];
        f += condition[told + params.width];
        //@end
        let s = sigmoid(g);
        let filtered = safeTanh(f);
        gated = s * filtered;
        //@if SAVE
        saved[(begin + t) * 2u * params.width + lane] = Stored(s);
        saved[((begin + t) * 2u + 1u) * params.width + lane] = Stored(filtered);
        h[(begin + t) * params.width + lane] = Stored(gated);
        //@end
      }
      if (lane < HIDDEN) { inputs[(chunk * CHUNK + at) * INPUT_PITCH + lane] = Staged(gated); }
    }
  }

  //@each i DOWN
  //@each j ACROSS
  sum{i}_{j} = Result();
  //@end
  //@end
  for (var step = 0u; step <= SLABS; step++) {
    if (step < SLABS) {
      //@each j WEIGHT_LOADS
      {
        let i = local + {j}u * THREADS;
        let inside = step * SLAB + i / (4u * COLUMNS) < INPUTS;
        factor{j} = select(Packed(), projection[select(0u, step * SLAB * 4u * COLUMNS + i, inside)], inside);
      }
      //@end
    }
    if (step > 0u) {
      for (var q = 0u; q < SLAB * 4u / K; q++) {
        //@each i DOWN
        let left{i} = loadLeft((top + {i}u * M) * INPUT_PITCH + (step - 1u) * SLAB + q * K / 4u);
        //@end
        //@each j ACROSS
        {
          let right = loadRight(q * K * WEIGHT_PITCH + left + {j}u * N / 4u);
          //@each i DOWN
          sum{i}_{j} = multiply(left{i}, right, sum{i}_{j});
          //@end
        }
        //@end
      }
    }
    workgroupBarrier();
    if (step < SLABS) {
      //@each j WEIGHT_LOADS
      { let i = local + {j}u * THREADS; weights[i / COLUMNS * WEIGHT_PITCH + i % COLUMNS] = bitcast<Staged>(factor{j}); }
      //@end
    }
    workgroupBarrier();
  }

  let projectionBias = INPUTS * 4u * COLUMNS;
  for (var chunk = 0u; chunk < ROWS / CHUNK; chunk++) {
    workgroupBarrier();
    //@each i DOWN
    if ((top + {i}u * M) / CHUNK == chunk) {
      //@each j ACROSS
      store(sum{i}_{j}, (top + {i}u * M) % CHUNK * RESULT_PITCH + left + {j}u * N / 4u);
      //@end
    }
    //@end
    workgroupBarrier();
    for (var j = 0u; j < CHUNK * LANES / THREADS; j++) {
      let i = local + j * THREADS;
      let lane = i % LANES;
      let at = i / LANES;
      let t = first + chunk * CHUNK + at;
      if (t < params.length && lane < params.width) {
        let low = projectionBias + lane * BIAS_PLACES;
        let high = low + LANES * BIAS_PLACES;
        let place = (begin + t) * params.width + lane;
        let r = results[at * RESULT_PITCH + lane] + biasOf(projection[low], projection[low + BIAS_PLACES - 1u]);
        var s = results[at * RESULT_PITCH + LANES + lane] + biasOf(projection[high], projection[high + BIAS_PLACES - 1u]);
        let output = (vec4f(x[place]) + r) * halfPower;
        y[place] = Out(select(output, bounded(output), F16 == 1u));
        //@if !FIRST
        s += skip[place];
        //@end
        skip[place] = s;
      }
    }
  }
}
