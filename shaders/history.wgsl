// Keeps the loss of every step in a ring, so that the host can read many at once when it prints.

@group(0) @binding(0) var<storage, read> value: array<f32>;             // (1)
@group(0) @binding(1) var<storage, read_write> history: array<f32>;

struct Step {
  historySlot: u32,
}
@group(0) @binding(2) var<uniform> step: Step;

@compute @workgroup_size(1)
fn forward() {
  history[step.historySlot] = value[0];
}
