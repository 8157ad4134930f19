import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { activationShape, expectShape } from '../autograd/tensor.ts';
import { lanesFor, workgroupsFor } from './lanes.ts';
import { chunksOf, reduceInto } from './reduce.ts';

/** Rows that one invocation adds to. On lavapipe, per cent of a copy: 93 with 4, 109 with 8, 79 with 16. */
const rowsPerInvocation = 8;

/** Most partial sums over time for one item's gradient. */
const mostChunks = 256;

/**
 * Adds the projected step embedding to every sample: y[b, t, :] = x[b, t, :] + step[b, :]; x is (B, L, C), step (B, C). Or what every
 * sample has of its own: step (B, L, C), which nobody else may read.
 */
export function addStep(tape: Tape, x: Tensor, step: Tensor): Tensor {
  const { B, L, C } = activationShape(x, 'addStep');
  const eachRow = step.shape.length === 3;
  expectShape(step, eachRow ? [B, L, C] : [B, C], 'addStep');
  const { Lane, width } = lanesFor(C);
  const params = { items: B, length: L, width: C / width, blocks: Math.ceil(L / rowsPerInvocation) };
  const y = tape.result('stepped', [B, L, C], [x, step]);
  tape.record({
    kernel: { shader: 'addStep', entry: 'forward', constants: { Lane, ROWS: rowsPerInvocation, EACH_ROW: Number(eachRow) } },
    reads: { x, stepEmbedding: step },
    writes: { y },
    params,
    workgroups: workgroupsFor(B * params.blocks * params.width),
  });

  // y = x + step  ⇒  dx = dy,  dstep[b, :] = Σ_t dy[b, t, :], or dy itself
  tape.onBackward([y], () => {
    const dOutput = tape.gradient(y)!;
    if (eachRow) tape.passGradient(step, dOutput);
    const stepSlot = eachRow ? undefined : tape.gradientSlot(step);
    if (stepSlot) {
      const { chunkRows, parts } = chunksOf(L, mostChunks);
      const partial = tape.result('partial d step', [B * parts, C]);
      tape.record({
        kernel: { shader: 'columnSum', entry: 'forward', constants: { Lane } },
        reads: { x: dOutput },
        writes: { partial },
        params: { segments: B, rows: L, width: C / width, parts, chunkRows },
        workgroups: workgroupsFor((B * parts * C) / width),
      });
      reduceInto(tape, stepSlot, partial, { segments: B, parts, stride: C, offset: 0, width: C });
    }
    const inputSlot = tape.gradientSlot(x);
    if (inputSlot) {
      const lanes = lanesFor(x.length);
      tape.record({
        kernel: { shader: 'scale', entry: 'forward', constants: { Lane: lanes.Lane }, overrides: { ACCUMULATE: inputSlot.accumulate } },
        reads: { x: dOutput },
        writes: { y: inputSlot.tensor },
        params: { count: x.length / lanes.width, factor: 1 },
        workgroups: workgroupsFor(x.length / lanes.width),
      });
    }
  });
  return y;
}
