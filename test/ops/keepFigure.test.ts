import * as assert from 'uvu/assert';
import { Tape } from '../../src/autograd/tape.ts';
import { keepFigure } from '../../src/ops/keepFigure.ts';
import { keepFigureCases } from '../../src/verify/cases/keepFigure.ts';
import { kernelSuite } from './kernelSuite.ts';

const test = kernelSuite('keepFigure', keepFigureCases);

test('what is no single number is refused', () => {
  const tape = new Tape();
  const history = tape.input('history', [4]);
  assert.throws(() => keepFigure(tape, tape.input('losses', [2]), { history }), /keepFigure/);
});

test.run();
