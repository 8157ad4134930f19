/** A whole training step and a whole sampling step, as their loops run them, between probes, and by kernel. */
import type { Executable } from '../../src/autograd/executable.ts';
import type { DiffWave } from '../../src/diffwave/model/model.ts';
import { chooseSampler } from '../../src/diffwave/sampling/samplers/choose.ts';
import { Walk } from '../../src/diffwave/sampling/walk.ts';
import { dataPrediction } from '../../src/diffwave/schedule/level.ts';
import { scheduleOf } from '../../src/diffwave/schedule/schedule.ts';
import type { TrainingConfig } from '../../src/diffwave/training/config.ts';
import { Trainer } from '../../src/diffwave/training/trainer.ts';
import type { Breakdown } from '../lib/breakdown.ts';
import { measureBreakdown } from '../lib/breakdown.ts';
import { forwardFlops, trainingFlops } from '../../src/roofline/flops.ts';
import type { Machine } from '../lib/machine.ts';
import { digits, percent, table } from '../lib/report.ts';
import { ratiosToNeighbours } from '../lib/statistics.ts';
import { median, quantile } from '../../src/statistics.ts';
import type { Sizes } from '../lib/work.ts';
import { batchOf, configured, numbersTold } from '../lib/work.ts';

export interface StepRow {
  readonly step: 'training' | 'sampling';
  readonly seconds: number; // median, by the wall clock, as the real loop does it
  readonly gpuSeconds: number; // median, of the GPU's work alone
  readonly p20: number;
  readonly p80: number;
  readonly samplesPerSecond: number; // of audio, every item counted
  readonly flopsPerSecond: number;
  readonly ofFmaProbe: number; // median of ratios to the probes beside
  readonly gpuOfFmaProbe: number;
  readonly fmaProbe: number;
  readonly note?: string; // why it is not in the precision that was asked for
  readonly javaScript?: number; // seconds of `Trainer.update`, which does not wait
  readonly dispatches: number;
  readonly breakdown: Breakdown;
}

/** Times the step of a Trainer; `training` may differ from the preset's, in its precision for one. */
export async function measureTraining(machine: Machine, { model, sizes, repetitions, within, training: changes }: {
  model: DiffWave; sizes: Sizes; repetitions: number; within?: number; training?: Partial<TrainingConfig>;
}): Promise<StepRow> {
  const { training: usual, L } = configured(sizes);
  const training = { ...usual, ...changes };
  using trainer = await Trainer.create({ model, training, L });
  const batch = batchOf(model.config, sizes);
  const javaScript: number[] = [];
  const row = await measureStep(machine, {
    flops: sizes.B * L * trainingFlops(model.config), executable: trainer.executable, sizes, repetitions, within,
    async run() {
      const start = performance.now();
      trainer.update(batch);
      javaScript.push((performance.now() - start) / 1000);
      await machine.gpu.idle();
    },
  });
  return { step: 'training', ...row, note: trainer.used.note, javaScript: median(javaScript) };
}

/** Times a reverse step of the default sampler. */
export async function measureSampling(machine: Machine, { model, sizes, repetitions, within }: {
  model: DiffWave; sizes: Sizes; repetitions: number; within?: number;
}): Promise<StepRow> {
  const { B, L } = sizes;
  const numbers = numbersTold(model.config, L);
  await using walk = await Walk.create(model, { B, L, ...(numbers && { told: { numbers } }) });
  const { audio } = batchOf(model.config, sizes);
  await walk.write(Array.from({ length: B }, (_, item) => audio.slice(item * L, (item + 1) * L)));
  // Of `sample`'s default sampler, in the middle of the way, over and over.
  const { sampler, levels } = chooseSampler({}, scheduleOf(model.config));
  const middle = Math.max(1, Math.floor(levels.length / 2));
  const [from, to] = [levels[middle]!, levels[middle - 1]!];
  const coefficients = { ...dataPrediction(from, model.config.prediction), ...sampler.step({ from, to }) };
  const { windows, width } = walk.tiles;
  const row = await measureStep(machine, {
    flops: B * windows.length * width * forwardFlops(model.config),
    executable: walk.executable, runs: windows.length, sizes, repetitions, within,
    async run() {
      await walk.denoise({ t: from.t, coefficients, draw: 0 });
      // On a software adapter every tile has been waited for, and would be waited for again in sleep; see `Gpu.idle`.
      if (!machine.gpu.isSoftware) await machine.gpu.idle();
    },
  });
  return { step: 'sampling', ...row };
}

/**
 * `run` is the step with whatever it waits for; it runs the executable `runs` times. There are fewer repetitions, one at least,
 * where they would take more than `within` seconds: each is the step twice, and twice more for its kernels.
 */
async function measureStep(machine: Machine, { flops, executable, runs = 1, sizes, repetitions: most, within = Infinity, run }: {
  flops: number; executable: Executable; runs?: number; sizes: Sizes; repetitions: number; within?: number; run: () => Promise<void>;
}): Promise<Omit<StepRow, 'step' | 'note' | 'javaScript'>> {
  await run(); // warm
  const warm = performance.now();
  await run(); // and the plan of submits is known
  const repetitions = repetitionsWithin(within, { most, seconds: 4 * (performance.now() - warm) / 1000 });
  const seconds: number[] = [];
  const gpuSeconds: number[] = [];
  const fma = [(await machine.probes.fma()).wall];
  const probe = async () => fma.push((await machine.probes.fma()).wall);
  for (let i = 0; i < repetitions; i++) {
    const start = performance.now();
    await run();
    seconds.push((performance.now() - start) / 1000);
    await probe();
    gpuSeconds.push(...(await machine.stopwatch.time([(pass) => executable.program.encode(pass)])).map((each) => each * runs));
    await probe();
  }
  const middle = median(seconds!);
  const between = seconds!.flatMap((each, i) => [flops / each, flops / gpuSeconds![i]!]);
  const ratios = ratiosToNeighbours(between, fma);
  return {
    seconds: middle,
    p20: quantile(seconds!, 0.2),
    p80: quantile(seconds!, 0.8),
    gpuSeconds: median(gpuSeconds!),
    samplesPerSecond: (sizes.B * sizes.L) / middle,
    flopsPerSecond: flops / middle,
    ofFmaProbe: median(ratios.filter((_, i) => i % 2 === 0)),
    gpuOfFmaProbe: median(ratios.filter((_, i) => i % 2 === 1)),
    fmaProbe: median(fma),
    dispatches: executable.plan.operations.length,
    breakdown: await measureBreakdown(machine, executable, { repetitions }),
  };
}

/** How many repetitions of so many seconds fit into `within`: `most` at most, and one in any case. */
export function repetitionsWithin(within: number, { most, seconds }: { most: number; seconds: number }): number {
  return Math.max(1, Math.min(most, Math.floor(within / seconds)));
}

/** A table of steps. */
export function showSteps(rows: readonly StepRow[]): string {
  const head = ['step', 'ms', 'p20', 'p80', 'GPU ms', 'steps/s', 'audio samples/s', 'GFLOP/s', '% FMA probe', 'by GPU time', 'FMA probe', 'dispatches'];
  return table(head, rows.map((row) => [
    row.step, digits(row.seconds * 1e3), digits(row.p20 * 1e3), digits(row.p80 * 1e3), digits(row.gpuSeconds * 1e3), digits(1 / row.seconds),
    digits(row.samplesPerSecond), digits(row.flopsPerSecond / 1e9), percent(row.ofFmaProbe), percent(row.gpuOfFmaProbe),
    digits(row.fmaProbe / 1e9), String(row.dispatches),
  ]));
}

/** A table of a step's kernels. */
export function showBreakdown({ step, breakdown: { rows, sum, whole, accounted } }: StepRow): string {
  const body = rows.map(({ kernel, dispatches, seconds, share }) => [kernel, String(dispatches), digits(seconds * 1e3), percent(share)]);
  return `${table([`${step} kernel`, 'dispatches', 'ms', 'share'], body)}\n` +
    `all: ${digits(sum * 1e3)} ms one by one, ${percent(accounted)} of the ${digits(whole * 1e3)} ms in one pass`;
}
