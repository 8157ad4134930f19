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

// Dilated "same" convolution with what stands before and after it in a residual layer, by subgroup matrices (tensor cores,
// simdgroup matrices): a workgroup makes ROWS rows of one item × LANES·WIDE·4 output channels, SUBGROUP_ROWS × 2 subgroups
// of it 32 rows × half of the channels each. Slabs of SLAB vec4f of input channels of the rows and of the weights go through
// workgroup memory, where they become what the matrices are made of (f16 or f32); while a slab is multiplied, the next one is
// on its way into registers. Sums are float32 and come back through workgroup memory, as matrices give no access to their
// elements. conv1d.tile.wgsl has the same contract and the same flags; its head explains them. Packed is what is stored of four
// weights: vec4f, or with HALF vec2u, four f16, which they would become here anyway; packWeights.wgsl says how.
//
// Operands that are staged as f16 (HALF) are multiplied by params.scale before, and sums divided by it: gradients of a mean would be
// zero in f16. It is a power of two, so that rounds nothing. What is larger than the largest f16 becomes that. SCALED: the gradients
// of GATE_GRADIENT are stored so, and for who reads them params.scale is 1.
//
// Constants besides: M, N, K of a product M×K · K×N; Staged, vec4<f16> or vec4f, and Component, its element; SUBGROUP invocations of
// a subgroup (PINNED where adapters have several sizes); PAD vec4 behind every staged row, which so begins at 16 bytes and in another
// bank; CHUNK rows that come back at once; DOWN × ACROSS matrices of a subgroup; INPUT_LOADS and WEIGHT_LOADS vec4 that it stages.

@group(0) @binding(0) var<storage, read> weight: array<Packed>;
//@if PAIR
@group(0) @binding(1) var<storage, read> dOutput: array<vec4f>;            // (B, L, Cin/2)
@group(0) @binding(2) var<storage, read> dSkip: array<vec4f>;              // (B, L, Cin/2)
//@else
@group(0) @binding(1) var<storage, read> x: array<In>;                     // (B, L, Cin)
//@end
//@if STEP
@group(0) @binding(3) var<storage, read> stepEmbedding: array<vec4f>;      // (B, Cin)
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
@group(0) @binding(5) var<storage, read_write> y: array<Out>;              // (B, L, C), of GATE_GRADIENT (B, L, 2C)

struct Params {
  groups: u32,    // tiles of all items
  tiles: u32,     // ⌈L/ROWS⌉, of one item
  length: u32,    // L
  width: u32,     // vec4f that the sums' channels have in all: Cout, or half of it for GATE and RESIDUAL
  slice: u32,     // the first of them in this slice
  dilation: i32,  // D, in rows
  direction: i32, // +1 forward, −1 for the gradient in the input
  scale: f32,     // of the inputs while they are f16, a power of two
  unscale: f32,   // 1/scale
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
fn bounded(v: vec4f) -> vec4f { return select(v, sign(v) * largestHalf, abs(v) > vec4f(largestHalf)); }
fn scaled(v: vec4f) -> Out { return Out(select(v, bounded(v * params.scale), SCALED == 1u)); }
fn staged(v: vec4f) -> Staged { return Staged(select(v, bounded(v), HALF == 1u)); }

// Number i of the bias, which stands behind the weights.
fn biasOf(i: u32) -> vec4f {
  const first = TAPS * INPUTS * 4u * COLUMNS;
  //@if HALF
  return vec4f(bitcast<vec2f>(weight[first + 2u * i]), bitcast<vec2f>(weight[first + 2u * i + 1u]));
  //@else
  return weight[first + i];
  //@end
}

const COLUMNS = LANES * WIDE;                 // vec4f of sums in a row
const THREADS = SUBGROUP * SUBGROUP_ROWS * 2u;
const SUBGROUP_HEIGHT = ROWS / SUBGROUP_ROWS; // rows of a subgroup
const SLABS = (INPUTS + SLAB - 1u) / SLAB;
const STEPS = TAPS * SLABS;
const INPUT_PITCH = SLAB + PAD;
const WEIGHT_PITCH = COLUMNS + PAD;
const RESULT_PITCH = COLUMNS + 1u;
const PARTS = 1u + PAIRED;                    // vec4f of a row that belong together
var<workgroup> inputs: array<Staged, ROWS * INPUT_PITCH>;
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
  let row = item * params.length + u32(t);
  //@if PAIR
  const half = INPUTS / 2u;
  if (c >= half) { return dSkip[row * half + c - half]; }
  //@if LAST
  return vec4f(0.0);
  //@else
  return dOutput[row * half + c] * halfPower;
  //@end
  //@else
  var v = vec4f(x[row * INPUTS + c]);
  //@if STEP
  v += stepEmbedding[item * INPUTS + c];
  //@end
  return v;
  //@end
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
  let left = subgroup % 2u * (COLUMNS / 2u);     // of its vec4f
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

  // Every turn fetches one slab and multiplies the one that was fetched before.
  for (var step = 0u; step <= STEPS; step++) {
    if (step < STEPS) {
      let k = step / SLABS;
      let slab = step % SLABS * SLAB;
      let shift = (i32(k) - i32(TAPS / 2u)) * params.dilation * params.direction;
      //@each j INPUT_LOADS
      { let i = local + {j}u * THREADS; input{j} = load(item, i32(first + i / SLAB) + shift, slab + i % SLAB); }
      //@end
      let offset = (k * INPUTS + slab) * 4u * COLUMNS;
      //@each j WEIGHT_LOADS
      {
        let inside = slab + (local + {j}u * THREADS) / (4u * COLUMNS) < INPUTS;
        factor{j} = select(Packed(), weight[select(0u, offset + local + {j}u * THREADS, inside)], inside);
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
      { let i = local + {j}u * THREADS; inputs[i / SLAB * INPUT_PITCH + i % SLAB] = staged(input{j} * params.scale); }
      //@end
      //@each j WEIGHT_LOADS
      { let i = local + {j}u * THREADS; weights[i / COLUMNS * WEIGHT_PITCH + i % COLUMNS] = bitcast<Staged>(factor{j}); }
      //@end
    }
    workgroupBarrier();
  }

  //@if STEP_GRADIENT
  var column = vec4f(0.0); // of this invocation's rows: always the same vec4f of them, as THREADS is a multiple of COLUMNS
  //@end
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
    for (var j = 0u; j < CHUNK * COLUMNS / PARTS / THREADS; j++) {
      let i = local + j * THREADS;
      let lane = i % (COLUMNS / PARTS);
      let at = i / (COLUMNS / PARTS);
      let t = first + chunk * CHUNK + at;
      if (t < params.length && params.slice + lane < params.width) {
        let place = (begin + t) * params.width + params.slice + lane;
        var sum = results[at * RESULT_PITCH + lane] * params.unscale + biasOf(lane); // of gradients that is zero
        //@if PAIRED
        var other = results[at * RESULT_PITCH + LANES + lane] * params.unscale + biasOf(LANES + lane);
        //@end
        //@if GATE
        //@if CONDITION
        let told = (item * params.conditionRows + min(t, params.conditionRows - 1u)) * 2u * params.width + params.slice + lane;
        sum += condition[told];
        other += condition[told + params.width];
        //@end
        let s = sigmoid(sum);
        let h = safeTanh(other);
        //@if SAVE
        saved[place + (begin + t) * params.width] = Stored(s);
        saved[place + (begin + t + 1u) * params.width] = Stored(h);
        //@end
        y[place] = Out(s * h);
        //@end
        //@if RESIDUAL
        let output = (vec4f(residual[place]) + sum) * halfPower;
        y[place] = Out(select(output, bounded(output), F16 == 1u));
        //@if !FIRST
        other += skip[place];
        //@end
        skip[place] = other;
        //@end
        //@if GATE_GRADIENT
        let both = place + (begin + t) * params.width;
        let s = vec4f(saved[both]);
        let h = vec4f(saved[both + params.width]);
        y[both] = scaled(sum * h * s * (1.0 - s));
        y[both + params.width] = scaled(sum * s * (1.0 - h * h));
        //@end
        //@if STEP_GRADIENT
        column += sum;
        //@if !LAST
        sum += dOutput[place] * halfPower;
        //@end
        y[place] = sum;
        //@end
        //@if PLAIN
        //@if ACCUMULATE
        sum += y[place];
        //@end
        y[place] = sum;
        //@end
      }
    }
  }

  //@if STEP_GRADIENT
  workgroupBarrier();
  results[local] = column;
  workgroupBarrier();
  if (local < COLUMNS && params.slice + local < params.width) {
    var total = vec4f(0.0);
    for (var i = 0u; i < THREADS / COLUMNS; i++) { total += results[i * COLUMNS + local]; }
    partial[tile * params.width + params.slice + local] = total;
  }
  //@end
}
