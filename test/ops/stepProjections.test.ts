import * as assert from 'uvu/assert';
import { Parameters } from '../../src/autograd/parameters.ts';
import { Tape } from '../../src/autograd/tape.ts';
import { stepProjections } from '../../src/ops/stepProjections.ts';
import { stepProjectionsCases } from '../../src/verify/cases/stepProjections.ts';
import { gpuForTests } from '../gpuForTests.ts';
import { kernelSuite } from './kernelSuite.ts';

const test = kernelSuite('stepProjections', stepProjectionsCases);

const specsOf = ({ layers, H, C }: { layers: number; H: number; C: number }) => Array.from({ length: layers }, (_, l) => [
  { name: `${l}.weight`, shape: [H, C] },
  { name: `${l}.bias`, shape: [C] },
]).flat();

test('parameters that do not fit, or do not lie at equal distances', async () => {
  const specs = [
    ...specsOf({ layers: 2, H: 3, C: 4 }),
    { name: 'between', shape: [5] },
    { name: '2.weight', shape: [3, 4] }, { name: '2.bias', shape: [4] },
    { name: 'wide.weight', shape: [3, 8] }, { name: 'wide.bias', shape: [8] },
  ];
  const parameters = new Parameters(await gpuForTests(), specs);
  const record = (...names: string[]) => () => {
    const tape = new Tape({ parameters });
    const affine = names.map((name) =>
      ({ weight: tape.parameter(`${name}.weight`), bias: tape.parameter(`${name}.bias`) }));
    stepProjections(tape, tape.input('e', [1, 3]), affine);
  };
  assert.not.throws(record('0', '1'));
  assert.throws(record('0', '1', '2'), /the parameters of the layers do not lie at equal distances/);
  assert.throws(record('0', 'wide'), /stepProjections weight: wanted \(3, 4\), got wide.weight/);
  parameters.destroy();
});

test.run();
