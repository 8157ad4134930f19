import * as assert from 'uvu/assert';
import { Tape } from '../../src/autograd/tape.ts';
import { residual } from '../../src/ops/residual.ts';
import { scale } from '../../src/ops/scale.ts';
import { residualCases } from '../../src/verify/cases/residual.ts';
import { kernelSuite } from './kernelSuite.ts';

const test = kernelSuite('residual', residualCases);

function inputs(tape: Tape) {
  return {
    x: tape.input('x', [1, 5, 3], { gradient: true }),
    projected: tape.input('projected', [1, 5, 6], { gradient: true }),
    skip: tape.input('skip', [1, 5, 3], { gradient: true }),
  };
}

test('what does not fit together is refused', () => {
  const tape = new Tape();
  const { x, projected, skip } = inputs(tape);
  assert.throws(() => residual(tape, { x, projected: x, skip }), /residual: wanted \(1, 5, 6\), got x/);
  assert.throws(
    () => residual(tape, { x, projected, skip: projected }),
    /residual skip: wanted \(1, 5, 3\), got projected/,
  );
});

test('the sum before is gone', () => {
  const tape = new Tape();
  const { x, projected, skip } = inputs(tape);
  residual(tape, { x, projected, skip });
  assert.throws(() => scale(tape, skip, 2), /skip \(1, 5, 3\) was updated in place and its old value is gone/);
});

test('a gradient that would be lost is refused', () => {
  const tape = new Tape();
  const { x, projected } = inputs(tape);
  const { output } = residual(tape, { x, projected, skip: undefined });
  assert.throws(() => tape.backward(output, { of: output, gradient: x }), /residual: the skip sum must reach the loss/);

  const other = new Tape();
  const given = inputs(other);
  const { skip } = residual(other, { ...given, skip: undefined });
  const reader = scale(other, given.projected, 2);
  const seeds = [{ of: skip, gradient: given.x }, { of: reader, gradient: given.projected }];
  assert.throws(() => other.backward(skip, ...seeds), /residual: its projection must have no other reader/);
});

test.run();
