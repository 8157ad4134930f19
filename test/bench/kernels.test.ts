/** What stands between a kernel and its figures: the check, and the shape of the measured part. No timing. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { KernelBench } from '../../src/roofline/bench.ts';
import { checkedShape, usualShape } from '../../src/roofline/bench.ts';
import { contractions } from '../../src/roofline/contractions.ts';
import { elementwise } from '../../src/roofline/elementwise.ts';
import { prepareWork, throwIfWrong, variantsFor } from '../../src/roofline/prepare.ts';
import { scale } from '../../src/ops/scale.ts';
import type { KernelCase } from '../../src/verify/case.ts';
import { gpuForTests } from '../gpuForTests.ts';

const test = suite('kernel benches');
const benches = [...contractions, ...elementwise];
const named = (name: string): KernelBench => benches.find((bench) => bench.name === name)!;
const small = { B: 1, L: 9, C: 4, K: 3, D: 2 };

test('a right kernel passes, a wrong one is refused by name', async () => {
  const gpu = await gpuForTests();
  const [naive] = variantsFor(gpu, named('scale'), small);
  const right = named('scale').make(checkedShape(small));
  await throwIfWrong(gpu, right, naive!);
  const wrong: KernelCase = { ...right, record: (tape, { x }) => ({ y: scale(tape, x!, 0.7) }) }; // not 1/√2
  const error = await throwIfWrong(gpu, wrong, naive!).then(() => undefined, (reason: Error) => reason);
  assert.match(error!.message, /^wrong, so not timed: scale .* · naive: y: error .*; d x/);
});

test('every bench has a name of its own, a gradient says of what, and all have bytes', () => {
  assert.is(new Set(benches.map(({ name }) => name)).size, benches.length);
  for (const { name, gradients, numbers } of benches) {
    assert.is(/ d \w/.test(name), gradients !== undefined, name);
    assert.ok(numbers(usualShape) > 0, name);
  }
});

test('a gradient is measured without the forward pass before it', async () => {
  const gpu = await gpuForTests();
  const [naive] = variantsFor(gpu, named('gate'), small);
  for (const name of ['gate', 'gate d x']) {
    using prepared = await prepareWork(gpu, named(name), { shape: small, variant: naive! });
    assert.is(prepared.dispatches, 1, name);
  }
});

test('operations without variants are measured once', async () => {
  const gpu = await gpuForTests();
  assert.equal(variantsFor(gpu, named('gate'), usualShape).map(({ variant }) => variant), ['naive']);
  assert.ok(variantsFor(gpu, named('conv1d'), usualShape).length > 1);
});

test.run();
