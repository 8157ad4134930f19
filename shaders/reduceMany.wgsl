// Adds up the partial sums of several tensors at once, as reduce.wgsl does those of one, each to its place in one output:
//
//   y[place + s·width + j] = factor·Σ_p partial[s·parts + p, offset + j]
//
// A table says for each sum which tensor it is in and where it goes; a workgroup works on one entry. In the tree, which is for
// GPUs, the invocations of a workgroup share the parts. There are six places for tensors:
// with the table and the output as many bindings as every adapter has.

struct Entry {
  source: u32,     // number of the tensor
  segments: u32,   // and so on as above
  parts: u32,
  stride: u32,
  offset: u32,
  width: u32,
  place: u32,      // lanes of y before the result
  accumulate: u32, // 1: add to y instead of overwriting it
  factor: f32,
  first: u32,      // number of the first workgroup
}

//@each i 6
@group(0) @binding({i}) var<storage, read> partial{i}: array<vec4f>;
//@end
@group(0) @binding(6) var<storage, read> table: array<Entry>;
@group(0) @binding(7) var<storage, read_write> y: array<vec4f>;

struct Params {
  groups: u32,  // workgroups
  entries: u32, // of the table
}
@group(0) @binding(8) var<uniform> params: Params;

const WORKGROUP = 64u;

const COLUMNS = 8u; // lanes of results that a workgroup of the tree makes
const SHARES = 32u; // invocations that add up one of them
const TREE = COLUMNS * SHARES;

var<workgroup> sums: array<vec4f, TREE>;

// Number of the entry that a workgroup works on. There are few, and all invocations look at the same.
fn entryOf(number: u32) -> u32 {
  var entry = 0u;
  for (var i = 1u; i < params.entries; i++) {
    if (table[i].first <= number) { entry = i; }
  }
  return entry;
}

// Σ partial[first + p·stride] over p = begin, begin + step, …
fn sumOf(entry: Entry, first: u32, begin: u32, step: u32) -> vec4f {
  var sum = vec4f(0.0);
  switch (entry.source) {
    //@each i 6
    case {i}u: {
      for (var p = begin; p < entry.parts; p += step) { sum += partial{i}[first + p * entry.stride]; }
    }
    //@end
    default: {}
  }
  return sum;
}

fn firstOf(entry: Entry, i: u32) -> u32 {
  return i / entry.width * entry.parts * entry.stride + entry.offset + i % entry.width;
}

fn finish(entry: Entry, i: u32, sum: vec4f) {
  var total = entry.factor * sum;
  if (entry.accumulate == 1u) { total += y[entry.place + i]; }
  y[entry.place + i] = total;
}

@compute @workgroup_size(WORKGROUP)
fn forward(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let number = group.x + group.y * groups.x;
  if (number >= params.groups) { return; }
  let entry = table[entryOf(number)];
  let i = (number - entry.first) * WORKGROUP + local;
  if (i >= entry.segments * entry.width) { return; }
  finish(entry, i, sumOf(entry, firstOf(entry, i), 0u, 1u));
}

@compute @workgroup_size(TREE)
fn tree(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let number = group.x + group.y * groups.x;
  if (number >= params.groups) { return; }
  let entry = table[entryOf(number)];
  let i = (number - entry.first) * COLUMNS + local % COLUMNS;
  let inside = i < entry.segments * entry.width;
  sums[local] = vec4f(0.0);
  if (inside) { sums[local] = sumOf(entry, firstOf(entry, i), local / COLUMNS, SHARES); }
  for (var half = SHARES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half * COLUMNS) { sums[local] += sums[local + half * COLUMNS]; }
  }
  if (local < COLUMNS && inside) { finish(entry, i, sums[local]); }
}
