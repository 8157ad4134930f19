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

// Weight gradient of a dilated convolution by subgroup matrices; see conv1d.matrix.wgsl.
//   dw[k, ci, co] = Σ a[t + (k − (K−1)/2)·D, ci] · b[t, co],  dbias[co] = Σ b[t, co]
// Partial sums over chunks of rows of one item, which reduce.wgsl adds up in a fixed order. The taps' input channels lie behind
// each other, as they do in the gradient; a workgroup makes the tile of CHANNELS vec4f of them × LANES·WIDE·4 outputs, which may
// go over several taps. DEPTH rows are staged at once, while the next ones are on their way into registers. Row K·Cin of every
// partial is the bias gradient, whose sum is float32 throughout.
//
// Of staged operands the gradients, b, are multiplied by params.scale. Constants are those of conv1d.matrix.wgsl, and for the
// operands those of weightGradient.tile.wgsl:
//   STEP   a is x plus the item's step embedding, zero outside [0, L)
//   PAIR   b is [dOutput/√2 | dSkip]; with LAST there is no dOutput

@group(0) @binding(0) var<storage, read> x: array<In>;                     // (B, L, Cin)
//@if STEP
@group(0) @binding(1) var<storage, read> stepEmbedding: array<vec4f>;      // (B, Cin)
//@end
//@if PAIR
//@if !LAST
@group(0) @binding(2) var<storage, read> dOutput: array<vec4f>;            // (B, L, Cout/2)
//@end
@group(0) @binding(3) var<storage, read> dSkip: array<vec4f>;              // (B, L, Cout/2)
//@else
@group(0) @binding(2) var<storage, read> dOutput: array<Gradient>;         // (B, L, Cout), times 1/unscale where it is f16
//@end
@group(0) @binding(4) var<storage, read_write> partial: array<vec4f>;      // (B·chunks, K·Cin + 1, Cout)

struct Params {
  groups: u32,    // B·chunks·tiles
  chunks: u32,    // of one item
  chunkRows: u32, // rows of a chunk
  length: u32,    // L
  dilation: i32,  // D, in rows
  scale: f32,     // of the gradients while they are f16, a power of two; 1 where they are stored so
  unscale: f32,   // 1/scale of the gradients
  biasUnscale: f32, // the same of those that are read
}
@group(0) @binding(5) var<uniform> params: Params;

const halfPower = 0.70710678118654752; // 1/√2
const largestHalf = 65504.0;           // of f16

// What is larger than the largest f16 becomes that. NaN is not larger than anything, so it stays; a clamp would hide it.
fn staged(v: vec4f) -> Staged {
  return Staged(select(v, sign(v) * largestHalf, (abs(v) > vec4f(largestHalf)) & vec4<bool>(HALF == 1u)));
}

const COLUMNS = LANES * WIDE;                                 // vec4f of outputs of a tile
const PLACES = TAPS * INPUTS;                                 // vec4f of all taps' inputs
const inputTiles = (PLACES + CHANNELS - 1u) / CHANNELS;
const outputTiles = (OUTPUTS + COLUMNS - 1u) / COLUMNS;
const THREADS = SUBGROUP * SUBGROUP_ROWS * 2u;
const SUBGROUP_HEIGHT = CHANNELS * 4u / SUBGROUP_ROWS;        // inputs of a subgroup
const SUBGROUP_WIDTH = COLUMNS / 2u;                          // vec4f of outputs of a subgroup
const INPUT_PITCH = CHANNELS + PAD;
const OUTPUT_PITCH = COLUMNS + PAD;
const RESULT_PITCH = COLUMNS + 1u;

var<workgroup> inputs: array<Staged, DEPTH * INPUT_PITCH>;
var<workgroup> outputs: array<Staged, DEPTH * OUTPUT_PITCH>;
var<workgroup> results: array<vec4f, CHUNK * RESULT_PITCH>;

// Subgroup matrices: all that is known of them is here, so that the tests can put loops in its place.
alias Left = subgroup_matrix_left<Component, K, M>;   // M inputs × K rows: staged the other way round
alias Right = subgroup_matrix_right<Component, N, K>; // K rows × N outputs
alias Result = subgroup_matrix_result<f32, N, M>;     // M × N
fn loadLeft(at: u32) -> Left { return subgroupMatrixLoad<Left, col_major>(&inputs, at, INPUT_PITCH); }
fn loadRight(at: u32) -> Right { return subgroupMatrixLoad<Right, row_major>(&outputs, at, OUTPUT_PITCH); }
fn multiply(left: Left, right: Right, sum: Result) -> Result { return subgroupMatrixMultiplyAccumulate(left, right, sum); }
fn store(sum: Result, at: u32) { subgroupMatrixStore<row_major>(&results, at, sum, RESULT_PITCH); }
fn subgroupOf(local: u32, id: u32) -> u32 { return id; }
// End of subgroup matrices.

// Vec4f `place` of all taps' inputs for row t of the item.
fn loadA(item: u32, t: u32, place: u32) -> vec4f {
  let sample = i32(t) + (i32(place / INPUTS) - i32(TAPS / 2u)) * params.dilation;
  if (sample < 0 || sample >= i32(params.length) || place >= PLACES) { return vec4f(0.0); }
  let channel = place % INPUTS;
  //@if STEP
  return vec4f(x[(item * params.length + u32(sample)) * INPUTS + channel]) + stepEmbedding[item * INPUTS + channel];
  //@else
  return vec4f(x[(item * params.length + u32(sample)) * INPUTS + channel]);
  //@end
}

fn loadB(row: u32, column: u32) -> vec4f {
  if (column >= OUTPUTS) { return vec4f(0.0); }
  //@if PAIR
  const half = OUTPUTS / 2u;
  if (column >= half) { return dSkip[row * half + column - half]; }
  //@if LAST
  return vec4f(0.0);
  //@else
  return dOutput[row * half + column] * halfPower;
  //@end
  //@else
  return vec4f(dOutput[row * OUTPUTS + column]);
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
  let number = group.x + group.y * groups.x;
  if (number >= params.groups) { return; }
  let subgroup = subgroupOf(local, id);
  let outputTile = number % outputTiles;
  let inputTile = number / outputTiles % inputTiles;
  let chunk = number / (outputTiles * inputTiles); // of all items
  let item = chunk / params.chunks;
  let begin = item * params.length;
  let first = chunk % params.chunks * params.chunkRows;
  let end = min(first + params.chunkRows, params.length);
  let place = inputTile * CHANNELS;                // vec4f of all taps' inputs
  let column = outputTile * COLUMNS;               // vec4f of Cout
  let top = subgroup / 2u * SUBGROUP_HEIGHT;       // of the subgroup's inputs in the tile
  let left = subgroup % 2u * SUBGROUP_WIDTH;       // of its vec4f of outputs
  //@each i DOWN
  //@each j ACROSS
  var sum{i}_{j}: Result;
  //@end
  //@end
  //@each j INPUT_LOADS
  var input{j} = vec4f(0.0);
  //@end
  //@each j OUTPUT_LOADS
  var output{j} = vec4f(0.0);
  //@end
  var biasSum = vec4f(0.0); // of always the same vec4f of outputs, as THREADS is a multiple of COLUMNS

  // Every turn fetches DEPTH rows and multiplies those that were fetched before.
  let turns = (end - first + DEPTH - 1u) / DEPTH;
  for (var turn = 0u; turn <= turns; turn++) {
    let start = first + turn * DEPTH;
    //@each j INPUT_LOADS
    {
      let i = local + {j}u * THREADS;
      let t = start + i / CHANNELS;
      input{j} = vec4f(0.0);
      if (t < end) { input{j} = loadA(item, t, place + i % CHANNELS); }
    }
    //@end
    //@each j OUTPUT_LOADS
    {
      let i = local + {j}u * THREADS;
      let t = start + i / COLUMNS;
      output{j} = vec4f(0.0);
      if (t < end) { output{j} = loadB(begin + t, column + i % COLUMNS); }
      biasSum += output{j};
    }
    //@end
    if (turn > 0u) {
      for (var q = 0u; q < DEPTH / K; q++) {
        //@each i DOWN
        let left{i} = loadLeft(q * K * INPUT_PITCH + (top + {i}u * M) / 4u);
        //@end
        //@each j ACROSS
        {
          let right = loadRight(q * K * OUTPUT_PITCH + left + {j}u * N / 4u);
          //@each i DOWN
          sum{i}_{j} = multiply(left{i}, right, sum{i}_{j});
          //@end
        }
        //@end
      }
    }
    workgroupBarrier();
    if (turn < turns) {
      //@each j INPUT_LOADS
      {
        let i = local + {j}u * THREADS;
        inputs[i / CHANNELS * INPUT_PITCH + i % CHANNELS] = staged(input{j});
      }
      //@end
      //@each j OUTPUT_LOADS
      {
        let i = local + {j}u * THREADS;
        outputs[i / COLUMNS * OUTPUT_PITCH + i % COLUMNS] = staged(output{j} * params.scale);
      }
      //@end
    }
    workgroupBarrier();
  }

  let base = chunk * (PLACES * 4u + 1u);
  for (var strip = 0u; strip < CHANNELS * 4u / CHUNK; strip++) {
    workgroupBarrier();
    //@each i DOWN
    if ((top + {i}u * M) / CHUNK == strip) {
      //@each j ACROSS
      store(sum{i}_{j}, (top + {i}u * M) % CHUNK * RESULT_PITCH + left + {j}u * N / 4u);
      //@end
    }
    //@end
    workgroupBarrier();
    for (var j = 0u; j < CHUNK * COLUMNS / THREADS; j++) {
      let i = local + j * THREADS;
      let row = place * 4u + strip * CHUNK + i / COLUMNS;
      if (row < PLACES * 4u && column + i % COLUMNS < OUTPUTS) {
        partial[(base + row) * OUTPUTS + column + i % COLUMNS] = results[i / COLUMNS * RESULT_PITCH + i % COLUMNS] * params.unscale;
      }
    }
  }

  if (inputTile == 0u) {
    workgroupBarrier();
    results[local] = biasSum;
    workgroupBarrier();
    if (local < COLUMNS && column + local < OUTPUTS) {
      var total = vec4f(0.0);
      for (var i = 0u; i < THREADS / COLUMNS; i++) {
        total += results[i * COLUMNS + local];
      }
      partial[(base + PLACES * 4u) * OUTPUTS + column + local] = total * params.biasUnscale;
    }
  }
}
