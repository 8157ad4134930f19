import { scale } from '../../ops/scale.ts';
import { stepProjections } from '../../ops/stepProjections.ts';
import { linear, linearBackward } from '../../reference/linear.ts';
import type { CaseInput, Expected, Given, KernelCase } from '../case.ts';
import { roundingError, sums } from '../case.ts';

interface Sizes {
  readonly layers: number;
  readonly B: number;
  readonly H: number;
  readonly C: number;
}

/** Each layer's linear layer in float64; the gradient in e is the sum of theirs. */
function truth(given: Given, { layers, B, H: Cin, C: Cout }: Sizes): Record<string, Expected> {
  const all: Record<string, Expected> = {};
  const dEmbedding = { value: new Float64Array(B * Cin), scale: new Float64Array(B * Cin), tolerance: roundingError(layers * Cout) };
  for (let l = 0; l < layers; l++) {
    const own = { x: given.e!, weight: given[`weight ${l}`]!, bias: given[`bias ${l}`]!, dy: given[`d y ${l}`]! };
    const layer = sums(own, ({ x, weight, bias, dy }) => {
      const operands = { input: x!, weight: weight!, bias: bias!, B, Cin, Cout };
      return { y: linear(operands), ...linearBackward({ ...operands, dOutput: dy! }) };
    }, { y: Cin + 1, dInput: Cout, dWeight: B, dBias: B });
    all[`y ${l}`] = layer.y;
    all[`d weight ${l}`] = layer.dWeight;
    all[`d bias ${l}`] = layer.dBias;
    layer.dInput.value.forEach((share, i) => (dEmbedding.value[i]! += share));
    layer.dInput.scale.forEach((share, i) => (dEmbedding.scale[i]! += share));
  }
  return { ...all, 'd e': dEmbedding };
}

export function stepProjectionsCase(sizes: Sizes): KernelCase {
  const { layers, B, H, C } = sizes;
  const affine = Array.from({ length: layers }, (_, l): [string, CaseInput][] => [
    [`weight ${l}`, { shape: [H, C], gradient: true, parameter: true }],
    [`bias ${l}`, { shape: [C], gradient: true, parameter: true }],
  ]).flat();
  return {
    stem: 'stepProjections',
    hasVariants: true,
    name: `${layers} layers, ${B}×${H}→${C}`,
    inputs: { e: { shape: [B, H], gradient: true }, ...Object.fromEntries(affine) },
    record(tape, inputs) {
      const of = Array.from({ length: layers }, (_, l) => ({ weight: inputs[`weight ${l}`]!, bias: inputs[`bias ${l}`]! }));
      // Their gradients have places of their own, which a reader is handed; multiplying by 1 is one, and rounds nothing.
      return Object.fromEntries(stepProjections(tape, inputs.e!, of).map((y, l) => [`y ${l}`, scale(tape, y, 1)]));
    },
    expected: (given) => truth(given, sizes),
  };
}

export const stepProjectionsCases: readonly KernelCase[] = [
  { layers: 1, B: 1, H: 1, C: 1 },
  { layers: 3, B: 2, H: 7, C: 5 },
  { layers: 5, B: 3, H: 13, C: 8 },
  { layers: 2, B: 2, H: 65, C: 64 },
  { layers: 3, B: 1, H: 31, C: 36 }, // on GPUs one lane more than a workgroup makes, of one input less than it has invocations
].map(stepProjectionsCase);
