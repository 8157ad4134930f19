/**
 * `npm run bench:vocoder`: how well a small vocoder that was trained on one recording follows that recording's spectrogram, and how well
 * Griffin and Lim's algorithm follows the same.
 */
import { MelSpectrogram } from '../src/audio/melSpectrogram.ts';
import { spectrogram } from '../src/audio/spectrogram.ts';
import type { Weights } from '../src/diffwave/model/contract.ts';
import type { DiffWaveConfig } from '../src/diffwave/model/config.ts';
import { configFor } from '../src/diffwave/model/config.ts';
import { melSpectrogramOf, melTold } from '../src/diffwave/model/mels.ts';
import { DiffWave } from '../src/diffwave/model/model.ts';
import { PRESETS } from '../src/diffwave/presets.ts';
import type { SamplerOptions } from '../src/diffwave/sampling/samplers/choose.ts';
import { sample } from '../src/diffwave/sampling/sampling.ts';
import { trainingOver } from '../src/diffwave/training/learningRate.ts';
import { train } from '../src/diffwave/training/loop.ts';
import { openGpu } from '../scripts/lib/adapter/openGpu.ts';
import { command } from '../scripts/lib/cli/command.ts';
import { inPackage } from '../scripts/lib/cli/invocation.ts';
import { progressLine } from '../scripts/lib/report/lines.ts';
import { loadSound } from '../scripts/lib/sample/input.ts';
import { griffinLim } from './lib/griffinLim.ts';
import { appendResults, digits, table } from './lib/report.ts';

/** Quieter than this nothing is heard beside the music. */
const floorDb = -80;

/** Sounds of each kind, of other noise or other phases. */
const sounds = 3;

await command({
  name: 'bench:vocoder',
  summary: 'trains a small vocoder on one recording and compares what it makes of its spectrogram with Griffin and Lim',
  flags: {
    sound: { type: 'string', placeholder: '<wav>', help: 'the recording (one of music/)' },
    from: { type: 'number', default: 5, min: 0, help: 'seconds from its beginning' },
    seconds: { type: 'number', default: 2, above: 0, help: 'of it' },
    steps: { type: 'integer', default: 4000, min: 10, help: 'updates' },
    prediction: { type: 'string', choices: ['epsilon', 'v'], default: 'epsilon', help: 'what the network predicts; v on a cosine schedule that ends in noise alone' },
    channels: { type: 'integer', default: 16, min: 4, help: 'of the network' },
  },
}).does(async ({ flags }) => {
  const wanted: DiffWaveConfig = {
    ...PRESETS.tiny.model, channels: flags.channels, loss: 'l1', conditioner: 'mel', melBands: 40, hopSamples: 64,
    ...(flags.prediction === 'v' && { schedule: 'cosine', prediction: 'v', zeroTerminalSnr: true }),
  };
  const { sampleRate, hopSamples, melBands } = { hopSamples: 64, melBands: 40, ...wanted };
  const { samples } = await loadSound(flags.sound ?? inPackage('music/genres_original/country/country.00000.wav'), { sampleRate, downsample: 3 });
  const from = Math.round(flags.from * sampleRate);
  const L = Math.floor((flags.seconds * sampleRate) / hopSamples) * hopSamples;
  const original = samples.slice(from, from + L);
  const training = trainingOver(flags.steps, { ...PRESETS.tiny.training, batchSize: 4, cropSamples: 1024, emaDecay: 0.999 });
  const dataset = { clipCount: training.batchSize, clipSamples: L, sampleRate, clip: () => original };
  const config = configFor(wanted, dataset);
  const gpu = await openGpu({ tune: true, model: config });
  const model = DiffWave.create(gpu, config);
  let average: Weights | undefined;
  const last = await train(model, {
    dataset, training, steps: flags.steps, printEvery: 100, saveEvery: flags.steps,
    onProgress: (progress) => console.log(progressLine(progress, flags.steps)),
    onSave: (state) => { average = state.average; },
  });
  if (average) model.parameters.write(model.parameters.values, average);

  const mel = melSpectrogramOf(config, original);
  const frontEnd = new MelSpectrogram({ sampleRate, hopSamples, melBands });
  const told = melTold(config, mel);
  const made = async (sampler: SamplerOptions): Promise<Float32Array[]> => {
    const each: Float32Array[] = [];
    for (let seed = 0; seed < sounds; seed++) each.push((await sample(model, { shape: [1, L], told, seed, ...sampler })).audio[0]!);
    return each;
  };
  const phases = (iterations: number): Float32Array[] =>
    Array.from({ length: sounds }, (_, seed) => griffinLim(frontEnd, { values: mel.values, iterations, seed }));
  const kinds = {
    'vocoder, ddpm (posterior)': await made({ variance: 'posterior' }), 'vocoder, dpm++, 20 steps': await made({ sampler: 'dpm++', steps: 20 }),
    'Griffin-Lim, 100 steps': phases(100), 'Griffin-Lim, 32 steps': phases(32), 'phases at random': phases(0),
  };
  const rows = Object.entries(kinds).map(([kind, each]) => ({
    kind, prediction: flags.prediction, channels: config.channels, layers: config.layers, updates: last?.step, loss: last?.recent.loss, samples: L, sampleRate, hopSamples, melBands,
    ...meanOf(each.map((sound) => bandDistance(frontEnd, sound, mel.values))),
    spectrumDb: mean(each.map((sound) => spectrumDistance(sound, original))),
  }));
  const path = appendResults(gpu, 'vocoder', rows);
  console.log(table(['sound', 'dB from the bands', 'too loud by', 'in the quiet half', 'too loud by', 'dB from the spectrum'], rows.map((row) =>
    [row.kind, ...[row.bandsDb, row.louderDb, row.quietDb, row.quietLouderDb, row.spectrumDb].map(digits)])));
  console.log(`\n${rows.length} rows appended to ${path}`);
  gpu.close();
}).run();

/**
 * Root mean square, over all frames and bands, of what a sound's mel spectrogram differs from the one that it was made of, and its mean,
 * above 0 where the sound is too loud; the same of the half of the bands that were to be quieter than the others.
 */
function bandDistance(frontEnd: MelSpectrogram, sound: Float32Array, values: Float32Array) {
  const got = frontEnd.of(sound, { first: 0, count: values.length / frontEnd.bands });
  const louder = Array.from(got, (value, i) => 100 * (value - values[i]!));
  const half = Float32Array.from(values).sort()[Math.floor(values.length / 2)]!;
  const quiet = louder.filter((_, i) => values[i]! < half);
  const distance = (of: readonly number[]): number => Math.sqrt(mean(of.map((value) => value ** 2)));
  return { bandsDb: distance(louder), louderDb: mean(louder), quietDb: distance(quiet), quietLouderDb: mean(quiet) };
}

/** The mean of each of the figures. */
function meanOf<Name extends string>(figures: readonly Readonly<Record<Name, number>>[]): Record<Name, number> {
  const names = Object.keys(figures[0]!) as Name[];
  return Object.fromEntries(names.map((name) => [name, mean(figures.map((each) => each[name]))])) as Record<Name, number>;
}

/** Log-spectral distance (Gray and Markel 1976), frame by frame, its mean: of bins that the bands do not tell apart as well. */
function spectrumDistance(sound: Float32Array, original: Float32Array): number {
  const [a, b] = [sound, original].map((samples) => spectrogram(samples, { size: 256, floorDb }));
  return mean(Array.from({ length: a!.frames }, (_, frame) =>
    Math.sqrt(mean(Array.from({ length: a!.bins }, (_, bin) => (a!.db[frame * a!.bins + bin]! - b!.db[frame * a!.bins + bin]!) ** 2)))));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
