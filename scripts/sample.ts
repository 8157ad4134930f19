/** npm run sample: makes sound with a trained network. */
import { makeFolder } from '../src/disk/files.node.ts';
import { RunFolder } from '../src/diffwave/files/run.node.ts';
import { usableMatrices } from '../src/diffwave/training/precision.ts';
import { isShared, sample } from '../src/diffwave/sampling/sampling.ts';
import { UserError } from '../src/errors.ts';
import { counters } from '../src/random.ts';
import { formatBytes } from '../src/gpu/device/buffers.ts';
import { installedVersions } from '../src/tuning/tuning.node.ts';
import { command } from './lib/cli/command.ts';
import { adapterFlag } from './lib/adapter/adapters.ts';
import { noTuneFlag, openGpuTogether } from './lib/adapter/openGpu.ts';
import { openRanks } from './lib/cli/ranks.ts';
import { expectSameSampling, sharedLine } from './lib/sample/together.ts';
import { shareOf } from '../src/ranks.ts';
import { play } from './lib/cli/play.ts';
import { formatDuration } from './lib/report/lines.ts';
import type { Sound } from './lib/sample/input.ts';
import { loadSounds, soundOptionsOf } from './lib/sample/input.ts';
import { SampleOutput, checkOutput, outputFlags } from './lib/sample/output.ts';
import { SampleProgress } from './lib/sample/progress.ts';
import { samplingFlags, taskOf } from './lib/sample/flags.ts';

const cli = command({
  name: 'sample',
  summary: 'Makes sound with a trained network: WAV files, and a spectrogram beside each.',
  flags: {
    run: { type: 'string', placeholder: '<run>', required: true, help: 'folder of a training run' },
    ...outputFlags,
    ...samplingFlags,
    count: { type: 'integer', default: 1, min: 1, help: 'how many' },
    index: { type: 'integer', default: 0, min: 0, max: counters - 1, help: 'number of the first: sample i is the same whether made alone or among others' },
    seed: { type: 'integer', default: 0, min: 0, help: 'another seed, another sound' },
    start: { type: 'string', choices: ['white', 'shaped'], default: 'white', help: "x_T: white noise, or noise of the spectrum that the data's x_T has" },
    rawWeights: { type: 'boolean', help: 'the weights as they were trained last, not their running mean' },
    returnSequence: { type: 'boolean', help: 'also write x_t after every step, from noise to sound, and a picture of all' },
    sequenceEvery: { type: 'integer', min: 1, help: 'only after every so many steps (1)' },
    play: { type: 'boolean', help: 'play each when it is done' },
    precision: {
      type: 'string', choices: ['float32', 'matrix'], default: 'float32',
      help: "matrix multiplies in subgroup matrices, an experiment of WebGPU's; as f16 the sound differs a little",
    },
    adapter: adapterFlag,
    noTune: noTuneFlag,
  },
});

export default cli.does(async ({ flags, given }) => {
  checkOutput(flags, flags);
  if (flags.sequenceEvery !== undefined && !flags.returnSequence) throw new UserError('--sequence-every has a meaning only with --return-sequence');
  if (flags.index + flags.count > counters) {
    throw new UserError(`--index ${flags.index} and --count ${flags.count} go beyond sample ${counters - 1}, after which they would begin again: use another --seed`);
  }
  const matrices = flags.precision === 'matrix';
  const company = await openRanks({ matrices, adapter: flags.adapter });
  const { ranks, isFirst } = company;
  const one = flags.count === 1 && ranks.size > 1; // then they share its samples, if that is possible
  const share = one && ranks.rank > 0 ? [0] : shareOf(flags.count, ranks);
  const progress = new SampleProgress({ clips: share.length, terminal: flags.stdout ? process.stderr : process.stdout });
  const print = (line: string): void => progress.print(line);
  const run = RunFolder.open(flags.run);
  const paths = [flags.variationOf, ...flags.between, flags.continue, flags.inpaint, flags.denoise, flags.like].filter((path) => path !== undefined);
  const loaded = await loadSounds(paths, soundOptionsOf(run.config));
  const notes: string[] = []; // said once the adapter is there, for which this process may be started again
  const load = (path: string): Sound => {
    const sound = loaded(path);
    notes.push(...sound.warnings);
    return sound;
  };
  const { name: kind, L, sound, note, options } = taskOf(flags, { config: run.config.model, load });
  if (note) notes.push(note);
  const gpu = await openGpuTogether(ranks, { tune: !flags.noTune, model: run.config.model, print, matrices, adapter: flags.adapter });
  for (const line of isFirst ? notes : []) print(`note: ${line}`);
  const model = await run.load(gpu, { raw: flags.rawWeights });
  if (matrices) {
    const variant = await usableMatrices(model);
    if (typeof variant === 'string' && isFirst) print(`note: precision float32 instead of matrix: ${variant}`);
    if (typeof variant !== 'string') gpu.variant = variant;
  }
  // What is made from a sound goes back to that sound's rate.
  const sampleRate = sound?.sourceRate ?? model.config.sampleRate;
  const restored = (audio: Float32Array): Float32Array => sound?.restore(audio) ?? audio;
  const weights = run.identifyWeights({ raw: flags.rawWeights });
  await expectSameSampling(ranks, { flags, weights, gpu });
  const shape = [1, L] as const;
  const isOneForAll = one && isShared(model, { ...options, shape, ranks });
  if (ranks.size > 1 && isFirst) print(sharedLine(company, { count: flags.count, gpu, isOneForAll }));
  const output = new SampleOutput(flags, {
    given: Object.fromEntries([...given].map((key) => [key, flags[key]])),
    seed: flags.seed,
    weights,
    adapter: gpu.name,
    version: installedVersions()['diffwave-webgpu'],
    sampleRate,
  });

  for (const [clip, number] of one && !isOneForAll && !isFirst ? [] : share.entries()) {
    const item = flags.index + number;
    const start = performance.now();
    const { audio, sequence, peakBytes } = await sample(model, {
      ...options,
      shape,
      ...(isOneForAll && { ranks }),
      seed: flags.seed,
      start: flags.start,
      firstItem: item,
      sequenceEvery: flags.returnSequence ? flags.sequenceEvery ?? 1 : undefined,
      onStep: (done) => {
        // Only now is it known that everything fits; what cannot be made leaves no folder behind.
        if (done === 1 && flags.out && !(one && !isFirst)) makeFolder(flags.out);
      },
      onTile: (done, total) => progress.step({ clip, done, total }),
    });
    if (one && !isFirst) continue; // one of them writes what all have made
    const name = `${kind}-seed${flags.seed}-${item}`;
    const steps = sequence?.map(({ left, clips }) => ({ left, samples: restored(clips[0]!) })) ?? [];
    for (const { left, samples } of steps) output.writeStep(samples, { name, t: left });
    if (steps.length > 0) output.writeSequence(steps, { name });
    const made = restored(audio[0]!);
    const { file, rms, clipped } = await output.write(made, { name, index: item });
    print(
      `${file}: ${(made.length / sampleRate).toFixed(2)} s at ${sampleRate} Hz, RMS ${rms.toFixed(4)}, ` +
      `made in ${formatDuration((performance.now() - start) / 1000)}, GPU memory at the peak ${formatBytes(peakBytes)}`,
    );
    if (clipped > made.length / 100) {
      print(
        `note: ${((100 * clipped) / made.length).toFixed(1)} % of the samples are beyond full scale and were clipped; ` +
        'more training usually mends that, --normalize and --format float avoid it',
      );
    }
    if (flags.play) await play(file, undefined, print);
  }
  progress.end();
  gpu.close();
  await ranks.barrier();
  company.part();
});
