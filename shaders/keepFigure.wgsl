// One number of a run goes into a ring of them, so that the host can read those of many runs at once.
// LATER: it is added to what an earlier dispatch of the run put there.

@group(0) @binding(0) var<storage, read> value: array<f32>; // (1)
@group(0) @binding(1) var<storage, read_write> history: array<f32>;

struct Step {
  historySlot: u32,
}
@group(0) @binding(2) var<uniform> step: Step;

override LATER = false;

@compute @workgroup_size(1)
fn forward() {
  var figure = value[0];
  if (LATER) { figure += history[step.historySlot]; }
  history[step.historySlot] = figure;
}
