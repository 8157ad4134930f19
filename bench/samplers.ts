/** `npm run bench:samplers`: every sampler with few and with many steps on a trained network: how long, and how near to the data. */
import { datasetFrom } from '../src/dataset/dataset.node.ts';
import type { Dataset } from '../src/dataset/dataset.ts';
import { rootMeanSquare } from '../src/audio/level.ts';
import { logSpectrumDistance, meanLogSpectrum } from '../src/audio/spectrogram.ts';
import type { DiffWave } from '../src/diffwave/model/model.ts';
import { RunFolder, preparationOf } from '../src/diffwave/files/run.node.ts';
import type { SampleOptions } from '../src/diffwave/sampling/sampling.ts';
import { sample } from '../src/diffwave/sampling/sampling.ts';
import { UserError } from '../src/errors.ts';
import { uniform } from '../src/random.ts';
import { command } from '../scripts/lib/cli/command.ts';
import { openGpu } from '../scripts/lib/adapter/openGpu.ts';
import { digits, table } from './lib/report.ts';

interface SamplerRow {
  readonly sampler: string;
  readonly steps: number;
  readonly seconds: number; // of all clips
  readonly rms: number;
  readonly distance: number; // dB, log-spectrum distance to the data
}

/** What is compared, but for the number of steps. */
const CONTESTANTS: { name: string; options: Partial<SampleOptions> }[] = [
  { name: 'ddpm', options: { sampler: 'ddpm' } },
  { name: 'ddpm --variance posterior', options: { sampler: 'ddpm', variance: 'posterior' } },
  { name: 'ddim', options: { sampler: 'ddim' } },
  { name: 'ddim --spacing log-snr', options: { sampler: 'ddim', spacing: 'log-snr' } },
  { name: 'dpm++', options: { sampler: 'dpm++' } },
  { name: 'dpm++ --spacing log-snr', options: { sampler: 'dpm++', spacing: 'log-snr' } },
];
const STEPS = [6, 10, 20, 50];

await command({
  name: 'bench:samplers',
  summary: 'compares the samplers on a trained network, and the seam of a loop with its inside',
  flags: {
    run: { type: 'string', placeholder: '<run>', required: true, help: 'folder of a training run' },
    data: { type: 'string', placeholder: '<folder>', help: 'what it was trained on (as the run has it)' },
    seconds: { type: 'number', default: 5, above: 0, help: 'of each clip' },
    count: { type: 'integer', default: 2, min: 1, help: 'clips that are averaged over' },
    seed: { type: 'integer', default: 0, min: 0, help: 'of the noise' },
    json: { type: 'boolean', help: 'print rows of JSON instead of tables' },
  },
}).does(async ({ flags }) => {
  const run = RunFolder.open(flags.run);
  const gpu = await openGpu({ tune: true, model: run.config.model });
  const model = await run.load(gpu);
  const print = flags.json ? () => {} : console.log;
  const dataset = await datasetFrom(flags.data ?? run.config.data, preparationOf(run.config), print);
  if (dataset.sampleRate !== model.config.sampleRate) throw new UserError(`the data have ${dataset.sampleRate} Hz, the network ${model.config.sampleRate} Hz`);
  const L = Math.round(flags.seconds * dataset.sampleRate);
  const shape = [flags.count, L] as const;
  const wanted = meanOf(Array.from({ length: dataset.clipCount }, (_, i) => meanLogSpectrum(dataset.clip(i))));

  const rows: SamplerRow[] = [];
  const measure = async (name: string, steps: number, options: Partial<SampleOptions>): Promise<void> => {
    const start = performance.now();
    const { audio } = await sample(model, { shape, seed: flags.seed, ...options });
    const seconds = (performance.now() - start) / 1000;
    const distance = logSpectrumDistance(meanOf(audio.map((clip) => meanLogSpectrum(clip))), wanted);
    rows.push({ sampler: name, steps, seconds, rms: meanRms(audio), distance });
    const row = rows.at(-1)!;
    print(`${name}, ${steps} steps: ${digits(seconds)} s, ${row.distance.toFixed(1)} dB`);
  };
  await sample(model, { shape, sampler: 'ddim', steps: 1 }); // compiles
  await measure('fast', 6, { sampler: 'fast' });
  const T = model.config.diffusionSteps;
  const counts = [...new Set([...STEPS.filter((steps) => steps < T), T])];
  for (const { name, options } of CONTESTANTS) {
    for (const steps of counts) await measure(name, steps, { ...options, steps });
  }
  const seams = await measureSeams(model, { shape, seed: flags.seed });

  if (flags.json) {
    for (const row of [...rows, seams]) console.log(JSON.stringify(row));
  } else {
    console.log(`\n${showRows(rows)}\n`);
    console.log(showBaselines(dataset, wanted, L));
    console.log(showSeams(seams));
  }
  gpu.close();
}).run();

function showRows(rows: readonly SamplerRow[]): string {
  return table(['sampler', 'steps', 'seconds', 'RMS', 'distance / dB'], rows.map(({ sampler, steps, seconds, rms, distance }) =>
    [sampler, String(steps), digits(seconds), rms.toFixed(3), distance.toFixed(1)]));
}

/** What a perfect sampler could reach, and what knowing nothing gives. */
function showBaselines(dataset: Dataset, wanted: Float64Array, L: number): string {
  const { rms } = dataset.manifest.statistics;
  const white = Float32Array.from({ length: L }, (_, index) =>
    rms * Math.sqrt(3) * (2 * uniform({ seed: 0, stream: 0, step: 0, item: 0, index }) - 1));
  const clips = Array.from({ length: dataset.clipCount }, (_, i) => logSpectrumDistance(meanLogSpectrum(dataset.clip(i)), wanted));
  const middle = clips.sort((a, b) => a - b)[Math.floor(clips.length / 2)]!;
  const noise = logSpectrumDistance(meanLogSpectrum(white), wanted);
  return `data: RMS ${rms.toFixed(3)}; a clip of the data itself ${middle.toFixed(1)} dB (median), white noise as loud ${noise.toFixed(1)} dB`;
}

interface Seams {
  readonly inside: number; // mean |step| between neighbours
  readonly loop: number; // mean |step| from the end to the beginning, made as a loop
  readonly open: number; // the same, not made as a loop
  readonly clips: number;
}

/** The jump from a clip's last sample to its first, against the steps between neighbours inside. */
async function measureSeams(model: DiffWave, { shape: [B, L], seed }: { shape: readonly [number, number]; seed: number }): Promise<Seams> {
  const clips = Math.max(16, B); // one seam a clip: a mean needs more
  const short = Math.min(L, Math.round(model.config.sampleRate / 2));
  // Few deterministic steps leave little hiss, beside which no seam would show.
  const options = { shape: [clips, short], seed, sampler: 'ddim', steps: Math.min(20, model.config.diffusionSteps) } as const;
  const made = async (loop: boolean): Promise<Float32Array[]> => (await sample(model, { ...options, loop })).audio;
  const seam = (audio: readonly Float32Array[]): number => mean(audio.map((clip) => Math.abs(clip[0]! - clip.at(-1)!)));
  const [loop, open] = [await made(true), await made(false)];
  const inside = mean(loop.map((clip) => mean(Array.from(clip.subarray(1), (value, i) => Math.abs(value - clip[i]!)))));
  return { inside, loop: seam(loop), open: seam(open), clips };
}

function showSeams({ inside, loop, open, clips }: Seams): string {
  return `loop: from the end to the beginning ${digits(loop)}, between neighbours inside ${digits(inside)} (ratio ${digits(loop / inside)}; ` +
    `${digits(open / inside)} without --loop), mean of ${clips} clips`;
}

function meanRms(audio: readonly Float32Array[]): number {
  return mean(audio.map(rootMeanSquare));
}

function meanOf(spectra: readonly Float64Array[]): Float64Array {
  return spectra[0]!.map((_, bin) => mean(spectra.map((spectrum) => spectrum[bin]!)));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
