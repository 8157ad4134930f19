/** Sound out of spectrograms: whole and in tiles, in training's memory modes, and what is refused. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MelSpectrogram } from '../../../src/audio/melSpectrogram.ts';
import { Executable } from '../../../src/autograd/executable.ts';
import { planTape } from '../../../src/autograd/plan.ts';
import { Tape } from '../../../src/autograd/tape.ts';
import type { Keeps } from '../../../src/autograd/operation.ts';
import { conditioningOf } from '../../../src/diffwave/model/conditioning.ts';
import { melSpectrogramOf, melTold } from '../../../src/diffwave/model/mels.ts';
import type { DiffWave } from '../../../src/diffwave/model/model.ts';
import { Denoiser, predictNoise } from '../../../src/diffwave/sampling/denoiser.ts';
import { sample } from '../../../src/diffwave/sampling/sampling.ts';
import { BatchSource } from '../../../src/diffwave/training/batches.ts';
import { UserError } from '../../../src/errors.ts';
import { loss } from '../../../src/ops/loss.ts';
import { noise } from '../../audio/helpers.ts';
import { largest } from '../../close.ts';
import { clip, tinyConfig, tinyModel } from '../tiny.ts';

const test = suite('mels');

const melConfig = { ...tinyConfig, conditioner: 'mel', melBands: 8, hopSamples: 16, sampleRate: 8000 } as const;
const L = 16 * 9;
const isUserError = (pattern: RegExp) => (error: Error) => error instanceof UserError && pattern.test(error.message) && !error.message.includes('\n');

async function withModel<R>(use: (model: DiffWave) => Promise<R> | R): Promise<R> {
  const model = await tinyModel(melConfig);
  try {
    return await use(model);
  } finally {
    model.destroy();
  }
}

const sound = noise(L + 5).map((value) => 0.3 * value);
const told = melTold(melConfig, melSpectrogramOf(melConfig, sound));

test('a sound has as many frames as whole hops, and a clip as many samples', async () => {
  assert.is(told.numbers.length, 9 * 8);
  assert.is(melSpectrogramOf(melConfig, sound.slice(0, 3)).frames, 1);
  await withModel(async (model) => {
    const { audio } = await sample(model, { shape: [2, L], told, seed: 3 });
    assert.equal(audio.map((each) => each.length), [L, L]);
    assert.ok(largest(audio[0]!.map((value, i) => value - audio[1]![i]!)) > 0.01, 'two clips of one spectrogram are two');
  });
});

test('the prediction depends on the spectrogram, and in tiles it is that of the whole to the bit', async () => {
  await withModel(async (model) => {
    const noisy = clip(2 * L);
    const whole = await predictNoise(model, noisy, { t: [1, 3], told });
    const silence = await predictNoise(model, noisy, { t: [1, 3], told: melTold(melConfig, melSpectrogramOf(melConfig, new Float32Array(L))) });
    const difference = largest(whole.map((value, i) => value - silence[i]!)) / largest(whole);
    assert.ok(difference > 1e-3, String(difference));
    for (const tileSamples of [1, 7, 16, 50]) {
      using denoiser = await Denoiser.create({ model, B: 2, L, told, tileSamples });
      assert.ok(denoiser.windows.length > 1, `${tileSamples}`);
      denoiser.write(noisy);
      await denoiser.predict([1, 3]);
      assert.equal(await denoiser.readPredicted(), whole, `tiles of ${tileSamples}`);
    }
    const inOne = await sample(model, { shape: [1, L], told });
    for (const tileSamples of [13, 48]) {
      const { audio } = await sample(model, { shape: [1, L], told, tileSamples });
      assert.equal(audio, inOne.audio, `a sample in tiles of ${tileSamples}`);
    }
  });
});

test('a hop of two different factors, one of them odd, is upsampled to as many samples, in tiles as in the whole', async () => {
  const config = { ...melConfig, hopSamples: 15 };
  const model = await tinyModel(config);
  try {
    assert.equal(['conv1', 'conv2'].map((conv) => model.parameters.value(`spectrogram_upsampler.${conv}.weight`).shape[0]), [6, 10]);
    const mel = melSpectrogramOf(config, sound);
    const shape = [1, mel.frames * 15] as const;
    const whole = await sample(model, { shape, told: melTold(config, mel) });
    const inTiles = await sample(model, { shape, told: melTold(config, mel), tileSamples: 13 });
    assert.equal(inTiles.audio, whole.audio);
  } finally {
    model.destroy();
  }
});

test('gradients are the same whether activations are kept or computed again', async () => {
  await withModel(async ({ gpu, network, parameters }) => {
    const gradients = async (keeps: Keeps): Promise<Map<string, Float32Array>> => {
      const tape = new Tape({ parameters, variant: gpu.variant, keeps });
      const [noisy, wanted, t] = [tape.input('noisy', [2, L]), tape.input('wanted', [2, L]), tape.input('t', [2])];
      const condition = tape.input('condition', [2, 9, 8]);
      tape.backward(loss(tape, { predicted: network.record(tape, { noisy, t, condition }), wanted, kind: 'mse' }));
      using executable = await Executable.build(gpu, planTape(tape));
      executable.write(noisy, clip(2 * L));
      executable.write(wanted, clip(2 * L).reverse());
      executable.write(t, Float32Array.of(0, 2));
      executable.write(condition, Float32Array.from([...told.numbers, ...told.numbers].reverse()));
      executable.run();
      return parameters.read(parameters.gradients);
    };
    const [kept, again] = [await gradients('activations'), await gradients('layerInputs')];
    for (const [name, values] of kept) assert.equal(again.get(name), values, name);
    for (const name of ['spectrogram_upsampler.conv1.weight', 'residual_layers.0.conditioner_projection.weight', 'residual_layers.1.conditioner_projection.bias']) {
      assert.ok(largest(kept.get(name)!) > 0, name);
    }
  });
});

test('crops lie on the hop, and their frames are those of the whole clip, as loud as the crop', () => {
  const clips = { clipCount: 3, clipSamples: 16 * 20 + 3, clip: (i: number) => noise(16 * 20 + 3, i + 1).map((value) => 0.5 * value) };
  const conditioning = conditioningOf(melConfig)!;
  const options = { B: 3, L: 16 * 4, T: 4, seed: 5, conditioning };
  const mel = new MelSpectrogram(melConfig);
  const starts = new Set<number>();
  for (const gainDb of [0, 12]) {
    const batches = new BatchSource(clips, { ...options, gainDb });
    for (let step = 0; step < 10; step++) {
      const { audio, condition } = batches.at(step);
      for (let item = 0; item < 3; item++) {
        const crop = audio.subarray(item * 64, (item + 1) * 64);
        const found = [0, 1, 2].flatMap((i) => Array.from({ length: 17 }, (_, first) => ({ i, first }))).map(({ i, first }) => {
          const there = clips.clip(i).subarray(first * 16, first * 16 + 64);
          const gain = crop[7]! / there[7]!;
          return { i, first, gain, error: largest(crop.map((value, n) => value - gain * there[n]!)) };
        }).sort((a, b) => a.error - b.error)[0]!;
        assert.ok(found.error < 1e-6);
        starts.add(found.first);
        const wanted = mel.of(clips.clip(found.i).map((value) => found.gain * value), { first: found.first, count: 4 });
        const got = condition!.subarray(item * 32, (item + 1) * 32);
        assert.ok(largest(wanted.map((value, n) => value - got[n]!)) < 1e-5, `gain ${found.gain}`);
      }
    }
  }
  assert.ok(starts.size > 5);
});

test('what cannot be is refused in one line', async () => {
  const mel = melSpectrogramOf(melConfig, sound);
  assert.throws(() => melTold(melConfig, { ...mel, bands: 12, frames: 6 }), isUserError(/12 bands, and this network wants 8/));
  assert.throws(() => melTold(melConfig, { ...mel, frames: 0, values: new Float32Array() }), isUserError(/0 frames/));
  assert.throws(() => melTold(melConfig, { ...mel, values: mel.values.map((value, i) => (i === 9 ? NaN : value)) }), isUserError(/NaN in frame 1, band 1/));
  assert.throws(() => melTold(melConfig, { ...mel, values: mel.values.map((value) => 20 * value - 11) }), isUserError(/from 0 .* to 1/));
  assert.throws(() => melTold(tinyConfig, mel), isUserError(/no sound from spectrograms/));
  await withModel(async (model) => {
    const refuses = async (options: object, message: RegExp): Promise<void> => {
      const error = await sample(model, { shape: [1, L], told, ...options }).then(() => undefined, (reason: unknown) => reason);
      assert.ok(isUserError(message)(error as Error), String(error));
    };
    await refuses({ told: undefined }, /must be told, such as a spectrogram/);
    await refuses({ shape: [1, L + 16] }, /must have 80 numbers, and has 72/);
    await refuses({ shape: [1, L + 1] }, /multiple of 16 samples/);
    await refuses({ loop: true }, /cannot be a `loop`/);
    await refuses({ told: { ...told, guidance: 2 } }, /guidance needs a network/);
    await refuses({ told: { numbers: told.numbers, places: [0] } }, /has no `places`/);
  });
  assert.throws(() => conditioningOf(melConfig)!.shape(100), isUserError(/multiple of 16 samples, its hop, not 100/));
});

test.run();
