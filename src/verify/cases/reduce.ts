import { reduceInto } from '../../ops/reduce.ts';
import type { Given, KernelCase } from '../case.ts';
import { sums, times } from '../case.ts';

interface Sizes {
  readonly segments: number;
  readonly parts: number;
  readonly stride: number;
  readonly offset: number;
  readonly width: number;
}

/** result[s, j] = start[s, j] + Σ_p partial[s·parts + p, offset + j]; without `start`, the sum alone. */
function truth({ partial, start }: Given, { segments, parts, stride, offset, width }: Sizes): Float64Array {
  const result = start?.slice() ?? new Float64Array(segments * width);
  return result.map((first, i) => {
    const [segment, j] = [Math.floor(i / width), i % width];
    let sum = first;
    for (let p = 0; p < parts; p++) sum += partial[(segment * parts + p) * stride + offset + j];
    return sum;
  });
}

export function reduceCase({ accumulate, ...sizes }: Sizes & { accumulate: boolean }): KernelCase {
  const { segments, parts, stride, offset, width } = sizes;
  const shape = [segments, width];
  return {
    stem: 'reduce',
    hasVariants: true,
    name: `${times(segments, parts, stride)} from ${offset}, ${width} wide${accumulate ? ', added' : ''}`,
    inputs: { partial: { shape: [segments * parts, stride] }, ...(accumulate ? { start: { shape } } : {}) },
    record(tape, inputs) {
      const tensor = accumulate ? tape.updated(inputs.start) : tape.result('y', shape);
      reduceInto(tape, { tensor, accumulate }, inputs.partial, sizes);
      return { y: tensor };
    },
    expected: (given) => sums(given, (values) => ({ y: truth(values, sizes) }), { y: parts + 1 }),
  };
}

export const reduceCases: readonly KernelCase[] = [
  { segments: 1, parts: 1, stride: 1, offset: 0, width: 1, accumulate: false },
  { segments: 3, parts: 5, stride: 7, offset: 2, width: 5, accumulate: false },
  { segments: 2, parts: 65, stride: 12, offset: 4, width: 8, accumulate: false },
  { segments: 1, parts: 63, stride: 68, offset: 3, width: 65, accumulate: true },
  { segments: 1, parts: 64, stride: 260, offset: 0, width: 260, accumulate: true },
  // More parts than one invocation adds up on a GPU: there a workgroup of 64 does it together, in a tree.
  { segments: 1, parts: 128, stride: 5, offset: 0, width: 5, accumulate: false },
  { segments: 1, parts: 129, stride: 5, offset: 1, width: 3, accumulate: false },
  { segments: 3, parts: 192, stride: 68, offset: 4, width: 64, accumulate: true },
  { segments: 4, parts: 575, stride: 64, offset: 0, width: 64, accumulate: false },
  { segments: 1, parts: 131, stride: 4 * 4097, offset: 0, width: 4 * 4097, accumulate: false }, // too many results for that
].map(reduceCase);
