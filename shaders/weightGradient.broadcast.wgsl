enable subgroups;
//@if F16
enable f16;
//@end

// Weight gradient of a dilated convolution for software adapters with subgroups; see conv1d.broadcast.wgsl.
//   dw[k, ci, co] = Σ a[t + (k − (K−1)/2)·D, ci] · b[t, co],  dbias[co] = Σ b[t, co]
// Partial sums over chunks of rows of one item, which reduce.wgsl adds up in a fixed order. A subgroup makes the tile of
// CHANNELS inputs × LANES·WIDE·4 outputs of one tap. Row K·Cin of every partial is the bias gradient.
//
// Constants: LANES size of a subgroup, WIDE vec4f of outputs per lane, CHANNELS vec4f of inputs of a tile, ROWS at a time, a
// divisor of LANES, GROUPS = LANES/ROWS vec4f of inputs that a subgroup loads at once, LOADS = ⌈CHANNELS/GROUPS⌉, TAPS, INPUTS
// and OUTPUTS vec4f of Cin and Cout, and for the operands:
// In is the type of x: vec4f, or vec4<f16> in mixed precision (F16).
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
@group(0) @binding(2) var<storage, read> dOutput: array<vec4f>;            // (B, L, Cout)
//@end
@group(0) @binding(4) var<storage, read_write> partial: array<vec4f>;      // (B·chunks, K·Cin + 1, Cout)

struct Params {
  groups: u32,    // B·chunks·TAPS·tiles
  chunks: u32,    // of one item
  chunkRows: u32, // rows of a chunk
  length: u32,    // L
  dilation: i32,  // D, in rows
  tileChannels: u32, // CHANNELS·4, and
  inputs: u32,       // Cin, hidden from a compiler that would unroll and take seconds
}
@group(0) @binding(5) var<uniform> params: Params;

const inputTiles = (INPUTS + CHANNELS - 1u) / CHANNELS;
//@if PAIR
const outputTiles = (OUTPUTS / 2u + LANES - 1u) / LANES;
//@else
const outputTiles = (OUTPUTS + LANES * WIDE - 1u) / (LANES * WIDE);
//@end
const halfPower = 0.70710678118654752; // 1/√2

@compute @workgroup_size(LANES)
fn forward(
  @builtin(subgroup_invocation_id) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let number = group.x + group.y * groups.x;
  if (number >= params.groups) { return; }
  let outputTile = number % outputTiles;
  let inputTile = number / outputTiles % inputTiles;
  let k = number / (outputTiles * inputTiles) % TAPS;
  let chunk = number / (outputTiles * inputTiles * TAPS); // of all items
  let item = chunk / params.chunks;
  let begin = item * params.length;
  let first = chunk % params.chunks * params.chunkRows;
  let end = min(first + params.chunkRows, params.length);
  let shift = (i32(k) - i32(TAPS / 2u)) * params.dilation;
  let channel = inputTile * CHANNELS; // vec4f of Cin
  // The lane's columns, vec4f of Cout. Of a pair, one in each half. Lanes beyond the last one repeat it and write nothing.
  //@if PAIR
  const half = OUTPUTS / 2u;
  let inHalf = min(outputTile * LANES + lane, half - 1u);
  var columns = array<u32, WIDE>(inHalf, half + inHalf);
  var writes = array<bool, WIDE>(outputTile * LANES + lane < half, outputTile * LANES + lane < half);
  //@else
  let wanted = outputTile * LANES * WIDE + lane;
  var columns: array<u32, WIDE>;
  var writes: array<bool, WIDE>;
  //@each n WIDE
  columns[{n}] = min(wanted + {n}u * LANES, OUTPUTS - 1u);
  writes[{n}] = wanted + {n}u * LANES < OUTPUTS;
  //@end
  //@end
  //@each n WIDE
  var biasSum{n} = vec4f(0.0);
  //@end
  //@each i LOADS
  let mine{i} = min(channel + {i}u * GROUPS + lane / ROWS, INPUTS - 1u);
  //@if STEP
  let step{i} = stepEmbedding[item * INPUTS + mine{i}];
  //@end
  //@end
  //@each c CHANNELS
  //@each q 4
  //@each n WIDE
  var sum{c}_{q}_{n} = vec4f(0.0);
  //@end
  //@end
  //@end

  for (var start = first; start < end; start += ROWS) {
    // Every lane loads one row's inputs of some channels, and then its own outputs of all rows.
    let r = lane % ROWS;
    let t = i32(start + r) + shift;
    let inside = start + r < end && t >= 0 && t < i32(params.length);
    let source = select(0u, begin + u32(t), inside) * INPUTS;
    //@each i LOADS
    //@if STEP
    let a{i} = select(vec4f(0.0), vec4f(x[source + mine{i}]) + step{i}, inside);
    //@else
    let a{i} = select(vec4f(0.0), vec4f(x[source + mine{i}]), inside);
    //@end
    //@end
    //@each r ROWS
    let here{r} = start + {r}u < end;
    let row{r} = begin + min(start + {r}u, params.length - 1u);
    //@if PAIR
    //@if LAST
    let b{r}_0 = vec4f(0.0);
    //@else
    let b{r}_0 = select(vec4f(0.0), dOutput[row{r} * half + inHalf] * halfPower, here{r});
    //@end
    let b{r}_1 = select(vec4f(0.0), dSkip[row{r} * half + inHalf], here{r});
    //@else
    //@each n WIDE
    let b{r}_{n} = select(vec4f(0.0), dOutput[row{r} * OUTPUTS + columns[{n}]], here{r});
    //@end
    //@end
    //@each n WIDE
    biasSum{n} += b{r}_{n};
    //@end
    //@end
    // Sum by sum, so that it stays in registers for all rows.
    //@each c CHANNELS
    //@each q 4
    //@each r ROWS
    {
      let v = subgroupBroadcast(a{c/GROUPS}[{q}], {c%GROUPS}u * ROWS + {r}u);
      //@each n WIDE
      sum{c}_{q}_{n} += v * b{r}_{n};
      //@end
    }
    //@end
    //@end
    //@end
  }

  // A loop that the compiler cannot unroll, its bounds being uniforms: every place in the code that touches storage costs
  // 20 ms to compile.
  var sums = array<vec4f, CHANNELS * 4u * WIDE>(
    //@each c CHANNELS
    //@each q 4
    //@each n WIDE
    sum{c}_{q}_{n},
    //@end
    //@end
    //@end
  );
  var biasSums = array<vec4f, WIDE>(
    //@each n WIDE
    biasSum{n},
    //@end
  );
  let base = chunk * (TAPS * INPUTS * 4u + 1u);
  for (var n = 0u; n < WIDE; n++) {
    if (!writes[n]) { continue; }
    for (var c = 0u; c < params.tileChannels; c++) {
      if (channel * 4u + c >= params.inputs) { break; }
      partial[(base + (k * INPUTS + channel) * 4u + c) * OUTPUTS + columns[n]] = sums[c * WIDE + n];
    }
    if (k == 0u && inputTile == 0u) {
      partial[(base + TAPS * INPUTS * 4u) * OUTPUTS + columns[n]] = biasSums[n];
    }
  }
}
