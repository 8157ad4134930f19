import type { GradientSlot } from '../autograd/operation.ts';
import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { lanesFor, workgroupsFor } from './lanes.ts';

/** From here on a workgroup adds up one result together (an estimate, not measured). */
const manyParts = 128;
const fewResults = 4096;

/**
 * Adds up partial sums (segments·parts, stride): result[s, j] = Σ_p partial[s·parts + p, offset + j], in the order of
 * p. Sizes in elements. Not an op of the model: the second half of every gradient that is a sum over time.
 */
export function reduceInto(tape: Tape, slot: GradientSlot, partial: Tensor, sizes: {
  segments: number; parts: number; stride: number; offset: number; width: number;
}): void {
  const { segments, parts, stride, offset } = sizes;
  const { Lane, width } = lanesFor(stride, offset, sizes.width);
  // One invocation that adds up hundreds of numbers would keep a GPU waiting; a software adapter has nothing else to do.
  const results = (segments * sizes.width) / width;
  const isForGpus = tape.variant.variant === 'tile' || tape.variant.variant === 'matrix';
  const entry = isForGpus && parts > manyParts && results < fewResults ? 'tree' : 'forward';
  tape.record({
    kernel: { shader: 'reduce', entry, constants: { Lane }, overrides: { ACCUMULATE: slot.accumulate } },
    reads: { partial },
    writes: { y: slot.tensor },
    params: { segments, parts, stride: stride / width, offset: offset / width, width: sizes.width / width },
    workgroups: entry === 'tree' ? results : workgroupsFor(results),
  });
}

/**
 * Adds up the partial sums of a weight gradient, (parts, places, Cout), whose last place is the bias gradient: in one
 * dispatch if the two lie side by side in memory.
 */
export function reduceAffine(tape: Tape, slots: { weight?: GradientSlot; bias?: GradientSlot }, partial: Tensor): void {
  const [parts, places, Cout] = partial.shape as [number, number, number];
  const whole = { segments: 1, parts, stride: places * Cout };
  const both = slots.weight && slots.bias && tape.adjacent(slots.weight, slots.bias);
  if (both) {
    reduceInto(tape, both, partial, { ...whole, offset: 0, width: places * Cout });
    return;
  }
  const offset = (places - 1) * Cout;
  if (slots.weight) reduceInto(tape, slots.weight, partial, { ...whole, offset: 0, width: offset });
  if (slots.bias) reduceInto(tape, slots.bias, partial, { ...whole, offset, width: Cout });
}

/** Rows that one partial sum covers, and how many partial sums that makes: at most `mostParts`, of 64 rows or more. */
export function chunksOf(rows: number, mostParts: number): { chunkRows: number; parts: number } {
  const chunkRows = Math.max(64, Math.ceil(rows / mostParts));
  return { chunkRows, parts: Math.ceil(rows / chunkRows) };
}
