/** Sampling against a walk in float64 with the same noise, and what it promises about seeds and batches. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DiffWave } from '../../src/diffwave/model.ts';
import type { Samples, SampleOptions } from '../../src/diffwave/sampling.ts';
import { sample } from '../../src/diffwave/sampling.ts';
import type { Variance } from '../../src/diffwave/schedule.ts';
import { noiseSchedule } from '../../src/diffwave/schedule.ts';
import { streams } from '../../src/diffwave/streams.ts';
import { UserError } from '../../src/errors.ts';
import { networkForward } from '../../src/reference/network.ts';
import { normals } from '../../src/reference/random.ts';
import { reverseStep } from '../../src/reference/reverse.ts';
import { assertClose, largest } from '../close.ts';
import { tinyConfig, tinyModel } from './tiny.ts';

const test = suite('sampling');

const T = tinyConfig.diffusionSteps;

async function withModel<R>(use: (model: DiffWave) => Promise<R>): Promise<R> {
  const model = await tinyModel();
  try {
    return await use(model);
  } finally {
    model.destroy();
  }
}

const run = (options: SampleOptions): Promise<Samples> => withModel((model) => sample(model, options));

/** x_T, …, x_0 of one clip by the reference: network, normals and reverse step in float64. */
async function walk({ L, seed, item, variance }: {
  L: number; seed: number; item: number; variance: Variance;
}): Promise<Float64Array[]> {
  const weights = await withModel((model) => model.weights());
  const parameters = new Map([...weights].map(([name, values]) => [name, Float64Array.from(values)]));
  const schedule = noiseSchedule({ ...tinyConfig, steps: T });
  const sigma = schedule.sigma(variance);
  let x = normals({ seed, stream: streams.start, step: 0, item, length: L });
  const sequence = [x];
  for (let t = T - 1; t >= 0; t--) {
    const { predicted } = networkForward({ config: tinyConfig, parameters, noisy: x, t: [t], B: 1, L });
    x = reverseStep({
      noisy: x,
      predicted,
      noise: normals({ seed, stream: streams.reverse, step: t, item, length: L }),
      inverseSqrtAlpha: schedule.inverseSqrtAlpha[t],
      noiseCoefficient: schedule.noiseCoefficient[t],
      sigma: sigma[t],
    });
    sequence.push(x);
  }
  return sequence;
}

// A few steps of a network that is right to 1e-6 of its largest value, whose errors the next steps multiply.
const tolerance = 1e-4;

for (const variance of ['beta', 'posterior'] as const) {
  test(`ancestral sampling: every x_t is that of Ho et al.'s algorithm 2 in float64, variance ${variance}`, async () => {
    const [L, seed, firstItem] = [29, 2 ** 40 + 7, 6];
    const { audio, sequence } = await run({ shape: [2, L], seed, variance, firstItem, sequenceEvery: 1 });
    assert.equal(sequence!.map(({ left }) => left), [5, 4, 3, 2, 1, 0]);
    for (const b of [0, 1]) {
      const wanted = await walk({ L, seed, item: firstItem + b, variance });
      wanted.forEach((want, i) => {
        assertClose(sequence![i].clips[b], want, { atol: tolerance * largest(want), what: `clip ${b}, x_${T - i}` });
      });
      assert.equal(audio[b], sequence!.at(-1)!.clips[b]);
    }
  });
}

test('the same seed gives the same bits, another seed another clip', async () => {
  const options = { shape: [1, 41], seed: 4 } as const;
  const [first, again, other] = [await run(options), await run(options), await run({ ...options, seed: 5 })];
  assert.equal(first.audio, again.audio);
  assert.not.equal(first.audio, other.audio);
  assert.is(first.sequence, undefined);
});

test('clip n is the same alone and in a batch, to the bit', async () => {
  const options = { seed: 1, sequenceEvery: 1 };
  const batch = await run({ ...options, shape: [3, 23] });
  for (const n of [0, 1, 2]) {
    const alone = await run({ ...options, shape: [1, 23], firstItem: n });
    assert.equal(alone.sequence!.map(({ clips }) => clips[0]), batch.sequence!.map(({ clips }) => clips[n]), `clip ${n}`);
  }
});

test('any length, from one sample to many times the receptive field', async () => {
  for (const L of [1, 2, 1000]) {
    const { audio, peakBytes } = await run({ shape: [1, L] });
    assert.is(audio[0].length, L);
    assert.ok(audio[0].every(Number.isFinite));
    assert.ok(peakBytes >= L * 4);
  }
});

test('progress is told after every step, and throwing stops the walk', async () => {
  const told: string[] = [];
  await run({ shape: [1, 9], onStep: (done, total) => void told.push(`${done}/${total}`) });
  assert.equal(told, ['1/5', '2/5', '3/5', '4/5', '5/5']);
  const stop = (done: number): void => {
    if (done === 2) throw new Error('enough');
  };
  assert.is(await messageOf(run({ shape: [1, 9], onStep: stop })), 'enough');
});

test('what cannot be sampled is refused', async () => {
  assert.match(
    await messageOf(run({ shape: [0, 9] })),
    /UserError: sample: wanted a positive whole number for B, got 0/,
  );
  assert.match(
    await messageOf(run({ shape: [1, 2.5] })),
    /UserError: sample: wanted a positive whole number for L, got 2.5/,
  );
  assert.match(
    await messageOf(run({ shape: [1, 9], steps: T + 1 })),
    /UserError: wanted 1 to 5 steps, as many as the network was trained with, got 6/,
  );
});

test('broken weights are not returned as sound', async () => {
  const message = await withModel(async (model) => {
    const weights = await model.weights();
    weights.get('output_projection.bias')!.fill(NaN);
    model.parameters.write(model.parameters.values, weights);
    return messageOf(sample(model, { shape: [2, 9], firstItem: 3 }));
  });
  assert.match(message, /UserError: clip 3 came out as NaN or infinity/);
});

async function messageOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(() => new Error('nothing was thrown'), (reason: Error) => reason);
  return error instanceof UserError ? `UserError: ${error.message}` : error.message;
}

test.run();
