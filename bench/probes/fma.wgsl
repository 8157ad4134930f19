// Probe: how many fused multiply-adds a second this adapter can do at all. Twelve chains that do not depend on each
// other, sixteen links at a time in straight code, so that neither latency nor the loop is what is measured.

@group(0) @binding(0) var<storage, read_write> y: array<f32>;

const WORKGROUP = 64u;

/// Turns of the loop; LINKS · CHAINS fused multiply-adds each (see src/roofline/probes.ts).
const TURNS = 250u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = (group.x + group.y * grid.x) * WORKGROUP + local;
  let factor = f32(index) * 1e-9; // not a constant, or the compiler would do the sums
  let summand = 0.5;
  //@each c CHAINS
  var chain{c} = {c}.0;
  //@end
  for (var turn = 0u; turn < TURNS; turn++) {
    //@each link LINKS
    //@each c CHAINS
    chain{c} = fma(chain{c}, factor, summand);
    //@end
    //@end
  }
  var sum = 0.0;
  //@each c CHAINS
  sum += chain{c};
  //@end
  y[index % arrayLength(&y)] = sum;
}
