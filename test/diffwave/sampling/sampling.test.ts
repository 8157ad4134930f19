/** Sampling against a walk in float64 with the same noise, and what it promises about seeds and batches. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DiffWave } from '../../../src/diffwave/model/model.ts';
import type { Samples, SampleOptions } from '../../../src/diffwave/sampling/sampling.ts';
import { sample } from '../../../src/diffwave/sampling/sampling.ts';
import type { SamplerOptions } from '../../../src/diffwave/sampling/samplers/choose.ts';
import { chooseSampler } from '../../../src/diffwave/sampling/samplers/choose.ts';
import type { Level } from '../../../src/diffwave/schedule/level.ts';
import { noiseSchedule } from '../../../src/diffwave/schedule/schedule.ts';
import { startTaps } from '../../../src/diffwave/sampling/start.ts';
import { streams } from '../../../src/diffwave/streams.ts';
import { variation } from '../../../src/diffwave/sampling/verbs.ts';
import { UserError } from '../../../src/errors.ts';
import { fir } from '../../../src/reference/fir.ts';
import { networkForward } from '../../../src/reference/network.ts';
import { normals } from '../../../src/reference/random.ts';
import type { ReferenceWalk } from '../../../src/reference/samplers.ts';
import { ancestralWalk, ddimWalk, dpmSolverWalk } from '../../../src/reference/samplers.ts';
import { assertClose, largest } from '../../close.ts';
import { tinyConfig, tinyModel } from '../tiny.ts';

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

type Truth = (walk: ReferenceWalk) => Float64Array[];

/** x at every level of one clip by the reference: network, normals and the papers' updates in float64. */
async function truth({ L, seed, item, levels, walk }: {
  L: number; seed: number; item: number; levels: readonly Level[]; walk: Truth;
}): Promise<Float64Array[]> {
  const weights = await withModel((model) => model.weights());
  const parameters = new Map([...weights].map(([name, values]) => [name, Float64Array.from(values)]));
  return walk({
    alphaBar: levels.map(({ alphaBar }) => alphaBar),
    t: levels.map(({ t }) => t),
    start: normals({ seed, stream: streams.start, step: 0, item, length: L }),
    predict: (noisy, t) => networkForward({ config: tinyConfig, parameters, noisy, t: [t], B: 1, L }).predicted,
    noise: (i) => normals({ seed, stream: streams.reverse, step: i, item, length: L }),
  });
}

// A few steps of a network that is right to 1e-6 of its largest value, whose errors the next steps multiply.
const tolerance = 1e-4;

const WALKS: { name: string; options: SamplerOptions; walk: Truth }[] = [
  { name: 'ancestral, β', options: {}, walk: (walk) => ancestralWalk({ ...walk, variance: 'beta' }) },
  { name: 'ancestral, β̃', options: { variance: 'posterior' }, walk: (walk) => ancestralWalk({ ...walk, variance: 'posterior' }) },
  { name: 'ancestral, 3 steps', options: { steps: 3 }, walk: (walk) => ancestralWalk({ ...walk, variance: 'beta' }) },
  { name: 'DDIM', options: { sampler: 'ddim' }, walk: (walk) => ddimWalk({ ...walk, eta: 0 }) },
  { name: 'DDIM, η 0.7, 4 steps', options: { sampler: 'ddim', eta: 0.7, steps: 4 }, walk: (walk) => ddimWalk({ ...walk, eta: 0.7 }) },
  { name: 'DPM-Solver++', options: { sampler: 'dpm++' }, walk: dpmSolverWalk },
  { name: 'DPM-Solver++, 3 steps', options: { sampler: 'dpm++', steps: 3, spacing: 'log-snr' }, walk: dpmSolverWalk },
  { name: 'fast', options: { sampler: 'fast', betas: [0.06, 0.2, 0.3] }, walk: (walk) => ancestralWalk({ ...walk, variance: 'posterior' }) },
];

for (const { name, options, walk } of WALKS) {
  test(`${name}: every x_t is that of the paper's walk in float64`, async () => {
    const [L, seed, firstItem] = [29, 2 ** 40 + 7, 6];
    const { levels } = chooseSampler(options, noiseSchedule({ ...tinyConfig, steps: T }));
    const { audio, sequence } = await run({ ...options, shape: [2, L], seed, firstItem, sequenceEvery: 1 });
    assert.equal(sequence!.map(({ left }) => left), [...levels.keys(), levels.length].reverse());
    for (const b of [0, 1]) {
      const wanted = await truth({ L, seed, item: firstItem + b, levels, walk });
      wanted.forEach((want, i) => {
        assertClose(sequence![i]!.clips[b]!, want, { atol: tolerance * largest(want), what: `clip ${b}, after ${i} steps` });
      });
      assert.equal(audio[b], sequence!.at(-1)!.clips[b]);
    }
  });
}

test('a network that predicts v walks as one that predicts the ε which that implies', async () => {
  const [L, seed] = [29, 3];
  const config = { ...tinyConfig, prediction: 'v' } as const;
  const model = await tinyModel(config);
  const { levels } = chooseSampler({}, noiseSchedule({ ...tinyConfig, steps: T }));
  for (const [options, walk] of [[{ sampler: 'ddim' }, WALKS[3]!.walk], [{ sampler: 'dpm++' }, dpmSolverWalk]] as const) {
    const { audio } = await sample(model, { shape: [1, L], seed, ...options });
    const epsilonOf = (reference: ReferenceWalk): ReferenceWalk => ({
      ...reference,
      predict(x, t) { // ε = √ᾱ·v + √(1−ᾱ)·x
        const { alphaBar } = levels[t]!;
        return reference.predict(x, t).map((v, i) => Math.sqrt(alphaBar) * v + Math.sqrt(1 - alphaBar) * x[i]!);
      },
    });
    const wanted = await truth({ L, seed, item: 0, levels, walk: (reference) => walk(epsilonOf(reference)) });
    assertClose(audio[0]!, wanted.at(-1)!, { atol: tolerance * largest(wanted.at(-1)!), what: options.sampler });
  }
  model.destroy();
});

test('x̂_0 is clamped, x_t is not', async () => {
  const [L, clamp] = [41, 0.05];
  const { sequence } = await run({ shape: [1, L], clamp, sequenceEvery: 1 });
  assert.ok(largest(sequence!.at(-1)!.clips[0]!) <= clamp * (1 + 1e-6)); // the last x is x̂_0
  assert.ok(sequence!.slice(0, -1).every(({ clips }) => largest(clips[0]!) > 2 * clamp));
  const free = await run({ shape: [1, L] });
  assert.ok(largest(free.audio[0]!) > clamp);
  assert.equal((await run({ shape: [1, L], clamp: 1e6 })).audio, free.audio);
});

test('the sequence has every k-th step, and both ends', async () => {
  const left = async (sequenceEvery: number): Promise<number[]> =>
    (await run({ shape: [1, 9], sequenceEvery })).sequence!.map((snapshot) => snapshot.left);
  assert.equal(await left(2), [5, 3, 1, 0]);
  assert.equal(await left(5), [5, 0]);
  assert.equal(await left(100), [5, 0]);
  const told: number[] = [];
  const { sequence } = await run({ shape: [1, 9], sequenceEvery: 2, onWaypoint: (waypoint) => void told.push(waypoint.left) });
  assert.equal(told, sequence!.map((waypoint) => waypoint.left), 'each as soon as it is there');
});

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
    assert.is(audio[0]!.length, L);
    assert.ok(audio[0]!.every(Number.isFinite));
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

test('a shaped start: x_T of the filter\'s noise, for the level that sampling begins at', async () => {
  const spectrum = Float32Array.of(4, 2, 1, 0.5, 0.25);
  const [L, seed, firstItem] = [53, 3, 2];
  for (const [steps, loop] of [[T, false], [3, false], [T, true]] as const) {
    const { sequence } = await withModel((model) => {
      model.spectrum = spectrum;
      return sample(model, { shape: [2, L], seed, firstItem, steps, loop, start: 'shaped', sequenceEvery: 100 });
    });
    const { levels } = chooseSampler({ steps }, noiseSchedule({ ...tinyConfig, steps: T }));
    const taps = Float64Array.from(startTaps({ spectrum, alphaBar: levels.at(-1)!.alphaBar }));
    for (const b of [0, 1]) {
      const white = normals({ seed, stream: streams.shapedStart, step: 0, item: firstItem + b, length: L + taps.length - 1 });
      const want = fir({ noise: loop ? white.map((_, i) => white[i % L]!) : white, taps });
      assertClose(sequence![0]!.clips[b]!, want, { atol: 1e-5, what: `x_T of clip ${b} in ${steps} steps` });
    }
  }
});

test('a shaped start is refused where nothing can shape it', async () => {
  assert.match(
    await messageOf(run({ shape: [1, 9], start: 'shaped' })),
    /^UserError: a shaped start needs the spectrum of the training data, which these weights do not have: .* `resume` adds it$/,
  );
  const verb = variation({ audio: new Float32Array(9), strength: 0.5 });
  assert.match(await messageOf(run({ shape: [1, 9], start: 'shaped', verb })), /UserError: a shaped start is for sampling from noise/);
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

test('the last clip that has a number is made, and the one after it is not clip 0 again under another name', async () => {
  const last = 2 ** 32 - 1;
  const [made] = (await run({ shape: [1, 9], firstItem: last })).audio;
  assert.not.equal(made, (await run({ shape: [1, 9] })).audio[0]);
  for (const [B, firstItem] of [[1, last + 1], [2, last], [1, -1], [1, 0.5]] as const) {
    assert.match(await messageOf(run({ shape: [B, 9], firstItem })), /^UserError: sample: clips are numbered from 0 to 4294967295/);
  }
  for (const seed of [-1, 0.5, 2 ** 53, NaN]) assert.match(await messageOf(run({ shape: [1, 9], seed })), /^UserError: sample: `seed` must be/);
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
