import * as assert from 'uvu/assert';
import { Tape } from '../../src/autograd/tape.ts';
import { encode } from '../../src/ops/encode.ts';
import { encodeCases } from '../../src/verify/cases/encode.ts';
import { kernelSuite } from './kernelSuite.ts';

const test = kernelSuite('encode', encodeCases);

test('an odd width is refused', () => {
  const tape = new Tape();
  const options = { kind: 'transformer', steps: 5, width: 7 } as const;
  assert.throws(() => encode(tape, tape.input('t', [1]), options), /encode: wanted an even width, got 7/);
});

test.run();
