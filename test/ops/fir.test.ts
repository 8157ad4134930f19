import * as assert from 'uvu/assert';
import { Tape } from '../../src/autograd/tape.ts';
import { fir } from '../../src/ops/fir.ts';
import { firCases } from '../../src/verify/cases/fir.ts';
import { kernelSuite } from './kernelSuite.ts';

const test = kernelSuite('fir', firCases);

test('shapes that do not fit are refused', () => {
  const tape = new Tape();
  const [clip, taps] = [tape.input('clip', [2, 7]), tape.input('taps', [3])];
  const stretch = tape.input('stretch', [2, 9]);
  assert.throws(() => fir(tape, { clip, taps, stretch: tape.input('other', [1, 9]) }), /fir stretch: wanted \(2, 9\)/);
  assert.throws(() => fir(tape, { clip, taps, stretch: tape.input('short', [2, 2]) }), /is shorter than taps/);
  assert.throws(() => fir(tape, { clip, taps, stretch, head: tape.input('head', [2, 1]) }), /head .* is too short for taps/);
});

test.run();
