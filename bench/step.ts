/** `npm run bench:step`: a whole training step and a whole sampling step, and where their time goes. */
import { chooseSampler } from '../src/diffwave/sampling/samplers/choose.ts';
import { Walk } from '../src/diffwave/sampling/walk.ts';
import { dataPrediction } from '../src/diffwave/schedule/level.ts';
import { scheduleOf } from '../src/diffwave/schedule/schedule.ts';
import { DiffWave } from '../src/diffwave/model/model.ts';
import { Trainer } from '../src/diffwave/training/trainer.ts';
import type { Executable } from '../src/autograd/executable.ts';
import { formatBytes } from '../src/gpu/device/buffers.ts';
import { command } from '../scripts/lib/cli/command.ts';
import type { Breakdown } from './lib/breakdown.ts';
import { measureBreakdown } from './lib/breakdown.ts';
import { inChild } from './lib/child.ts';
import { forwardFlops, trainingFlops } from './lib/flops.ts';
import type { Machine } from './lib/machine.ts';
import { openMachine } from './lib/machine.ts';
import { appendResults, digits, percent, table } from './lib/report.ts';
import { median, quantile, ratiosToNeighbours } from './lib/statistics.ts';
import type { Sizes } from './lib/work.ts';
import { batchOf, configured, sizesOf } from './lib/work.ts';
import { explain } from './step/explain.ts';

interface StepRow {
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
  readonly javaScript?: number; // seconds of `Trainer.update`, which does not wait
  readonly dispatches: number;
  readonly breakdown: Breakdown;
}

/** Drivers' own caches of compiled shaders: Mesa's, NVIDIA's. */
const withoutShaderCache = { MESA_SHADER_CACHE_DISABLE: 'true', __GL_SHADER_DISK_CACHE: '0' };

await command({
  name: 'bench:step',
  summary: 'times a training step and a sampling step of a preset, and their kernels',
  flags: {
    preset: { type: 'string', default: 'gtzan', help: 'whose network' },
    batchSize: { type: 'integer', min: 1, help: 'items (default: the preset\'s)' },
    cropSamples: { type: 'integer', min: 1, help: 'samples of an item (default: the preset\'s)' },
    repetitions: { type: 'integer', default: 5, min: 3, help: 'steps that are measured' },
    explain: { type: 'string', placeholder: '<preset>', help: 'measure nothing: the training step of this preset kernel by kernel, by arithmetic, without a GPU' },
    json: { type: 'boolean', help: 'print rows of JSON instead of tables' },
  },
}).does(async ({ flags }) => {
  if (flags.explain !== undefined) {
    console.log(await explain(sizesOf(flags.explain, { B: flags.batchSize, L: flags.cropSamples })));
    return;
  }
  const sizes = sizesOf(flags.preset, { B: flags.batchSize, L: flags.cropSamples });
  const machine = await openMachine();
  const { gpu } = machine;
  const { model: config } = configured(sizes);
  if (!flags.json) {
    console.log(`${gpu.describe()}\ntimed by  ${machine.stopwatch.source}`);
    console.log(`network   ${sizes.preset}, ${forwardFlops(config).toLocaleString('en')} FLOP a row forward, B ${sizes.B}, L ${sizes.L}\n`);
  }
  const model = DiffWave.create(gpu, config);
  const training = await measureTraining(machine, { model, sizes, repetitions: flags.repetitions });
  const trainingBytes = gpu.buffers.peakBytes;
  const sampling = await measureSampling(machine, { model, sizes, repetitions: flags.repetitions });

  const cold = (await inChild<{ seconds: number }>('step/first.ts', sizes, withoutShaderCache)).seconds;
  const warm = (await inChild<{ seconds: number }>('step/first.ts', sizes)).seconds;
  const onNull = await inChild<{ variant: string; dispatches: number; milliseconds: number }>('step/null.ts', sizes)
    .catch(() => undefined);

  const rows = [training, sampling].map((row) => ({ ...sizes, variant: gpu.variant.variant, ...row, trainingBytes, cold, warm, onNull }));
  const path = appendResults(gpu, 'step', rows);
  if (flags.json) {
    for (const row of rows) console.log(JSON.stringify(row));
    return;
  }
  console.log(show([training, sampling]));
  console.log([
    '',
    `first training step   ${digits(cold)} s after the start of the process without the driver's shader cache, ${digits(warm)} s with it`,
    `peak GPU memory       ${formatBytes(trainingBytes)} while training, the probes' buffers included`,
    `JavaScript of a step  ${digits(training.javaScript! * 1e3)} ms beside this adapter's work` + (onNull
      ? `, ${digits(onNull.milliseconds)} ms on Dawn's null backend (${onNull.variant}, ${onNull.dispatches} dispatches)`
      : ', not measured on Dawn\'s null backend, which does not open here'),
  ].join('\n'));
  for (const row of [training, sampling]) console.log(`\n${showBreakdown(row)}`);
  console.log(`\n2 rows appended to ${path}`);
}).run();

async function measureTraining(machine: Machine, { model, sizes, repetitions }: {
  model: DiffWave; sizes: Sizes; repetitions: number;
}): Promise<StepRow> {
  const { training, L } = configured(sizes);
  using trainer = await Trainer.create({ model, training, L });
  const batch = batchOf(model.config, sizes);
  const javaScript: number[] = [];
  const row = await measureStep(machine, {
    flops: sizes.B * L * trainingFlops(model.config), executable: trainer.executable, sizes, repetitions,
    async run() {
      const start = performance.now();
      trainer.update(batch);
      javaScript.push((performance.now() - start) / 1000);
      await machine.gpu.idle();
    },
  });
  return { step: 'training', ...row, javaScript: median(javaScript) };
}

async function measureSampling(machine: Machine, { model, sizes, repetitions }: {
  model: DiffWave; sizes: Sizes; repetitions: number;
}): Promise<StepRow> {
  const { B, L } = sizes;
  await using walk = await Walk.create(model, { B, L });
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
    executable: walk.executable, runs: windows.length, sizes, repetitions,
    async run() {
      await walk.denoise({ t: from.t, coefficients, draw: 0 });
      // On a software adapter every tile has been waited for, and would be waited for again in sleep; see `Gpu.idle`.
      if (!machine.gpu.isSoftware) await machine.gpu.idle();
    },
  });
  return { step: 'sampling', ...row };
}

/** `run` is the step with whatever it waits for; it runs the executable `runs` times. */
async function measureStep(machine: Machine, { flops, executable, runs = 1, sizes, repetitions, run }: {
  flops: number; executable: Executable; runs?: number; sizes: Sizes; repetitions: number; run: () => Promise<void>;
}): Promise<Omit<StepRow, 'step' | 'javaScript'>> {
  await run(); // warm
  await run(); // and the wait is known
  const seconds: number[] = [];
  const gpuSeconds: number[] = [];
  const fma = [(await machine.probes.fma()).wall];
  const probe = async () => fma.push((await machine.probes.fma()).wall);
  for (let i = 0; i < repetitions; i++) {
    const start = performance.now();
    await run();
    seconds.push((performance.now() - start) / 1000);
    await probe();
    const expected = Math.min(...seconds, ...gpuSeconds);
    gpuSeconds.push(...(await machine.stopwatch.time([(pass) => executable.program.encode(pass)], { expected })).map((each) => each * runs));
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
    breakdown: await measureBreakdown(machine, executable, { expected: middle }),
  };
}

function show(rows: readonly StepRow[]): string {
  const head = ['step', 'ms', 'p20', 'p80', 'GPU ms', 'steps/s', 'audio samples/s', 'GFLOP/s', '% FMA probe', 'by GPU time', 'FMA probe', 'dispatches'];
  return table(head, rows.map((row) => [
    row.step, digits(row.seconds * 1e3), digits(row.p20 * 1e3), digits(row.p80 * 1e3), digits(row.gpuSeconds * 1e3), digits(1 / row.seconds),
    digits(row.samplesPerSecond), digits(row.flopsPerSecond / 1e9), percent(row.ofFmaProbe), percent(row.gpuOfFmaProbe),
    digits(row.fmaProbe / 1e9), String(row.dispatches),
  ]));
}

function showBreakdown({ step, breakdown: { rows, sum, whole, accounted } }: StepRow): string {
  const body = rows.map(({ kernel, dispatches, seconds, share }) => [kernel, String(dispatches), digits(seconds * 1e3), percent(share)]);
  return `${table([`${step} kernel`, 'dispatches', 'ms', 'share'], body)}\n` +
    `all: ${digits(sum * 1e3)} ms one by one, ${percent(accounted)} of the ${digits(whole * 1e3)} ms in one pass`;
}
