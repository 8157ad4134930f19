/** Every case of the contraction kernels with every kind of matrices: minutes, most of them for compiling. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MatrixSettings } from '../../../src/gpu/device/matrix.ts';
import type { KernelCase } from '../../../src/verify/case.ts';
import { conv1dCases } from '../../../src/verify/cases/conv1d.ts';
import { mixedCases } from '../../../src/verify/cases/mixed.ts';
import { packWeightsCases } from '../../../src/verify/cases/packWeights.ts';
import { residualLayerCases } from '../../../src/verify/cases/residualLayer.ts';
import { failuresOf, settingsFor, shapes } from './emulated.ts';

const test = suite('matrix kernels, emulated, all cases');

const fast = [...conv1dCases, ...packWeightsCases, ...residualLayerCases, ...mixedCases].filter(({ inputs, maxUniformBytes }) =>
  maxUniformBytes === undefined && Object.values(inputs).every(({ shape }) => shape.at(-1)! % 4 === 0));

function each(name: string, cases: readonly KernelCase[], settings: MatrixSettings): void {
  for (const kernelCase of cases) {
    test(`${name}: ${kernelCase.stem} ${kernelCase.name}`, async () => assert.equal(await failuresOf(kernelCase, settings), []));
  }
}

const named = (part: string): KernelCase[] => fast.filter(({ name }) => name.includes(part));

each('f16', fast, { ...settingsFor(shapes.f16), channels: 16 });
each('f16, tiles of 192 inputs', named('2×37×64'), settingsFor(shapes.f16));
each('f16, in 16 KiB', named('2×17×20'), settingsFor(shapes.f16, { subgroup: 32, memory: 16384 }));
each('f32', [...named('2×17×20'), ...named('2×37×36')], { ...settingsFor(shapes.f32), channels: 16 });

test.run();
