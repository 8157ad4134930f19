/** Sound from its beginning on: to the bit what is made all at once. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PRESETS } from '../../../src/diffwave/presets.ts';
import { labelsTold } from '../../../src/diffwave/model/labels.ts';
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import type { FinishedStretch, SampleOptions } from '../../../src/diffwave/sampling/sampling.ts';
import { firstHeard, sample } from '../../../src/diffwave/sampling/sampling.ts';
import { inpaint, variation } from '../../../src/diffwave/sampling/verbs.ts';
import { firstShare, usualStretch, wavesOf } from '../../../src/diffwave/sampling/waves.ts';
import { gpuForTests } from '../../gpuForTests.ts';
import { clip, tinyConfig, tinyModel } from '../tiny.ts';

const test = suite('waves');

const L = 61; // a prime; the margin is 7
const shaping = { scale: 3, emphasis: 0.9 };

/** What came while the rest was being made, put together. */
async function inStretches(model: DiffWave, options: SampleOptions): Promise<{ stretches: FinishedStretch[]; audio: Float32Array[]; stepsBefore: number[] }> {
  const stretches: FinishedStretch[] = [];
  const stepsBefore: number[] = [];
  let steps = 0;
  const made = await sample(model, {
    ...options,
    onStep: (done) => {
      assert.is(done, ++steps);
    },
    onStretch(stretch) {
      assert.is(stretch.from, stretches.reduce((sum, { clips }) => sum + clips[0]!.length, 0));
      stretches.push({ from: stretch.from, clips: stretch.clips.map((each) => each.slice()) });
      stepsBefore.push(steps);
    },
  });
  const [B] = options.shape;
  const together = Array.from({ length: B }, (_, b) => Float32Array.from(stretches.flatMap(({ clips }) => [...clips[b]!])));
  assert.equal(together, made.audio);
  return { stretches, audio: made.audio, stepsBefore };
}

test('every stretch has the bits of the whole: samplers, borders at every place, clips shorter than a margin, batches, emphasis, labels over time', async () => {
  const labelled = { ...tinyConfig, ...shaping, conditioner: 'labels', labels: ['a', 'b'], labelWidth: 8 } as const;
  for (const config of [tinyConfig, { ...tinyConfig, ...shaping }, labelled]) {
    const model = await tinyModel(config);
    const told = config === labelled ? { told: labelsTold(labelled, { overTime: [{ sample: 0, labels: { a: 1 } }, { sample: 40, labels: { b: 1 } }], guidance: 2 }) } : {};
    for (const [name, options] of Object.entries<Partial<SampleOptions>>({
      ancestral: {}, ddim: { sampler: 'ddim', steps: 3, clamp: 1 }, 'dpm++': { sampler: 'dpm++', steps: 4 }, fast: { sampler: 'fast', betas: [0.1, 0.4] },
      'two clips': { shape: [2, L], firstItem: 3 }, short: { shape: [2, 5] },
      variation: { verb: variation({ audio: clip(L), strength: 0.6 }) },
    })) {
      const all: SampleOptions = { shape: [1, L], seed: 4, ...told, ...options };
      const whole = await sample(model, all);
      assert.ok(whole.audio.every((audio) => audio.some((value) => Math.abs(value) > 0.01)));
      for (const tileSamples of config === tinyConfig ? [3, 20, undefined] : [11]) { // every step begins 7 samples from the next
        const { audio, stretches } = await inStretches(model, { ...all, tileSamples });
        assert.equal(audio, whole.audio, `${name}, stretches of ${tileSamples}`);
        if (tileSamples) assert.is(stretches.length, Math.ceil(all.shape[1] / tileSamples));
      }
    }
    model.destroy();
  }
});

test('the first stretch is heard long before the last step is through, and no sample is predicted twice', async () => {
  const model = await tinyModel();
  const { stepsBefore } = await inStretches(model, { shape: [1, L], tileSamples: 6 });
  assert.equal([stepsBefore[0], stepsBefore.at(-1)], [0, 5]);
  assert.ok(firstHeard(model, { shape: [1, L], tileSamples: 6 }) < 0.4);
  model.destroy();
  for (const sizes of [{ L: 1000, steps: 7, halo: 31, width: 64 }, { L: 10, steps: 7, halo: 31, width: 64 }, { L: 999, steps: 1, halo: 0, width: 1 }]) {
    const reached = new Array<number>(sizes.steps).fill(0);
    let [first, work] = [0, 0];
    for (const { waves, finished } of wavesOf(sizes)) {
      for (const { step, part: [from, to] } of waves) {
        assert.is(from, reached[step], 'a step goes on where it ended');
        const above = step === 0 ? sizes.L : reached[step - 1]!;
        assert.ok(Math.min(sizes.L, to + sizes.halo) <= above, 'and sees only what the step above it has made');
        reached[step] = to;
        work += to - from;
      }
      assert.is(reached.at(-1), finished[1]);
      first ||= work;
    }
    assert.is(work, sizes.steps * sizes.L);
    assert.is(firstShare(sizes), first / work);
  }
});

test('a minute of music is heard after so much of the work', async () => {
  const shares = (['tiny', 'music'] as const).map((name) => {
    const { layers, sampleRate, diffusionSteps } = PRESETS[name].model;
    const halo = 2 ** layers - 1;
    const L = 60 * sampleRate;
    return firstShare({ L, halo, steps: diffusionSteps, width: usualStretch({ L, halo }) });
  });
  assert.equal(shares.map((share) => Number(share.toFixed(3))), [0.045, 0.268]); // docs/web.md says so
});

test('what is finished as a whole comes at once', async () => {
  const model = await tinyModel();
  const audio = clip(L);
  for (const options of [{ loop: true }, { verb: inpaint({ audio, from: 20, to: 50 }) }]) {
    const { stretches } = await inStretches(model, { shape: [1, L], tileSamples: 20, ...options });
    assert.is(stretches.length, 1);
    assert.is(firstHeard(model, { shape: [1, L], ...options }), 1);
  }
  const refused = await sample(model, { shape: [1, L], sequenceEvery: 1, onStretch() {} }).then(() => '', (error: Error) => error.message);
  assert.match(refused, /`sequenceEvery` shows x_t after a step, and `onStretch`/);
  model.destroy();
});

test('broken weights are said at the first stretch', async () => {
  const model = DiffWave.create(await gpuForTests(), tinyConfig);
  model.parameters.write(model.parameters.values, new Map([...await model.weights()].map(([name, values]) => [name, values.fill(NaN)])));
  let heard = 0;
  const refused = await sample(model, { shape: [1, L], tileSamples: 20, onStretch: () => void heard++ }).then(() => '', (error: Error) => error.message);
  assert.match(refused, /clip 0 came out as NaN/);
  assert.is(heard, 0);
  model.destroy();
});

test.run();
