/** Every case of the contraction kernels with every kind of matrices: minutes, most of them for compiling. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MatrixSettings } from '../../../src/gpu/device/matrix.ts';
import type { KernelCase } from '../../../src/verify/case.ts';
import { conv1dCases } from '../../../src/verify/cases/conv1d.ts';
import { mixedCases } from '../../../src/verify/cases/mixed.ts';
import { packWeightsCases } from '../../../src/verify/cases/packWeights.ts';
import { residualLayerCases } from '../../../src/verify/cases/residualLayer.ts';
import { compact, failuresOf, settingsFor, shapes } from './emulated.ts';

const test = suite('matrix kernels, emulated, all cases');

/**
 * Of the convolutions those that are unlike others for matrices: one slab and more, one slice and more, one tap and more. Where uniform
 * bindings are small or tiles are prefetched, matrices have the kernels of other cases.
 */
const convolutions = conv1dCases.filter(({ name }) => /^(1×63×4→4 |2×17×20→|1×17×88→|2×37×64→|2×67×4→8 )/.test(name));
const fast = [...residualLayerCases, ...mixedCases, ...convolutions, ...packWeightsCases].filter(({ inputs, maxUniformBytes, prefetch }) =>
  !maxUniformBytes && !prefetch && Object.values(inputs).every(({ shape }) => shape.at(-1)! % 4 === 0));

function each(name: string, cases: readonly KernelCase[], settings: MatrixSettings): void {
  for (const kernelCase of cases) {
    test(`${name}: ${kernelCase.stem} ${kernelCase.name}`, async () => assert.equal(await failuresOf(kernelCase, settings), []));
  }
}

const named = (part: string): KernelCase[] => fast.filter(({ name }) => name.includes(part));

// As adapters have them, for each of the kernels once; the other cases with fewer sums an invocation.
const large = named('2×37×64');
const odd = named('odd numbers of vectors');
each('f16', fast.filter((kernelCase) => !large.includes(kernelCase)), compact(shapes.f16));
each('f16 as it is', named('2×37×36'), { ...settingsFor(shapes.f16), channels: 16 });
each('f16 as it is, tiles of 192 inputs', large, settingsFor(shapes.f16));
each('f16 as it is, in 16 KiB', odd, settingsFor(shapes.f16, { subgroup: 32, memory: 16384 }));
each('f32', named('2×37×36'), compact(shapes.f32));
each('f32 as it is', odd, { ...settingsFor(shapes.f32), channels: 16 });

test.run();
