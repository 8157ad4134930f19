/** npm run train: trains a DiffWave on a data set or a folder of music. */
import type { Dataset } from '../src/dataset/dataset.ts';
import { datasetFrom } from '../src/dataset/dataset.node.ts';
import { findingLines } from '../src/dataset/doctor.ts';
import { isDataset } from '../src/dataset/folder.node.ts';
import { contentFingerprint } from '../src/dataset/identity.node.ts';
import type { Preset } from '../src/diffwave/presets.ts';
import { DEFAULT_PRESET, PRESETS, presetNamed } from '../src/diffwave/presets.ts';
import type { DiffWaveConfig } from '../src/diffwave/model/config.ts';
import { configFor } from '../src/diffwave/model/config.ts';
import { receptiveField } from '../src/diffwave/model/shapes.ts';
import { DiffWave } from '../src/diffwave/model/model.ts';
import { RunFolder, preparationOf } from '../src/diffwave/files/run.node.ts';
import { labelTable } from '../src/diffwave/data/labels.ts';
import { splitByTrack } from '../src/diffwave/data/split.ts';
import { learningRateAt } from '../src/diffwave/training/learningRate.ts';
import { labelFields } from '../src/diffwave/model/labels.ts';
import { train } from '../src/diffwave/training/loop.ts';
import type { TrainingConfig } from '../src/diffwave/training/config.ts';
import { UserError } from '../src/errors.ts';
import { counters } from '../src/random.ts';
import { firstThenOthers } from '../src/ranks.ts';
import { formatBytes } from '../src/gpu/device/buffers.ts';
import { command } from './lib/cli/command.ts';
import { keepLabels, labelsFlag, labelsLine, trackLabels, withLabels } from './lib/train/labels.ts';
import { differsLine } from './lib/config/differences.ts';
import { configFlag, readConfigFile, refuseOther, withFile } from './lib/config/file.ts';
import { interruptSignal } from './lib/cli/interrupt.ts';
import { besideTraining, defaultMemoryLimit, memoryLimitFlag, parseBytes, withCropThatFits } from './lib/train/memory.ts';
import { Monitor, monitorFlags, splitLine } from './lib/train/monitor.ts';
import { adapterByNumber, adapterFlag } from './lib/adapter/adapters.ts';
import { ensureAdapter } from './lib/adapter/gpu.ts';
import { noTuneFlag, openGpuTogether } from './lib/adapter/openGpu.ts';
import { isFirstRank, openRanks } from './lib/cli/ranks.ts';
import { companyLine, expectSameState, expectSameTraining } from './lib/train/together.ts';
import { planLines } from './lib/report/lines.ts';
import { scheduleFlags } from './lib/schedule/flags.ts';
import { scheduleLine } from './lib/schedule/report.ts';
import { modelAsFlags, modelFrom, networkFlags, refuseContradictions, sharedBy, trainingFlags, trainingFrom } from './lib/train/flags.ts';
import { typedCommand } from './lib/cli/invocation.ts';

const cli = command({
  name: 'train',
  summary: 'Trains a DiffWave on a prepared data set or a folder of music.',
  flags: {
    data: { type: 'string', placeholder: '<folder>', help: 'data set, or folder of music; required unless --config has it' },
    out: { type: 'string', placeholder: '<run>', required: true, help: 'folder of the run: weights, log, checkpoints' },
    preset: { type: 'string', placeholder: '<name>', help: `one of ${Object.keys(PRESETS).join(', ')} (${DEFAULT_PRESET})` },
    config: configFlag,
    steps: { type: 'integer', default: 100000, min: 1, max: counters, help: 'updates in total, those before a resume included' },
    ...networkFlags,
    ...scheduleFlags,
    ...trainingFlags,
    labels: labelsFlag,
    printEvery: { type: 'integer', default: 100, min: 1, help: 'updates between two lines of progress and log' },
    saveEvery: { type: 'integer', default: 1000, min: 1, help: 'updates between two checkpoints' },
    snapshotEvery: { type: 'integer', default: 500, min: 1, help: 'updates between two snapshots in memory, to go on from if the GPU is lost' },
    keep: { type: 'integer', default: 3, min: 1, help: 'checkpoints that stay: the newest, and the best of validation' },
    ...monitorFlags,
    memoryLimit: memoryLimitFlag,
    resume: { type: 'boolean', help: 'go on from the newest checkpoint in --out' },
    newData: { type: 'boolean', help: '--resume: go on with other data than those that the run was trained on' },
    adapter: adapterFlag,
    noTune: noTuneFlag,
  },
});

export default cli.does(async ({ flags, given }) => {
  const file = flags.config === undefined ? undefined : readConfigFile(flags.config);
  const data = flags.data ?? file?.data;
  if (data === undefined) throw new UserError('--data <folder> is required');
  if (flags.newData && !flags.resume) throw new UserError('--new-data has a meaning only with --resume');
  const run = flags.resume ? RunFolder.open(flags.out) : undefined;
  if (run) {
    const { preset, model, training, validationTracks = 0 } = run.config;
    // A run whose learning rate has fallen can only go on to learn if it may fall for longer.
    const decaySteps = training.learningRateSchedule === 'cosine' ? flags.decaySteps ?? training.decaySteps : training.decaySteps;
    const fixed = { preset, validationTracks, ...training, decaySteps, ...modelAsFlags(model, flags) };
    refuseContradictions({ path: run.path, fixed, flags, given });
  } else if (isFirstRank()) {
    RunFolder.requireEmpty(flags.out); // before work that may take minutes
  }
  const presetName = run?.config.preset ?? flags.preset ?? file?.preset ?? DEFAULT_PRESET;
  const preset: Preset = presetNamed(presetName);
  const base = withFile(preset, file);
  // Before the data is prepared, which may take minutes: flags that contradict each other are said at once.
  const network = run && !file ? run.config.model : modelFrom(flags, base.model);
  const precision = run?.config.training.precision ?? flags.precision ?? file?.training.precision;
  const matrices = precision === 'matrix';
  const company = await openRanks({ matrices, adapter: flags.adapter });
  const { ranks, isFirst, print } = company;
  const trainingFor = (clipSamples: number): TrainingConfig =>
    trainingFrom(flags, { preset, file: file?.training, clipSamples, hopSamples: network.hopSamples, steps: flags.steps, ranks: ranks.size });
  const tracks = flags.validationTracks ?? file?.validationTracks;
  if (run && file) {
    // What the run has found in its data is what the file leaves to them.
    const scale = network.scale === 'unit' ? run.config.model.scale : network.scale;
    const wanted = { preset: flags.preset ?? file.preset, model: { ...network, scale }, training: trainingFor(Infinity), validationTracks: tracks };
    refuseOther(file, wanted, run);
  }
  // This process may be started again for the adapter: the other one must not find the lock of this one, and say and prepare everything
  // a second time. Several ranks have theirs already.
  if (ranks.size === 1) await ensureAdapter({ matrices, adapter: await adapterByNumber(flags.adapter) });
  let lock = run && isFirst ? await RunFolder.lock(flags.out, print) : undefined;
  if (lock) run!.writeUnder(lock);
  const prepared = (): Promise<Dataset> => datasetFrom(data, run ? preparationOf(run.config) : base.data, print);
  const dataset = await firstThenOthers(ranks, prepared);
  const said = (run?.config ?? file)?.model.sampleRate;
  if (said !== undefined && said !== dataset.sampleRate) {
    const who = run ? 'the run was trained at' : `${flags.config} is for`;
    throw new UserError(`${who} ${said} Hz, but --data ${data} has ${dataset.sampleRate} Hz`);
  }
  const fingerprint = contentFingerprint(dataset);
  const before = run?.dataOfNewest();
  const isNewData = before !== undefined && before !== fingerprint;
  if (isNewData && !flags.newData) {
    throw new UserError(
      `--data ${data} is not what the run in ${flags.out} was trained on (${run!.config.data}, or that has changed since): ` +
      'give it the data of before, or --new-data if others are meant',
    );
  }
  const goneOnWith = run && { ...run.config.training, decaySteps: flags.decaySteps ?? run.config.training.decaySteps };
  const wanted = goneOnWith ? sharedBy(ranks.size, goneOnWith) : trainingFor(dataset.clipSamples);

  const askedLabels = flags.labels ?? (run ? undefined : file?.labels);
  if (run && flags.labels !== undefined && flags.labels !== run.config.labels && !isNewData) {
    throw new UserError(`--labels ${flags.labels} contradicts the run in ${run.path}, which has ${run.config.labels ?? 'none'}: leave it out, or choose another --out`);
  }
  const labels = trackLabels(dataset, { asked: askedLabels, run });
  const model = run?.config.model ?? configFor(labels ? { ...network, ...labelFields(labels, wanted) } : network, dataset);
  const split = splitByTrack(withLabels(dataset, labels, model.labels), { tracks: run ? run.config.validationTracks ?? 0 : tracks, seed: wanted.seed, leastClips: wanted.batchSize, copiesTogether: run ? run.config.copiesTogether ?? false : true });

  const gpu = await openGpuTogether(ranks, { tune: !flags.noTune, model, matrices, adapter: flags.adapter, print });
  const diffwave = DiffWave.create(gpu, model, { seed: wanted.seed });
  const allowed = flags.memoryLimit === undefined ? (run?.config ?? file)?.memoryLimit : parseBytes(flags.memoryLimit);
  const memory = {
    memoryLimit: allowed ?? defaultMemoryLimit(gpu),
    beside: besideTraining(diffwave, { validates: split.validation !== undefined, samples: flags.sampleEvery !== undefined }),
  };
  const isOrdered = flags.cropSamples !== undefined || typeof file?.training.cropSamples === 'number';
  const training = run || isOrdered
    ? wanted
    : withCropThatFits(wanted, { diffwave, clipSamples: dataset.clipSamples, ...memory });
  const resume = run?.resume(diffwave, { readOnly: !isFirst });
  if (resume && resume.step >= flags.steps) {
    throw new UserError(`the run is at step ${resume.step} already: ask for more with --steps`);
  }
  const { parts, decaySteps: ofRun } = run?.config.training ?? wanted;
  if (run && isFirst && (wanted.parts !== parts || wanted.decaySteps !== ofRun)) run.recordTraining(wanted);
  if (run && isFirst && (isNewData || run.config.data !== data)) {
    run.recordData({ data, preparation: dataset.manifest.options }, isNewData ? { step: resume!.step, fingerprint } : undefined);
  }
  print(gpu.describe());
  if (gpu.isSoftware && !run && presetName === DEFAULT_PRESET) print(`note: the preset ${presetName} is meant for GPUs; --preset tiny follows the same recipe on a processor`);
  print(
    `model     ${presetName}: ${model.layers} layers × ${model.channels} channels, T = ${model.diffusionSteps}, ` +
    `sees ${receptiveField(model)} samples (${Number((receptiveField(model) / model.sampleRate).toPrecision(2))} s)`,
  );
  const differs = differsLine({ model, training }, preset);
  if (differs !== undefined) print(differs);
  print(scheduleLine(model));
  print(
    `data      ${dataset.clipCount} clips of ${dataset.clipSamples} samples at ${dataset.sampleRate} Hz, ` +
    `batch ${training.batchSize} × ${training.cropSamples ?? dataset.clipSamples} samples`,
  );
  // Of a prepared data set `dataset` has told.
  if (!isDataset(data)) for (const line of findingLines(dataset.manifest.findings)) print(line);
  if (training !== wanted) print(`cropped   to ${training.cropSamples} samples instead of ${wanted.cropSamples ?? dataset.clipSamples}, so that the step fits`);
  if (labels) print(labelsLine(labels));
  print(splitLine(split));
  const { learningRateSchedule, decaySteps } = training;
  if (resume && learningRateSchedule === 'cosine' && decaySteps !== null && decaySteps < flags.steps) {
    const left = learningRateAt(training, decaySteps);
    print(`note: the learning rate falls until update ${decaySteps}, as the run began; from there on it is ${left}, of which little comes: --decay-steps ${flags.steps} makes it fall until the end`);
  }
  if (resume) print(`resumed   at step ${resume.step}${isNewData ? ', with other data from here on' : ''}`);
  await expectSameTraining(ranks, { flags, model, training, data: labels ? fingerprint + labelTable(labels) : fingerprint, gpu, diffwave, resume });
  if (ranks.size > 1) print(companyLine(company, { training, gpu }));
  const signal = interruptSignal('stopping after this step, then saving (again to stop at once)', isFirst ? undefined : () => {});
  let folder = isFirst ? run : undefined;
  let monitor: Monitor | undefined;
  let saved = '';
  let forecast = 0;
  await train(diffwave, {
    ...memory,
    dataset: split.training,
    training,
    resume,
    signal,
    ranks,
    steps: flags.steps,
    printEvery: flags.printEvery,
    saveEvery: flags.saveEvery,
    snapshotEvery: flags.snapshotEvery,
    onStart: async (trainer) => {
      // Only now is it known that everything fits: a run that cannot start leaves no folder behind.
      if (!folder && isFirst) {
        lock = await RunFolder.lock(flags.out, print);
        folder = RunFolder.create(flags.out, {
          preset: presetName, model, training, data, preparation: dataset.manifest.options, validationTracks: split.tracks, copiesTogether: true,
          memoryLimit: allowed, ...(labels && { labels: askedLabels }),
        });
        folder.writeUnder(lock);
        if (labels) keepLabels(folder, labels);
      }
      print(planLines(trainer));
      forecast = trainer.memory.forecast.total;
      monitor = await Monitor.create({ ...flags, trainer, run: folder, ranks, split, model, resumedAt: resume?.step });
    },
    onUpdate: ({ step }) => monitor!.update(step),
    onProgress: (progress) => {
      folder?.appendLog(progress);
      monitor!.progress(progress);
    },
    onRecovery: async (trainer, recovery) => {
      folder?.logRecovery(recovery);
      await monitor?.recovered(trainer, recovery);
    },
    onSave: async (state) => {
      await expectSameState(ranks, diffwave, state);
      if (!folder) return;
      monitor!.markIfBest(state.step);
      await folder.save(diffwave, { ...state, data: fingerprint }, { keep: flags.keep });
      saved = `saved step ${state.step} in ${flags.out}`;
      if (state.step < flags.steps && !signal.aborted) monitor!.display.print(saved);
    },
  }).finally(() => monitor?.end());
  print(`GPU memory at the peak ${formatBytes(gpu.buffers.peakBytes)}, ${formatBytes(forecast)} were predicted`);
  lock?.release();
  print(saved);
  print(signal.aborted
    ? `go on with: ${typedCommand('train')} --data ${data} --out ${flags.out} --steps ${flags.steps} --resume`
    : `listen with: ${typedCommand('sample')} --run ${flags.out} ${listening(model)} --out samples`);
  gpu.close();
  await ranks.barrier(); // what one has said and written is there before any of them ends
  company.part();
});

/** What `sample` has to be told of such a network. */
function listening({ conditioner, labels }: DiffWaveConfig): string {
  if (conditioner === 'mel') return '--like <sound.wav>';
  return labels ? `--label ${/[^\w.-]/.test(labels[0]!) ? `'${labels[0]}'` : labels[0]} --seconds 5` : '--seconds 5';
}
