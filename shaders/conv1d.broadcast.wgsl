enable subgroups;
//@if F16
enable f16;
//@end

// Dilated "same" convolution with what stands before and after it in a residual layer, for software adapters with
// subgroups (lavapipe). Every lane of a subgroup owns WIDE·4 output channels, every subgroup ROWS rows of one item.
// Inputs are loaded once per subgroup and broadcast from lane to lane, weights come through a uniform buffer: a storage load costs
// ten instructions a value there, a uniform load two and a half, workgroup memory a coroutine per barrier. A turn of the loop is of
// two channels and many rows: what it loads is most of its code, which has to fit the processor's instruction cache.
//
// Weights are packed by packWeights.wgsl: slices of LANES·WIDE·4 output channels, each [K·Cin][WIDE][LANES] vec4f and a
// last row with the bias, in a uniform binding where they fit (UNIFORM). One dispatch works on one slice, or with TWO on two
// slices of one vec4f per lane, each in a binding of its own, because one would be too long. Sums are made in the order k, ci.
//
// Constants: LANES size of a subgroup, ROWS, LOADS = ROWS/LANES, WIDE vec4f per lane, STORED of them in a row of a slice,
// TAPS, INPUTS vec4f of Cin, and one flag for what is loaded and one for what is done with the sums (residualLayer.ts has the formulas):
// In, Out and Stored are the types of x, y, and of saved and residual: vec2f for x and vec4f, or of f16 in mixed precision (F16).
//   PAIR            inputs are [dOutput/√2 | dSkip]; with LAST there is no dOutput
//   STEP            inputs are x plus the item's step embedding, zero outside [0, L)
//   GATE            _0 is the gate g, _1 the filter f: writes their product; with SAVE also σ(g) and tanh(f). CONDITION is added to
//                   both before; with PROJECTED (SOURCES = 2) a convolution of TOLD vec4f of what the network is told, by one tap
//   RESIDUAL        _0 is r, _1 is s: output = (x + r)/√2, skip += s (FIRST: skip = s)
//   GATE_GRADIENT   sums are dh: writes the gradients in g and f
//   STEP_GRADIENT   sums are the gradient in x + step: adds dOutput/√2 (not LAST), and its columns' partial sums
//   none            y = sums, plus y with ACCUMULATE

//@if UNIFORM
@group(0) @binding(0) var<uniform> weight: array<vec4f, (TAPS * INPUTS * 4u + 1u) * LANES * STORED>;
//@if TWO
@group(0) @binding(8) var<uniform> next: array<vec4f, (TAPS * INPUTS * 4u + 1u) * LANES * STORED>;
//@end
//@else
@group(0) @binding(0) var<storage, read> weight: array<vec4f>;
//@end
//@if PAIR
@group(0) @binding(1) var<storage, read> dOutput: array<vec2f>;            // (B, L, Cin/2)
@group(0) @binding(2) var<storage, read> dSkip: array<vec2f>;              // (B, L, Cin/2)
//@else
@group(0) @binding(1) var<storage, read> x: array<In>;                     // (B, L, Cin)
//@end
//@if STEP
@group(0) @binding(3) var<storage, read> stepEmbedding: array<vec2f>;      // (B, Cin)
//@end
//@if GATE
//@if SAVE
@group(0) @binding(4) var<storage, read_write> saved: array<Stored>;        // (B, L, 2C) σ(g), tanh(f)
//@end
@group(0) @binding(5) var<storage, read_write> y: array<Out>;              // (B, L, C)
//@end
//@if CONDITION
@group(0) @binding(9) var<storage, read> condition: array<vec4f>;          // (B, 1 or L, 2C)
//@end
//@if PROJECTED
@group(0) @binding(9) var<storage, read> told: array<vec2f>;               // (B, L, M)
@group(0) @binding(10) var<uniform> toldWeight: array<vec4f, (TOLD * 4u + 1u) * LANES * STORED>;
//@end
//@if RESIDUAL
@group(0) @binding(4) var<storage, read> residual: array<Stored>;           // (B, L, C) x of the layer
@group(0) @binding(5) var<storage, read_write> y: array<Out>;              // (B, L, C)
@group(0) @binding(6) var<storage, read_write> skip: array<vec4f>;         // (B, L, C)
//@end
//@if GATE_GRADIENT
@group(0) @binding(4) var<storage, read> saved: array<Stored>;              // (B, L, 2C)
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;            // (B, L, 2C)
//@end
//@if STEP_GRADIENT
//@if !LAST
@group(0) @binding(2) var<storage, read> dOutput: array<vec4f>;            // (B, L, C)
//@end
@group(0) @binding(4) var<storage, read_write> partial: array<vec4f>;      // (B, tiles, C)
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;            // (B, L, C)
//@end
//@if PLAIN
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;            // (B, L, Cout)
//@end

struct Params {
  groups: u32,    // tiles of all items
  tiles: u32,     // ⌈L/ROWS⌉, of one item
  length: u32,    // L
  width: u32,     // vec4f that the sums' channels have in all: Cout, or half of it for GATE and RESIDUAL
  slice: u32,     // the first of them in this slice
  dilation: i32,  // D, in rows
  direction: i32, // +1 forward, −1 for the gradient in the input
  rows: u32,      // ROWS, and
  inputs: u32,    // 2·INPUTS, pairs of channels, hidden from a compiler that would unroll and take seconds
  conditionRows: u32, // rows that an item's condition has: 1, or one for every sample
  told: u32,      // 2·TOLD, hidden like inputs
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
@compute @workgroup_size(LANES)
fn forward(
  @builtin(subgroup_invocation_id) invocation: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  // Within what Tint can see, like c below: else it clamps every index of the weights.
  let lane = min(invocation, LANES - 1u);
  let tile = group.x + group.y * groups.x;
  if (tile >= params.groups) { return; }
  let item = tile / params.tiles;
  let begin = item * params.length;              // row of the item's start
  let first = tile % params.tiles * ROWS;        // sample of the tile's start
  let bias = TAPS * INPUTS * 4u * LANES * STORED + lane;
  //@each n STORED
  //@if PROJECTED
  let bias{n} = weight[bias + {n}u * LANES] + toldWeight[TOLD * 4u * LANES * STORED + lane + {n}u * LANES];
  //@else
  let bias{n} = weight[bias + {n}u * LANES];
  //@end
  //@end
  //@if TWO
  let bias1 = next[bias];
  //@end
  //@each r ROWS
  //@each n WIDE
  var sum{r}_{n} = bias{n};
  //@end
  //@end

  //@each source SOURCES
  //@if source
  {
    //@each i LOADS
    let row{i} = begin + min(first + lane + {i}u * LANES, params.length - 1u); // rows beyond the clip are not written
    //@end
    for (var i = 0u; i < params.told; i++) {
      let c = min(i, 2u * TOLD - 1u);
      let w = c * 2u * LANES * STORED + lane;
      //@each i LOADS
      let x{i} = told[row{i} * 2u * TOLD + c];
      //@end
  //@else
  for (var k = 0u; k < TAPS; k++) {
    let shift = (i32(k) - i32(TAPS / 2u)) * params.dilation * params.direction;
    //@each i LOADS
    let t{i} = i32(first + lane + {i}u * LANES) + shift;
    let inside{i} = t{i} >= 0 && t{i} < i32(params.length);
    let row{i} = select(0u, begin + u32(t{i}), inside{i});
    //@end
    for (var i = 0u; i < params.inputs; i++) {
      let c = min(i, 2u * INPUTS - 1u);
      let w = (k * 2u * INPUTS + c) * 2u * LANES * STORED + lane;
      //@if STEP
      let step = stepEmbedding[item * 2u * INPUTS + c];
      //@end
      //@if PAIR
      let second = c >= INPUTS;
      let column = select(c, c - INPUTS, second);
      //@end
      //@each i LOADS
      //@if PAIR
      var pair{i} = vec2f(0.0);
      if (second) {
        pair{i} = dSkip[row{i} * INPUTS + column];
      //@if !LAST
      } else {
        pair{i} = dOutput[row{i} * INPUTS + column] * halfPower;
      //@end
      }
      let x{i} = select(vec2f(0.0), pair{i}, inside{i});
      //@else
      //@if STEP
      let x{i} = select(vec2f(0.0), vec2f(x[row{i} * 2u * INPUTS + c]) + step, inside{i});
      //@else
      let x{i} = select(vec2f(0.0), vec2f(x[row{i} * 2u * INPUTS + c]), inside{i});
      //@end
      //@end
      //@end
      //@end
      // Row by row, so that a row's sums stay in registers for both inputs.
      //@each q 2
      //@each n STORED
      //@if source
      let w{q}_{n} = toldWeight[w + ({q}u * STORED + {n}u) * LANES];
      //@else
      let w{q}_{n} = weight[w + ({q}u * STORED + {n}u) * LANES];
      //@end
      //@end
      //@if TWO
      let w{q}_1 = next[w + {q}u * LANES];
      //@end
      //@end
      //@each r ROWS
      //@each q 2
      {
        let v = subgroupBroadcast(x{r/LANES}[{q}], {r%LANES}u);
        //@each n WIDE
        sum{r}_{n} += v * w{q}_{n};
        //@end
      }
      //@end
      //@end
    }
  }
  //@end

  // Loops that the compiler cannot unroll: every place in the code that touches storage costs 20 ms to compile. Mesa sees
  // through min(), so the bound on r comes from a uniform.
  var sums = array<vec4f, ROWS * WIDE>(
    //@each r ROWS
    //@each n WIDE
    sum{r}_{n},
    //@end
    //@end
  );
  //@if PAIRED
  if (params.slice + lane >= params.width) { return; }
  for (var r = 0u; r < params.rows; r++) {
    if (first + r >= params.length) { break; }
    let row = begin + first + r;
    let place = row * params.width + params.slice + lane;
    //@if GATE
    //@if CONDITION
    let toldAt = (item * params.conditionRows + min(first + r, params.conditionRows - 1u)) * 2u * params.width + params.slice + lane;
    sums[r * WIDE] += condition[toldAt];
    sums[r * WIDE + 1u] += condition[toldAt + params.width];
    //@end
    let s = sigmoid(sums[r * WIDE]);
    let h = safeTanh(sums[r * WIDE + 1u]);
    //@if SAVE
    saved[place + row * params.width] = Stored(s);
    saved[place + (row + 1u) * params.width] = Stored(h);
    //@end
    y[place] = Out(s * h);
    //@else
    y[place] = Out(storable((vec4f(residual[place]) + sums[r * WIDE]) * halfPower));
    //@if FIRST
    skip[place] = sums[r * WIDE + 1u];
    //@else
    skip[place] += sums[r * WIDE + 1u];
    //@end
    //@end
  }
  //@else
  for (var n = 0u; n < WIDE; n++) {
    let column = params.slice + n * LANES + lane;
    if (column >= params.width) { continue; }
    var total = vec4f(0.0);
    for (var r = 0u; r < params.rows; r++) {
      if (first + r >= params.length) { break; }
      let row = begin + first + r;
      let sum = sums[r * WIDE + n];
      //@if GATE_GRADIENT
      let place = row * 2u * params.width + column;
      let s = vec4f(saved[place]);
      let h = vec4f(saved[place + params.width]);
      y[place] = sum * h * s * (1.0 - s);
      y[place + params.width] = sum * s * (1.0 - h * h);
      //@else
      let place = row * params.width + column;
      //@end
      //@if STEP_GRADIENT
      total += sum;
      //@if LAST
      y[place] = sum;
      //@else
      y[place] = sum + dOutput[place] * halfPower;
      //@end
      //@end
      //@if PLAIN
      //@if ACCUMULATE
      y[place] += sum;
      //@else
      y[place] = sum;
      //@end
      //@end
    }
    //@if STEP_GRADIENT
    partial[tile * params.width + column] = total;
    //@end
  }
  //@end
}
