import * as assert from 'uvu/assert';
import { Tape } from '../../src/autograd/tape.ts';
import { residualLayer } from '../../src/ops/residualLayer.ts';
import { mixedCases } from '../../src/verify/cases/mixed.ts';
import { residualLayerCases } from '../../src/verify/cases/residualLayer.ts';
import { variantsOf } from '../../src/verify/run.ts';
import { gpuForTests } from '../gpuForTests.ts';
import { kernelSuite } from './kernelSuite.ts';

const test = kernelSuite('residualLayer', [...residualLayerCases, ...mixedCases]);

test('weights that do not fit are refused in every variant', async () => {
  for (const variant of variantsOf(await gpuForTests())) {
    const tape = new Tape({ variant });
    const affine = (shape: number[]) => ({ weight: tape.input('weight', shape), bias: tape.input('bias', [8]) });
    const layer = {
      x: tape.input('x', [1, 5, 4]), step: tape.input('step', [1, 4]), skip: undefined, dilation: 1, name: 'layer',
      dilated: affine([3, 4, 8]), projection: affine([1, 4, 8]),
    };
    assert.not.throws(() => residualLayer(tape, layer), variant.variant);
    const step = tape.input('step', [2, 4]);
    for (const wrong of [{ dilated: affine([3, 5, 8]) }, { projection: affine([1, 8, 8]) }, { step }]) {
      assert.throws(
        () => residualLayer(tape, { ...layer, ...wrong }),
        /wanted \(.*\), got (weight|step)/, variant.variant,
      );
    }
  }
});

test.run();
