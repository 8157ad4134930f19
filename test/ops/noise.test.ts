import * as assert from 'uvu/assert';
import { Executable } from '../../src/autograd/executable.ts';
import { planTape } from '../../src/autograd/plan.ts';
import { Tape } from '../../src/autograd/tape.ts';
import { noise, noiseValues } from '../../src/ops/noise.ts';
import { noiseCases } from '../../src/verify/cases/noise.ts';
import { gpuForTests } from '../gpuForTests.ts';
import { kernelSuite } from './kernelSuite.ts';

const test = kernelSuite('noise', noiseCases);

async function draw(
  { B, L, firstItem = 0, stream = 0, seed = 1, step = 0 }:
  { B: number; L: number; firstItem?: number; stream?: number; seed?: number; step?: number },
): Promise<Float32Array> {
  const tape = new Tape();
  const z = tape.keep(noise(tape, { B, L, stream, firstItem }));
  const executable = await Executable.build(await gpuForTests(), planTape(tape));
  executable.run(noiseValues({ seed, step }));
  const values = await executable.read(z);
  executable.destroy();
  return values;
}

test('an item is the same alone, in a batch, and cut shorter, to the bit', async () => {
  const batch = await draw({ B: 3, L: 131, firstItem: 7 });
  assert.equal(await draw({ B: 1, L: 131, firstItem: 8 }), batch.slice(131, 262));
  assert.equal(await draw({ B: 1, L: 50, firstItem: 9 }), batch.slice(262, 312));
});

test('every part of the place matters', async () => {
  const of = { B: 1, L: 8, firstItem: 2, stream: 3, seed: 5, step: 4 };
  const base = await draw(of);
  for (const change of [{ firstItem: 3 }, { stream: 4 }, { seed: 6 }, { seed: 5 + 2 ** 32 }, { step: 5 }]) {
    const other = await draw({ ...of, ...change });
    assert.ok(other.every((z, i) => z !== base[i]), JSON.stringify(change));
  }
});

test('a quarter of a million of them are standard normal', async () => {
  const n = 2 ** 18;
  const z = await draw({ B: 1, L: n });
  const moment = (power: number): number => z.reduce((sum, value) => sum + value ** power, 0) / n;
  // six standard errors each: Var(z) = 1, Var(z²) = 2, Var(z³) = 15, Var(z⁴) = 96
  assert.ok(Math.abs(moment(1)) <= 6 * Math.sqrt(1 / n));
  assert.ok(Math.abs(moment(2) - 1) <= 6 * Math.sqrt(2 / n));
  assert.ok(Math.abs(moment(3)) <= 6 * Math.sqrt(15 / n));
  assert.ok(Math.abs(moment(4) - 3) <= 6 * Math.sqrt(96 / n));
});

test('what would wrap around at 2^32 is refused, and the last of everything is not', async () => {
  const last = 2 ** 32 - 1;
  assert.is((await draw({ B: 1, L: 4, firstItem: last, step: last, seed: 2 ** 53 - 1 })).length, 4);
  for (const beyond of [{ firstItem: last + 1 }, { B: 2, firstItem: last }, { step: last + 1 }, { step: -1 }, { step: 0.5 }, { seed: 2 ** 53 }, { seed: -1 }]) {
    const error = await draw({ B: 1, L: 4, ...beyond }).then(() => undefined, (reason: unknown) => reason);
    assert.instance(error, RangeError, JSON.stringify(beyond));
  }
});

test('a place is wanted for all of it', () => {
  const tape = new Tape();
  const into = tape.input('into', [2, 3]);
  assert.throws(() => noise(tape, { B: 2, L: 4, stream: 0, into }), /noise: wanted \(2, 4\), got into \(2, 3\)/);
});

test.run();
