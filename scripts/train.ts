/** npm run train: trains a DiffWave on a data set or a folder of WAV files. */
import { datasetFrom } from '../src/audio/dataset.node.ts';
import type { Preset } from '../src/diffwave/config.ts';
import { PRESETS, presetNamed, receptiveField } from '../src/diffwave/config.ts';
import { DiffWave } from '../src/diffwave/model.ts';
import { RunFolder } from '../src/diffwave/run.node.ts';
import { train } from '../src/diffwave/training.ts';
import { UserError } from '../src/errors.ts';
import { command } from './lib/command.ts';
import { typed } from './lib/flags.ts';
import { interruptSignal } from './lib/interrupt.ts';
import { noTuneFlag, openGpu } from './lib/openGpu.ts';
import { planLine, progressLine } from './lib/report.ts';

const cli = command({
  name: 'train',
  summary: 'Trains a DiffWave on a prepared data set or a folder of WAV files.',
  flags: {
    data: { type: 'string', placeholder: '<folder>', required: true, help: 'data set, or folder of WAV files' },
    out: { type: 'string', placeholder: '<run>', required: true, help: 'folder of the run: weights, log, checkpoints' },
    preset: { type: 'string', placeholder: '<name>', default: 'gtzan', help: `one of ${Object.keys(PRESETS).join(', ')}` },
    steps: { type: 'integer', default: 100000, min: 1, help: 'updates in total, those before a resume included' },
    batchSize: { type: 'integer', min: 1, help: "clips per update (the preset's)" },
    cropSamples: { type: 'integer', min: 1, help: "samples of each clip that an update sees (the preset's, or whole clips)" },
    learningRate: { type: 'number', above: 0, help: "of Adam (the preset's, 2e-4)" },
    diffusionSteps: { type: 'integer', min: 1, help: "T (the preset's)" },
    printEvery: { type: 'integer', default: 100, min: 1, help: 'updates between two lines of progress and log' },
    saveEvery: { type: 'integer', default: 1000, min: 1, help: 'updates between two checkpoints' },
    precision: { type: 'string', choices: ['float32', 'mixed'], default: 'float32', help: 'mixed stores activations as f16' },
    seed: { type: 'integer', min: 0, help: 'of weights, order, crops and noise (0)' },
    resume: { type: 'boolean', help: 'go on from the newest checkpoint in --out' },
    noTune: noTuneFlag,
  },
});

await cli.run(async ({ flags, given }) => {
  const run = flags.resume ? RunFolder.open(flags.out) : undefined;
  if (run) refuseContradictions(run, flags, given);
  else RunFolder.requireEmpty(flags.out); // before work that may take minutes
  const presetName = run?.config.preset ?? flags.preset;
  const preset: Preset = presetNamed(presetName);
  const dataset = datasetFrom(flags.data, preset.data, console.log);

  const model = run?.config.model ?? {
    ...preset.model,
    diffusionSteps: flags.diffusionSteps ?? preset.model.diffusionSteps,
    sampleRate: dataset.sampleRate,
  };
  if (model.sampleRate !== dataset.sampleRate) {
    throw new UserError(`the run was trained at ${model.sampleRate} Hz, but --data ${flags.data} has ${dataset.sampleRate} Hz`);
  }
  const training = run?.config.training ?? {
    ...preset.training,
    batchSize: flags.batchSize ?? preset.training.batchSize,
    cropSamples: cropOf(flags.cropSamples, preset, dataset.clipSamples),
    learningRate: flags.learningRate ?? preset.training.learningRate,
    seed: flags.seed ?? preset.training.seed,
    precision: flags.precision,
  };

  const gpu = await openGpu({ tune: !flags.noTune, model });
  const diffwave = DiffWave.create(gpu, model, { seed: training.seed });
  const resume = run?.resume(diffwave);
  if (resume && resume.step >= flags.steps) {
    throw new UserError(`the run is at step ${resume.step} already: ask for more with --steps`);
  }
  console.log(gpu.describe());
  console.log(
    `model     ${presetName}: ${model.layers} layers × ${model.channels} channels, T = ${model.diffusionSteps}, ` +
    `sees ${receptiveField(model)} samples (${(receptiveField(model) / model.sampleRate).toFixed(2)} s)`,
  );
  console.log(
    `data      ${dataset.clipCount} clips of ${dataset.clipSamples} samples at ${dataset.sampleRate} Hz, ` +
    `batch ${training.batchSize} × ${training.cropSamples ?? dataset.clipSamples} samples`,
  );
  if (resume) console.log(`resumed   at step ${resume.step}`);
  const signal = interruptSignal('stopping after this step, then saving (again to stop at once)');
  let folder = run;
  let saved = '';
  await train(diffwave, {
    dataset,
    training,
    resume,
    signal,
    steps: flags.steps,
    printEvery: flags.printEvery,
    saveEvery: flags.saveEvery,
    onStart: (trainer) => {
      // Only now is it known that everything fits: a run that cannot start leaves no folder behind.
      folder ??= RunFolder.create(flags.out, { preset: presetName, model, training, data: flags.data });
      console.log(planLine(trainer.plan, diffwave.parameters));
    },
    onProgress: (progress) => {
      console.log(progressLine(progress, flags.steps));
      folder!.appendLog(progress);
    },
    onSave: async (state) => {
      await folder!.save(diffwave, state);
      saved = `saved step ${state.step} in ${flags.out}`;
      if (state.step < flags.steps && !signal.aborted) console.log(saved);
    },
  });
  console.log(saved);
  console.log(signal.aborted
    ? `go on with: npm run train -- --data ${flags.data} --out ${flags.out} --steps ${flags.steps} --resume`
    : `listen with: npm run sample -- --run ${flags.out} --seconds 5 --out samples`);
  gpu.close();
});

/** The preset's crop is a wish: clips of a small data set may be shorter. What the user asks for is an order. */
function cropOf(asked: number | undefined, preset: Preset, clipSamples: number): number | null {
  if (asked !== undefined) return asked;
  const { cropSamples } = preset.training;
  return cropSamples === null ? null : Math.min(cropSamples, clipSamples);
}

/** What was fixed when the run began cannot be given another value now. */
function refuseContradictions(run: RunFolder, flags: Record<string, unknown>, given: ReadonlySet<string>): void {
  const { preset, model, training } = run.config;
  const fixed: Record<string, unknown> = {
    preset,
    diffusionSteps: model.diffusionSteps,
    batchSize: training.batchSize,
    cropSamples: training.cropSamples,
    learningRate: training.learningRate,
    seed: training.seed,
    precision: training.precision,
  };
  for (const [name, value] of Object.entries(fixed)) {
    if (given.has(name) && flags[name] !== value) {
      throw new UserError(`${typed(name)} ${flags[name]} contradicts the run in ${run.path}, which has ${value ?? 'whole clips'}: leave it out, or choose another --out`);
    }
  }
}
