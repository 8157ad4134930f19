/** npm run sample: makes sound with a trained network. */
import { mkdirSync } from 'node:fs';
import { RunFolder } from '../src/diffwave/run.node.ts';
import { sample } from '../src/diffwave/sampling.ts';
import { UserError } from '../src/errors.ts';
import { formatBytes } from '../src/gpu/buffers.ts';
import { installedVersions } from '../src/verify/tuning.node.ts';
import { command } from './lib/command.ts';
import { noTuneFlag, openGpu } from './lib/openGpu.ts';
import { play } from './lib/play.ts';
import { formatDuration } from './lib/report.ts';
import { SampleOutput, checkOutput, outputFlags } from './lib/sampleOutput.ts';
import { SampleProgress } from './lib/sampleProgress.ts';

const cli = command({
  name: 'sample',
  summary: 'Makes sound with a trained network: WAV files, and a spectrogram beside each.',
  flags: {
    run: { type: 'string', placeholder: '<run>', required: true, help: 'folder of a training run' },
    ...outputFlags,
    seconds: { type: 'number', above: 0, help: 'length of each (5, unless --length is given)' },
    length: { type: 'integer', min: 1, help: 'the same in samples' },
    count: { type: 'integer', default: 1, min: 1, help: 'how many' },
    seed: { type: 'integer', default: 0, min: 0, help: 'another seed, another sound' },
    variance: { type: 'string', choices: ['beta', 'posterior'], default: 'beta', help: 'σ² of the reverse steps: β, or β̃ of the posterior' },
    start: { type: 'string', choices: ['white', 'shaped'], default: 'white', help: "x_T: white noise, or noise of the spectrum that the data's x_T has" },
    rawWeights: { type: 'boolean', help: 'the weights as they were trained last, not their running mean' },
    returnSequence: { type: 'boolean', help: 'also write x_t of every step, from noise to sound' },
    play: { type: 'boolean', help: 'play each when it is done' },
    noTune: noTuneFlag,
  },
});

await cli.run(async ({ flags, given }) => {
  checkOutput(flags, flags);
  if (flags.seconds !== undefined && flags.length !== undefined) {
    throw new UserError('--seconds and --length say the same thing twice: give one of them');
  }
  const progress = new SampleProgress({ clips: flags.count, terminal: flags.stdout ? process.stderr : process.stdout });
  const print = (line: string): void => progress.print(line);
  const run = RunFolder.open(flags.run);
  const gpu = await openGpu({ tune: !flags.noTune, model: run.config.model, print });
  const model = await run.load(gpu, { raw: flags.rawWeights });
  const { sampleRate } = model.config;
  const L = flags.length ?? Math.max(1, Math.round((flags.seconds ?? 5) * sampleRate));
  const output = new SampleOutput(flags, {
    given: Object.fromEntries([...given].map((key) => [key, flags[key]])),
    seed: flags.seed,
    weights: run.identifyWeights({ raw: flags.rawWeights }),
    adapter: gpu.name,
    version: installedVersions()['diffwave-webgpu'],
    sampleRate,
  });

  for (let item = 0; item < flags.count; item++) {
    const start = performance.now();
    const { audio, sequence, peakBytes } = await sample(model, {
      shape: [1, L],
      seed: flags.seed,
      variance: flags.variance,
      start: flags.start,
      firstItem: item,
      sequenceEvery: flags.returnSequence ? 1 : undefined,
      onStep: (done, total) => {
        // Only now is it known that everything fits; what cannot be made leaves no folder behind.
        if (done === 1 && flags.out) mkdirSync(flags.out, { recursive: true });
        progress.step({ clip: item, done, total });
      },
    });
    const name = `sample-seed${flags.seed}-${item}`;
    sequence?.forEach(({ left, clips: [clip] }) => output.writeStep(clip!, { name, t: left }));
    const { file, rms, clipped } = await output.write(audio[0]!, { name, index: item });
    print(
      `${file}: ${(L / sampleRate).toFixed(2)} s at ${sampleRate} Hz, RMS ${rms.toFixed(4)}, ` +
      `made in ${formatDuration((performance.now() - start) / 1000)}, GPU memory at the peak ${formatBytes(peakBytes)}`,
    );
    if (clipped > L / 100) {
      print(
        `note: ${((100 * clipped) / L).toFixed(1)} % of the samples are beyond full scale and were clipped; ` +
        'more training usually mends that, --normalize and --format float avoid it',
      );
    }
    if (flags.play) await play(file, undefined, print);
  }
  progress.end();
  gpu.close();
});
