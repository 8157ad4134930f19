import { reduceInto, reduceTogether } from '../../ops/reduce.ts';
import type { Given, KernelCase } from '../case.ts';
import { roundingError, sums, times } from '../case.ts';

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
    for (let p = 0; p < parts; p++) sum += partial![(segment * parts + p) * stride + offset + j]!;
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
      const tensor = accumulate ? tape.updated(inputs.start!) : tape.result('y', shape);
      reduceInto(tape, { tensor, accumulate }, inputs.partial!, sizes);
      return { y: tensor };
    },
    expected: (given) => sums(given, (values) => ({ y: truth(values, sizes) }), { y: parts + 1 }),
  };
}

/** Sums of several tensors in one output: each behind the other, from a multiple of 64 on, those that `accumulate` added to what is there. */
function togetherCase(name: string, all: readonly (Sizes & { source: number; accumulate?: boolean; factor?: number })[]): KernelCase {
  const sources = Math.max(...all.map(({ source }) => source)) + 1;
  const shapeOf = (source: number) => {
    const own = all.filter((sum) => sum.source === source);
    return [Math.max(...own.map(({ segments, parts }) => segments * parts)), own[0]!.stride];
  };
  let end = 0;
  const places = all.map(({ segments, width }) => {
    const place = end;
    end += Math.ceil((segments * width) / 64) * 64;
    return place;
  });
  const compute = (values: Given, allFactorsPositive: boolean) => {
    const y = values.start!.slice();
    all.forEach(({ source, accumulate, factor = 1, ...sizes }, i) => {
      const sum = truth({ partial: values[`partial ${source}`]! }, sizes);
      const by = allFactorsPositive ? Math.abs(factor) : factor;
      sum.forEach((value, j) => { y[places[i]! + j] = (accumulate ? y[places[i]! + j]! : 0) + by * value; });
    });
    return y;
  };
  return {
    stem: 'reduce',
    hasVariants: true,
    name: `together: ${name}`,
    inputs: {
      start: { shape: [end] },
      ...Object.fromEntries(Array.from({ length: sources }, (_, source) => [`partial ${source}`, { shape: shapeOf(source) }])),
    },
    record(tape, inputs) {
      const y = tape.updated(inputs.start!);
      const readers = all.map(({ source, accumulate = false, factor, ...sizes }, i) => {
        const of = tape.input(`of ${i}`, [1]);
        const slot = { tensor: tape.part(y, places[i]!, [sizes.segments * sizes.width]), accumulate };
        const known = tape.variant.variant === 'naive' ? undefined : factor;
        reduceTogether(tape, { of: [of], slot, factor: known }, inputs[`partial ${source}`]!, sizes);
        return of;
      });
      for (const of of readers) tape.gradient(of); // whoever asks has it recorded
      return { y };
    },
    expected(given) {
      const value = compute(given, false);
      const scale = compute(Object.fromEntries(Object.entries(given).map(([key, values]) => [key, values.map(Math.abs)])), true);
      return { y: { value, scale, tolerance: roundingError(Math.max(...all.map(({ parts }) => parts)) + 2) } };
    },
  };
}

export const reduceCases: readonly KernelCase[] = [
  togetherCase('a tensor of two sums, and one of three items', [
    { source: 0, segments: 1, parts: 37, stride: 68, offset: 0, width: 64 },
    { source: 0, segments: 1, parts: 37, stride: 68, offset: 64, width: 4, accumulate: true },
    { source: 1, segments: 3, parts: 575, stride: 12, offset: 4, width: 8 },
  ]),
  togetherCase('more tensors than are added up at once', Array.from({ length: 8 }, (_, source) => (
    { source, segments: 1, parts: 1 + 16 * source, stride: 36, offset: 0, width: 36, accumulate: source % 2 === 1 }))),
  ...[
    { segments: 1, parts: 1, stride: 1, offset: 0, width: 1, accumulate: false },
    { segments: 3, parts: 5, stride: 7, offset: 2, width: 5, accumulate: false },
    { segments: 2, parts: 65, stride: 12, offset: 4, width: 8, accumulate: false },
    { segments: 1, parts: 63, stride: 68, offset: 3, width: 65, accumulate: true },
    { segments: 1, parts: 64, stride: 260, offset: 0, width: 260, accumulate: true },
    // More parts than one invocation adds up on a GPU: there a workgroup does it together, in a tree.
    { segments: 1, parts: 15, stride: 5, offset: 0, width: 5, accumulate: false },
    { segments: 1, parts: 16, stride: 5, offset: 0, width: 5, accumulate: false },
    { segments: 1, parts: 129, stride: 5, offset: 1, width: 3, accumulate: false },
    { segments: 3, parts: 192, stride: 68, offset: 4, width: 64, accumulate: true },
    { segments: 4, parts: 575, stride: 64, offset: 0, width: 64, accumulate: false },
    { segments: 1, parts: 17, stride: 65_537, offset: 0, width: 65_537, accumulate: false }, // too many results for that
  ].map(reduceCase),
];
