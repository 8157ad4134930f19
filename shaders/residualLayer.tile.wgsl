//@if F16
enable f16;
//@end

// A residual layer of DiffWave forward, in one kernel for real GPUs; src/ops/residualLayer.ts has the formula:
//   h = σ(g)·tanh(f) with [g | f] = dilated(x + step);  [r | s] = projection(h);  y = (x + r)/√2;  skip += s
// The dilated convolution is that of conv1d.tile.wgsl, with the same tiles and the same packed weights. Its workgroup has all
// channels of its rows, so that h stays in workgroup memory and is multiplied by the projection's weights there.
//
// Constants: LANES columns of invocations, at least as many as vec4f of C; ROWS, DEEP rows per invocation, WIDE = 2 for the halves
// of the outputs, TAPS, INPUTS vec4f of C. In, Out and Stored are the types of x, y, and of saved and h: vec4f, or vec4<f16> in mixed precision (F16).
//   SAVE    writes h, σ(g) and tanh(f) as well, for the gradients
//   FIRST   skip = s
//   CONDITION  what the network is told is added to [g | f]
//   PREFETCH, INPUT_LOADS and WEIGHT_LOADS as in conv1d.tile.wgsl

@group(0) @binding(0) var<storage, read> weight: array<vec4f>;
@group(0) @binding(1) var<storage, read> x: array<In>;                     // (B, L, C)
@group(0) @binding(2) var<storage, read> projection: array<vec4f>;         // packed like weight
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

// What becomes an f16 stays within ±65,504: beyond that the residual stream would be infinite from there on. Not clamp(), which
// may hide a NaN. Gradients pass as if nothing had been cut.
fn storable(v: vec4f) -> vec4f {
  //@if F16
  const most = vec4f(65504.0);
  let cut = select(v, most, v > most);
  return select(cut, -most, cut < -most);
  //@else
  return v;
  //@end
}

//@if CONDITION
// What the condition adds to vec4f c of [g | f] at sample t of the item.
fn told(item: u32, t: u32, c: u32) -> vec4f {
  return condition[(item * params.conditionRows + min(t, params.conditionRows - 1u)) * 2u * params.width + c];
}
//@end

const GROUPS = ROWS / DEEP;                   // rows of invocations
const THREADS = LANES * GROUPS;
const SLAB = 4u;                              // vec4f of input channels that are staged at once
const SLABS = (INPUTS + SLAB - 1u) / SLAB;
const PITCH = SLAB + 1u;                      // one vec4f of padding: neighbouring rows fall into other banks
const GATED = LANES + 1u;                     // the same of a row of h
const STAGED = ROWS * max(PITCH, GATED);
const WEIGHTS = SLAB * 4u * LANES * WIDE;     // vec4f of a slab's weights

var<workgroup> staged: array<vec4f, STAGED>;
var<workgroup> weights: array<vec4f, WEIGHTS>;

// Input vec4f c of a row of the item, and zero outside.
fn load(item: u32, t: i32, c: u32) -> vec4f {
  if (t < 0 || t >= i32(params.length) || c >= INPUTS) { return vec4f(0.0); }
  return vec4f(x[(item * params.length + u32(t)) * INPUTS + c]) + stepEmbedding[item * INPUTS + c];
}

// Number i of a slab of inputs for tap k, and of its weights.
fn inputOf(k: u32, slab: u32, i: u32, item: u32, first: u32) -> vec4f {
  let shift = (i32(k) - i32(TAPS / 2u)) * params.dilation;
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
  let begin = item * params.length;              // row of the item's start
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

  // Lanes beyond the channels have sums of zero, and σ(0)·tanh(0) = 0.
  workgroupBarrier();
  let projectionBias = INPUTS * 4u * LANES * WIDE + lane;
  //@each r DEEP
  {
    //@if CONDITION
    if (lane < params.width) { // a row beyond the clip is told what its last one is, and nobody looks at it
      let t = min(first + m + {r}u * GROUPS, params.length - 1u);
      sum{r}_0 += told(item, t, lane);
      sum{r}_1 += told(item, t, params.width + lane);
    }
    //@end
    let s = sigmoid(sum{r}_0);
    let f = safeTanh(sum{r}_1);
    staged[(m + {r}u * GROUPS) * GATED + lane] = s * f;
    //@if SAVE
    if (first + m + {r}u * GROUPS < params.length && lane < params.width) {
      let row = begin + first + m + {r}u * GROUPS;
      saved[row * 2u * params.width + lane] = Stored(s);
      saved[(row * 2u + 1u) * params.width + lane] = Stored(f);
      h[row * params.width + lane] = Stored(s * f);
    }
    //@end
  }
  sum{r}_0 = projection[projectionBias];
  sum{r}_1 = projection[projectionBias + LANES];
  //@end
  for (var slab = 0u; slab < SLABS; slab++) {
    workgroupBarrier();
    for (var j = 0u; j < WEIGHTS / THREADS; j++) {
      let i = local + j * THREADS;
      let inside = slab * SLAB + i / (4u * LANES * WIDE) < INPUTS;
      weights[i] = select(vec4f(0.0), projection[select(0u, slab * WEIGHTS + i, inside)], inside);
    }
    workgroupBarrier();
    for (var c = 0u; c < SLAB; c++) {
      //@each r DEEP
      let x{r} = staged[(m + {r}u * GROUPS) * GATED + slab * SLAB + c];
      //@end
      //@each q 4
      {
        let w0 = weights[((c * 4u + {q}u) * WIDE) * LANES + lane];
        let w1 = weights[((c * 4u + {q}u) * WIDE + 1u) * LANES + lane];
        //@each r DEEP
        sum{r}_0 = fma(vec4f(x{r}[{q}]), w0, sum{r}_0);
        sum{r}_1 = fma(vec4f(x{r}[{q}]), w1, sum{r}_1);
        //@end
      }
      //@end
    }
  }

  //@each r DEEP
  if (first + m + {r}u * GROUPS < params.length && lane < params.width) {
    let place = (begin + first + m + {r}u * GROUPS) * params.width + lane;
    y[place] = Out(storable((vec4f(x[place]) + sum{r}_0) * halfPower));
    //@if FIRST
    skip[place] = sum{r}_1;
    //@else
    skip[place] += sum{r}_1;
    //@end
  }
  //@end
}
