/**
 * What a dispatch has to do, from its shapes alone: operations, bytes, and how many values its invocations load. A kernel that
 * this file does not know counts as one that does a few operations on each number that it reads or writes.
 */
import type { Operation } from '../../src/autograd/operation.ts';
import { bytesPerElement } from '../../src/autograd/tensor.ts';

export type Recorded = Pick<Operation, 'kernel' | 'reads' | 'writes' | 'params' | 'workgroups'>;

export interface KernelWork {
  /** Floating-point operations, a multiply-add being two. */
  readonly flops: number;
  /** Bytes that must be read or written, however it is done: every operand once. */
  readonly bytes: number;
  /**
   * Loads from memory or cache that all invocations make together, of 4 or 16 bytes as the kernel does it: shared out over the
   * invocations they say how often one waits.
   */
  readonly loads: number;
  /** Bytes that workgroups fetch into their own memory, from a cache most of them: what several workgroups stage counts for each. */
  readonly staged: number;
  /** Turns of a loop with barriers, in each of which an invocation waits for memory once; 0 where there is none. */
  readonly barrierTurns: number;
  /** Whether its operations are products of subgroup matrices. */
  readonly matrices: boolean;
  /** Whether this file knows the kernel. */
  readonly known: boolean;
}

/** Operations for each element that is written, estimated, transcendental functions as 10. */
const perElement: Readonly<Record<string, number>> = {
  'addStep forward': 1, 'diffuse forward': 4, 'encode forward': 20, 'gate forward': 25, 'gate backward': 10, 'keepFigure forward': 1,
  'loss backward': 3, 'noise forward': 125, 'packWeights forward': 0, 'packWeights many': 0, 'relu forward': 1, 'relu backward': 1,
  'residual forward': 3, 'residual backward': 2, 'scale forward': 1, 'scale backward': 1, 'silu forward': 12, 'silu backward': 15,
  'transpose forward': 0,
};

/** Operations for each parameter. */
const adamFlops = 15;

/** Rows that weightGradient.tile.wgsl stages at once, and vec4f of input channels that conv1d.tile.wgsl does. */
const usualSlab = { rows: 16, channels: 4 };

/** Fields of an entry of the table of reduceMany.wgsl, which reduce.ts writes: source, segments, parts, stride, offset, width, place, accumulate, … */
const sumFields = 10;

/** One figure of a ring is written, however long the ring. */
const ringBytes = 4;

type Figures = Omit<KernelWork, 'known' | 'barrierTurns' | 'bytes' | 'matrices' | 'staged'> & Partial<KernelWork>;

export function workOf(operation: Recorded): KernelWork {
  const { shader, entry } = operation.kernel;
  const family = shader.split('.')[0]!;
  const figures = shader.startsWith('conv1d.') || shader.startsWith('residualLayer.') ? convolution(operation)
    : shader.startsWith('weightGradient.') ? weightGradient(operation)
    : (sums[`${family} ${entry}`] ?? sums[family])?.(operation);
  const matrices = shader.endsWith('.matrix');
  if (figures) return { bytes: operandBytes(operation), staged: 0, barrierTurns: 0, matrices, known: true, ...figures };
  const each = perElement[`${family} ${entry}`];
  const written = elements(operation.writes);
  const width = lane(operation);
  return {
    flops: (each ?? 4) * written,
    bytes: operandBytes(operation),
    loads: elements(operation.reads) / width,
    staged: 0,
    barrierTurns: 0,
    matrices,
    known: each !== undefined,
  };
}

/** Kernels that add up products or numbers: every product loads both of its factors, once for each lane of its results. */
const sums: Readonly<Record<string, (operation: Recorded) => Figures>> = {
  // K·Cin·Cout products for every row.
  conv1d(operation) {
    const { rows = 0, inputs = 0, width = 0 } = operation.params ?? {};
    const taps = Number(operation.kernel.overrides?.TAPS ?? 1);
    const places = operation.kernel.entry === 'weightGradient' ? taps * inputs + 1 : taps * inputs;
    return products(operation, rows * places * width * lane(operation));
  },
  linear(operation) {
    const { rows = 0, inputs = 0, outputs = 0 } = operation.params ?? {};
    return products(operation, rows * inputs * outputs);
  },
  stepProjections(operation) {
    const { layers = 0, rows = 0, inputs = 0, outputs = 0 } = operation.params ?? {};
    // Of the parameters, or their gradients, only those of the projections.
    const whole = ['parameters', 'parameterScalars', 'gradients'];
    const own = (tensors: Recorded['reads']): Recorded['reads'] =>
      Object.fromEntries(Object.entries(tensors).filter(([name]) => !whole.includes(name)));
    const bytes = operandBytes({ ...operation, reads: own(operation.reads), writes: own(operation.writes) });
    return { ...products(operation, layers * rows * inputs * outputs), bytes: bytes + layers * (inputs + 1) * outputs * 4 };
  },
  // Six products for every number of the result, however they are added up.
  upsample(operation) {
    const { items = 0, rows = 0, bands = 0 } = operation.params ?? {};
    return products(operation, 6 * items * rows * bands);
  },
  // Every number comes from one of the parameters, most of which are not read.
  packWeights({ writes, kernel: { constants = {} } }) {
    const { length, bytes } = writes.packed!;
    const numbers = constants.HALF === 1 ? 2 * length : length;
    return { flops: 0, loads: numbers, bytes: bytes + numbers * 4 };
  },
  reduce(operation) {
    const { segments = 0, parts = 0, width = 0 } = operation.params ?? {};
    const added = segments * parts * width;
    const bytes = (added + segments * width * (accumulates(operation) ? 2 : 1)) * lane(operation) * 4;
    return { flops: added * lane(operation), loads: added, bytes };
  },
  reduceMany({ reads }) {
    const { content } = reads.table!.storage;
    let [added, moved] = [0, 0]; // vec4f
    for (let entry = 0; entry < content!.length; entry += sumFields) {
      const [, segments, parts, , , width, , accumulate] = content!.slice(entry, entry + sumFields);
      added += segments! * parts! * width!;
      moved += segments! * (parts! + 1 + accumulate!) * width!;
    }
    return { flops: 4 * added, loads: added, bytes: 16 * moved };
  },
  columnSum: additions,
  'loss partialSums': (operation) => ({ ...additions(operation), flops: 1.5 * elements(operation.reads) }),
  'loss total': additions,
  'norm partialSums': (operation) => ({ flops: 2 * elements(operation.reads), loads: elements(operation.reads) / 4 }),
  'norm total': additions,
  adam(operation) {
    const { count = 0 } = operation.params ?? {};
    const tensors = Object.keys(operation.writes).length;
    return { flops: adamFlops * 4 * count, loads: (tensors + 1) * count, bytes: (2 * tensors + 1) * count * 16 };
  },
};

function products(operation: Recorded, count: number): Figures {
  return { flops: 2 * count, loads: (2 * count) / lane(operation) };
}

function additions({ reads }: Recorded): Figures {
  return { flops: elements(reads), loads: elements(reads) };
}

/** A convolution by the fast kernels: output channels may be in slices, of which each reads the whole input. */
function convolution(operation: Recorded): Figures {
  const { kernel: { constants = {} }, reads, writes, params = {}, workgroups } = operation;
  const is = (flag: string): boolean => constants[flag] === 1;
  const input = reads.x ?? reads.dSkip!;
  const [B, L] = input.shape as [number, number];
  const taps = Number(constants.TAPS);
  const Cin = Number(constants.INPUTS) * 4;
  const output = (writes.y ?? writes.dInput)!.shape.at(-1)!;
  const all = is('GATE') || is('RESIDUAL') || is('LAYER') ? 2 * output : is('GATE_GRADIENT') ? output / 2 : output;
  const first = (params.slice ?? 0) * (is('PAIRED') ? 8 : 4);
  const columns = Math.min(all - first, Number(constants.LANES) * Number(constants.WIDE) * 4);
  // A whole layer goes on with h, of as many channels as it has.
  const projected = is('LAYER') ? output : 0;
  const flops = 2 * B * L * (taps * Cin * columns + projected * all);
  const isEpilogue = (name: string): boolean =>
    ['residual', 'saved'].includes(name) || (name === 'dOutput' && is('STEP_GRADIENT'));
  const bytesOf = (tensors: Recorded['reads'], wanted: (name: string) => boolean): number =>
    Object.entries(tensors).reduce((sum, [name, tensor]) => sum + (wanted(name) ? tensor.bytes : 0), 0);
  const updated = (is('RESIDUAL') || is('LAYER')) && !is('FIRST') ? bytesOf(writes, (name) => name === 'skip') : 0;
  const again = accumulates(operation) ? bytesOf(writes, () => true) : updated;
  const ends = bytesOf(reads, isEpilogue) + bytesOf(writes, () => true) + again;
  const slab = Number(constants.SLAB ?? usualSlab.channels);
  const weights = bytesOf(reads, (name) => name === 'weight' || name === 'projection');
  // Sums of matrices come back so many rows at a time, and what they meet there is waited for.
  const endings = constants.CHUNK !== undefined && (is('LAYER') || Object.keys(reads).some(isEpilogue)) ? Number(constants.ROWS) / Number(constants.CHUNK) : 0;
  return {
    flops,
    bytes: bytesOf(reads, (name) => !isEpilogue(name)) + (ends * columns) / all,
    loads: 0, // by way of workgroup memory
    staged: workgroups * (Number(constants.ROWS) * taps * Cin * bytesPerElement[input.dtype] + weights),
    barrierTurns: taps * Math.ceil(Cin / 4 / slab) + Math.ceil(projected / 4 / slab) + endings,
  };
}

function weightGradient({ kernel: { constants = {} }, reads, params = {}, workgroups }: Recorded): Figures {
  const [B, L] = reads.x!.shape as [number, number];
  const [Cin, Cout] = [Number(constants.INPUTS) * 4, Number(constants.OUTPUTS) * 4];
  const rows = params.chunkRows ?? L;
  const columns = Number(constants.LANES) * Number(constants.WIDE);
  return {
    flops: 2 * B * L * Number(constants.TAPS) * Cin * Cout,
    loads: 0,
    staged: 4 * workgroups * rows * (Number(constants.CHANNELS) * bytesPerElement[reads.x!.dtype] + columns * bytesPerElement[(reads.dOutput ?? reads.dSkip!).dtype]),
    barrierTurns: Math.ceil(rows / Number(constants.DEPTH ?? usualSlab.rows)),
  };
}

function lane({ kernel }: Pick<Recorded, 'kernel'>): number {
  return kernel.constants?.Lane === 'vec4f' ? 4 : 1;
}

function accumulates({ kernel: { constants = {}, overrides = {} } }: Pick<Recorded, 'kernel'>): boolean {
  return constants.ACCUMULATE === 1 || Boolean(overrides.ACCUMULATE);
}

function elements(tensors: Recorded['reads']): number {
  return Object.entries(tensors).reduce((sum, [name, { length }]) => sum + (name === 'history' ? 1 : length), 0);
}

/** Bytes of all operands, each once; of a result that is added to, twice. */
function operandBytes(operation: Recorded): number {
  const seen = new Set<unknown>(); // two variables may be bound to one tensor
  const bytesOf = (tensors: Recorded['reads']): number => Object.entries(tensors).reduce((sum, [name, tensor]) => {
    if (seen.has(tensor)) return sum;
    seen.add(tensor);
    return sum + (name === 'history' ? ringBytes : tensor.length * bytesPerElement[tensor.dtype]);
  }, 0);
  return bytesOf(operation.reads) + bytesOf(operation.writes) * (accumulates(operation) ? 2 : 1);
}
