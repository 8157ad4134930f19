import type { GradientSlot, Keeps } from '../autograd/operation.ts';
import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { hasManyThreads } from '../gpu/device/variant.ts';
import { lanesFor, treeColumns, workgroupSize, workgroupsFor } from './lanes.ts';

/** From here on a GPU's invocations share the parts of a result: one that adds up many by itself keeps the others waiting. */
const manyParts = 16;
const fewResults = 65_536;

/** Lanes of results that a workgroup of the tree over one tensor makes, where there are few; the shader says the same in `COLUMNS`. */
const fewColumns = 4;

/** Tensors that `reduceMany` adds up at once. */
const mostSources = 6;

/**
 * Bytes of partial sums that may wait for others, which is memory that a step needs: a tape that computes activations again has
 * none to spare. There the large ones, of weights, do not wait, and the small ones of steps do.
 */
const mostWaitingBytes = { activations: 2 ** 27, layerInputs: 2 ** 22, nothing: 0 } as const satisfies Record<Keeps, number>;

/** Partial sums (segments·parts, stride), and what of them is wanted; in elements. */
export interface PartialSums {
  readonly segments: number;
  readonly parts: number;
  readonly stride: number;
  readonly offset: number;
  readonly width: number;
}

/**
 * Adds up partial sums (segments·parts, stride): result[s, j] = Σ_p partial[s·parts + p, offset + j], in a fixed
 * order. Sizes in elements. Not an op of the model: the second half of every gradient that is a sum over time.
 */
export function reduceInto(tape: Tape, slot: GradientSlot, partial: Tensor, sizes: PartialSums): void {
  const { segments, parts, stride, offset } = sizes;
  const { Lane, width } = lanesFor(stride, offset, sizes.width);
  const results = (segments * sizes.width) / width;
  const entry = hasManyThreads(tape.variant) && parts >= manyParts && results < fewResults ? 'tree' : 'forward';
  tape.record({
    kernel: { shader: 'reduce', entry, constants: { Lane }, overrides: { ACCUMULATE: slot.accumulate } },
    reads: { partial },
    writes: { y: slot.tensor },
    params: { segments, parts, stride: stride / width, offset: offset / width, width: sizes.width / width },
    workgroups: entry === 'tree' ? Math.ceil(results / fewColumns) : workgroupsFor(results),
  });
}

/** Sums that wait for others with the same output. */
interface Waiting {
  readonly whole: Tensor;
  readonly sums: (PartialSums & { readonly partial: Tensor; readonly place: number; readonly accumulate: boolean; readonly factor: number })[];
  readonly record: () => void;
}

const waiting = new WeakMap<Tape, Map<unknown, Waiting>>();

/**
 * The same, times `factor`, for the gradients in `of`, which `slot` holds, as soon as enough sums with the same output have
 * come together, or somebody asks for one of those gradients: one dispatch for many.
 */
export function reduceTogether(
  tape: Tape, { of, slot, factor = 1 }: { of: readonly Tensor[]; slot: GradientSlot; factor?: number }, partial: Tensor, sizes: PartialSums,
): void {
  const { whole, before } = tape.wholeOf(slot.tensor);
  if (tape.variant.variant === 'naive' || lanesFor(sizes.stride, sizes.offset, sizes.width, before).width !== 4) {
    if (factor !== 1) throw new Error(`the sums for ${of.join(', ')} cannot be multiplied: wanted multiples of 4`);
    return reduceInto(tape, slot, partial, sizes);
  }
  const queues = waiting.get(tape) ?? new Map<unknown, Waiting>();
  waiting.set(tape, queues);
  const key = whole.storage.range?.buffer ?? whole.storage;
  let queue = queues.get(key);
  if (!queue) {
    queue = { whole, sums: [], record: () => { if (queues.get(key) === queue && queues.delete(key)) recordMany(tape, queue!); } };
    queues.set(key, queue);
  }
  queue.sums.push({ ...sizes, partial, place: before, accumulate: slot.accumulate, factor });
  for (const tensor of of) tape.postpone(tensor, queue.record);
  const sources = new Set(queue.sums.map((sum) => sum.partial));
  const bytes = [...sources].reduce((sum, source) => sum + source.bytes, 0);
  if (sources.size === mostSources || bytes > mostWaitingBytes[tape.keeps]) queue.record();
}

/** The fields of the shader's struct Entry. */
const entryFields = 10;

function recordMany(tape: Tape, { whole, sums }: Waiting): void {
  const sources = [...new Set(sums.map(({ partial }) => partial))];
  const tree = hasManyThreads(tape.variant);
  const table = new DataView(new ArrayBuffer(sums.length * entryFields * 4));
  let groups = 0;
  sums.forEach(({ partial, segments, parts, stride, offset, width, place, accumulate, factor }, i) => {
    const numbers = [sources.indexOf(partial), segments, parts, stride / 4, offset / 4, width / 4, place / 4, Number(accumulate)];
    numbers.forEach((number, field) => table.setUint32((i * entryFields + field) * 4, number, true));
    table.setFloat32((i * entryFields + 8) * 4, factor, true);
    table.setUint32((i * entryFields + 9) * 4, groups, true);
    groups += Math.ceil((segments * width) / 4 / (tree ? treeColumns : workgroupSize));
  });
  const content = new Uint32Array(table.buffer);
  tape.record({
    kernel: { shader: 'reduceMany', entry: tree ? 'tree' : 'forward' },
    reads: {
      ...Object.fromEntries(Array.from({ length: mostSources }, (_, i) => [`partial${i}`, sources[i] ?? sources[0]!])),
      table: tape.constant('sums', [content.length], content),
    },
    writes: { y: whole },
    params: { groups, entries: sums.length },
    workgroups: groups,
  });
}

/**
 * Adds up the partial sums of a weight gradient, (parts, places, Cout), whose last place is the bias gradient, that of the
 * weight times `factor`.
 */
export function reduceAffine(
  tape: Tape,
  { weight, bias, factor = 1 }: { weight: Tensor; bias: Tensor; factor?: number },
  slots: { weight?: GradientSlot; bias?: GradientSlot },
  partial: Tensor,
): void {
  const [parts, places, Cout] = partial.shape as [number, number, number];
  const whole = { segments: 1, parts, stride: places * Cout };
  const both = factor === 1 && slots.weight && slots.bias && tape.adjacent(slots.weight, slots.bias);
  if (both) {
    reduceTogether(tape, { of: [weight, bias], slot: both }, partial, { ...whole, offset: 0, width: places * Cout });
    return;
  }
  const offset = (places - 1) * Cout;
  if (slots.weight) reduceTogether(tape, { of: [weight], slot: slots.weight, factor }, partial, { ...whole, offset: 0, width: offset });
  if (slots.bias) reduceTogether(tape, { of: [bias], slot: slots.bias }, partial, { ...whole, offset, width: Cout });
}

/** Rows that one partial sum covers, and how many partial sums that makes: at most `mostParts`, of 64 rows or more. */
export function chunksOf(rows: number, mostParts: number): { chunkRows: number; parts: number } {
  const chunkRows = Math.max(64, Math.ceil(rows / mostParts));
  return { chunkRows, parts: Math.ceil(rows / chunkRows) };
}
