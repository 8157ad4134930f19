/** `npm run bench:step`: a whole training step and a whole sampling step, and where their time goes. */
import { DiffWave } from '../src/diffwave/model/model.ts';
import { formatBytes } from '../src/gpu/device/buffers.ts';
import { command } from '../scripts/lib/cli/command.ts';
import { inChild } from './lib/child.ts';
import { forwardFlops } from '../src/roofline/flops.ts';
import { openMachine } from './lib/machine.ts';
import { appendResults, digits } from './lib/report.ts';
import { configured, sizesOf } from './lib/work.ts';
import { explain } from './step/explain.ts';
import { measureSampling, measureTraining, showBreakdown, showSteps } from './step/measure.ts';

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
    precision: { type: 'string', choices: ['float32', 'mixed', 'matrix'], default: 'float32', help: '--explain: the precision of that step' },
    json: { type: 'boolean', help: 'print rows of JSON instead of tables' },
  },
}).does(async ({ flags }) => {
  if (flags.explain !== undefined) {
    console.log(await explain(sizesOf(flags.explain, { B: flags.batchSize, L: flags.cropSamples }), flags.precision));
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
  console.log(showSteps([training, sampling]));
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
