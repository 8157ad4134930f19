// Probe: how many bytes a second a kernel that only copies moves, those read and those written together. Of the
// shapes that were tried on lavapipe (1, 4, 8 vec4f an invocation; 64, 256 invocations; f32, mat4x4f) the fastest.

struct Params {
  /// vec4f to copy.
  count: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

const WORKGROUP = 256u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let first = (group.x + group.y * grid.x) * WORKGROUP * VECTORS + local;
  if (first + (VECTORS - 1u) * WORKGROUP >= params.count) {
    return; // `count` is a multiple of what a workgroup copies, so this is a group that folding the grid has added
  }
  //@each v VECTORS
  y[first + {v}u * WORKGROUP] = x[first + {v}u * WORKGROUP];
  //@end
}
