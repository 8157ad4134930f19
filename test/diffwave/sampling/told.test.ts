/** What a network is told while it samples: labels, mixtures, guidance, labels along the clip, in one piece and in tiles. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tape } from '../../../src/autograd/tape.ts';
import type { Told } from '../../../src/diffwave/model/contract.ts';
import { labelsTold } from '../../../src/diffwave/model/labels.ts';
import type { DiffWave } from '../../../src/diffwave/model/model.ts';
import { predictNoise } from '../../../src/diffwave/sampling/denoiser.ts';
import { sample, samplingMemory } from '../../../src/diffwave/sampling/sampling.ts';
import { recordTold } from '../../../src/diffwave/sampling/told.ts';
import { inpaint } from '../../../src/diffwave/sampling/verbs.ts';
import { UserError } from '../../../src/errors.ts';
import { largest } from '../../close.ts';
import { clip, tinyConfig, tinyModel } from '../tiny.ts';

const test = suite('told');

const labelConfig = { ...tinyConfig, conditioner: 'labels', labels: ['blues', 'jazz', 'metal'], labelWidth: 6 } as const;
const L = 60;

async function withModel<R>(use: (model: DiffWave) => Promise<R> | R, config: typeof tinyConfig = labelConfig): Promise<R> {
  const model = await tinyModel(config);
  try {
    return await use(model);
  } finally {
    model.destroy();
  }
}

const told = (options: Parameters<typeof labelsTold>[1]): Told => labelsTold(labelConfig, options);
const jazz = told({ labels: { jazz: 1 } });
const isUserError = (pattern: RegExp) => (error: Error) => error instanceof UserError && pattern.test(error.message);

test('shares add up to 1, and none is the last', () => {
  assert.equal([...told({ labels: { metal: 3, blues: 1 } }).numbers], [0.25, 0, 0.75, 0]);
  assert.equal([...told({ labels: { none: 1 } }).numbers], [0, 0, 0, 1]);
  assert.equal(told({ overTime: [{ sample: 5, labels: { jazz: 1 } }, { sample: 9, labels: { none: 1 } }] }).places, [5, 9]);
});

test('a label changes what is predicted, none is what is told by default, and shares mix the conditions', async () => {
  await withModel(async (model) => {
    const noisy = clip(2 * L);
    const predict = (of?: Told) => predictNoise(model, noisy, { t: [1, 3], told: of });
    const [none, asked, blues] = [await predict(), await predict(told({ labels: { none: 1 } })), await predict(told({ labels: { blues: 1 } }))];
    assert.equal(none, asked);
    const size = largest(none);
    const difference = (a: Float32Array, b: Float32Array) => largest(a.map((value, i) => value - b[i]!)) / size;
    assert.ok(difference(none, blues) > 0.01);
    assert.ok(difference(blues, await predict(jazz)) > 0.01);
    const mixture = await predict(told({ labels: { blues: 1, jazz: 1 } }));
    const throughout = await predict(told({ overTime: [{ sample: 0, labels: { blues: 1, jazz: 1 } }] }));
    assert.ok(difference(mixture, throughout) < 1e-6, 'a timeline with one place is that label throughout');
    assert.ok(difference(mixture, blues) > 0.001);
  });
});

test('guidance goes from what is predicted without the label through what is predicted with it, and beyond', async () => {
  await withModel(async (model) => {
    const noisy = clip(L);
    const predict = (of?: Told) => predictNoise(model, noisy, { t: [2], told: of });
    const [none, label] = [await predict(), await predict(jazz)];
    for (const guidance of [0, 1, 2.5, -1]) {
      const got = await predict(told({ labels: { jazz: 1 }, guidance }));
      const wanted = none.map((value, i) => value + guidance * (label[i]! - value));
      assert.ok(largest(got.map((value, i) => value - wanted[i]!)) <= 1e-5 * largest(wanted), `w ${guidance}`);
    }
  });
});

test('w = 1 asks the network once, as no label does, and another w twice', async () => {
  await withModel(({ network, parameters, gpu }) => {
    const convolutions = (guidance?: number): number => {
      const tape = new Tape({ parameters, variant: gpu.variant, keeps: 'nothing' });
      const input = { noisy: tape.input('noisy', [1, L]), t: tape.input('t', [1]) };
      recordTold(tape, network, input, { told: guidance === undefined ? undefined : told({ labels: { jazz: 1 }, guidance }), clipSamples: L });
      return tape.operations.filter(({ kernel }) => /^(conv1d|residualLayer)/.test(kernel.shader)).length;
    };
    assert.is(convolutions(1), convolutions());
    assert.is(convolutions(0), convolutions());
    assert.is(convolutions(2) - 2 * convolutions(1), 0);
  });
});

for (const loop of [false, true]) {
  test(`labels along ${loop ? 'a loop' : 'a clip'}, with guidance: tiles change no bit`, async () => {
    await withModel(async (model) => {
      const way = told({ overTime: [{ sample: 7, labels: { blues: 1 } }, { sample: 40, labels: { metal: 2, jazz: 1 } }, { sample: 52, labels: { none: 1 } }], guidance: 2 });
      const make = async (tileSamples?: number) => (await sample(model, { shape: [2, L], seed: 1, told: way, loop, tileSamples })).audio;
      const whole = await make();
      assert.equal(await make(13), whole);
      assert.equal(await make(1), whole);
      const [first] = (await sample(model, { shape: [1, L], seed: 1, told: way, loop })).audio;
      assert.equal(whole[0], first);
      const other = (await sample(model, { shape: [1, L], seed: 1, told: told({ labels: { blues: 1 }, guidance: 2 }), loop })).audio[0]!;
      assert.is.not(other[30], first![30]);
    });
  });
}

test('verbs are told as well, and memory is counted for both predictions', async () => {
  await withModel(async (model) => {
    const verb = inpaint({ audio: clip(L), from: 20, to: 30 });
    const make = async (of?: Told) => (await sample(model, { shape: [1, L], verb, told: of })).audio[0]!;
    assert.is.not((await make())[25], (await make(jazz))[25]);
    const bytes = (of?: Told) => samplingMemory(model, { shape: [1, L], told: of }).tile;
    assert.ok(bytes(told({ labels: { jazz: 1 }, guidance: 3 })) > bytes(jazz));
  });
});

test('what a network cannot be told is refused in a line', async () => {
  for (const [options, pattern] of [
    [{ labels: { polka: 1 } }, /^there is no label "polka": this network knows blues, jazz, metal, none$/],
    [{ labels: { jazz: -1 } }, /^the share of the label "jazz" must be/],
    [{ labels: { jazz: 0 } }, /^the share of the label "jazz" must be/],
    [{ labels: { jazz: NaN } }, /^the share of the label "jazz" must be/],
  ] as const) assert.throws(() => told(options), isUserError(pattern));
  assert.throws(() => labelsTold(tinyConfig, { labels: { jazz: 1 } }), isUserError(/^this network has no labels/));
  const refused = (config: typeof tinyConfig, of: Told | undefined, pattern: RegExp) =>
    withModel((model) => sample(model, { shape: [1, L], told: of }), config).then(() => assert.unreachable(), (error) => assert.ok(isUserError(pattern)(error), error.message));
  await refused(tinyConfig, jazz, /^this network was trained without labels/);
  await refused(labelConfig, { numbers: new Float32Array(3) }, /must have 4 numbers, and has 3$/);
  await refused(labelConfig, { ...jazz, guidance: NaN }, /guidance must be a number, got NaN$/);
  for (const places of [[5, 5], [-1, 4], [0.5, 1]]) {
    await refused(labelConfig, { numbers: new Float32Array(8), places }, /places must be whole samples from 0, each after the one before/);
  }
  const always = { ...labelConfig, alwaysLabelled: true };
  await refused(always, { ...jazz, guidance: 2 }, /^guidance needs a network that was also trained without/);
  await refused(always, undefined, /that it must be told/);
  assert.throws(() => labelsTold(always, { labels: { none: 1 } }), isUserError(/^there is no label "none": this network knows blues, jazz, metal$/));
});

test.run();
