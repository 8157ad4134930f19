/** npm run sample: makes sound with a trained network. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { spectrogramImage } from '../src/audio/spectrogramImage.ts';
import { rootMeanSquare } from '../src/audio/level.ts';
import { encodeWav16 } from '../src/audio/wav.ts';
import { RunFolder } from '../src/diffwave/run.node.ts';
import { sample } from '../src/diffwave/sampling.ts';
import { UserError } from '../src/errors.ts';
import { writeFileAtomic } from '../src/files.node.ts';
import { formatBytes } from '../src/gpu/buffers.ts';
import { command } from './lib/command.ts';
import { noTuneFlag, openGpu } from './lib/openGpu.ts';
import { play } from './lib/play.ts';
import { formatDuration } from './lib/report.ts';

const cli = command({
  name: 'sample',
  summary: 'Makes sound with a trained network: WAV files, and a spectrogram beside each.',
  flags: {
    run: { type: 'string', placeholder: '<run>', required: true, help: 'folder of a training run' },
    out: { type: 'string', placeholder: '<folder>', required: true, help: 'where the files go' },
    seconds: { type: 'number', above: 0, help: 'length of each (5, unless --length is given)' },
    length: { type: 'integer', min: 1, help: 'the same in samples' },
    count: { type: 'integer', default: 1, min: 1, help: 'how many' },
    seed: { type: 'integer', default: 0, min: 0, help: 'another seed, another sound' },
    variance: { type: 'string', choices: ['beta', 'posterior'], default: 'beta', help: 'σ² of the reverse steps: β, or β̃ of the posterior' },
    rawWeights: { type: 'boolean', help: 'the weights as they were trained last, not their running mean' },
    returnSequence: { type: 'boolean', help: 'also write x_t of every step, from noise to sound' },
    play: { type: 'boolean', help: 'play each when it is done' },
    noTune: noTuneFlag,
  },
});

await cli.run(async ({ flags }) => {
  if (flags.seconds !== undefined && flags.length !== undefined) {
    throw new UserError('--seconds and --length say the same thing twice: give one of them');
  }
  const run = RunFolder.open(flags.run);
  const gpu = await openGpu({ tune: !flags.noTune, model: run.config.model });
  const model = await run.load(gpu, { raw: flags.rawWeights });
  const { sampleRate } = model.config;
  const L = flags.length ?? Math.max(1, Math.round((flags.seconds ?? 5) * sampleRate));

  const write = (name: string, audio: Float32Array): string => {
    const path = join(flags.out, name);
    writeFileAtomic(`${path}.wav`, encodeWav16(audio, sampleRate));
    writeFileAtomic(`${path}.png`, spectrogramImage(audio, { sampleRate, title: name }));
    return `${path}.wav`;
  };
  for (let item = 0; item < flags.count; item++) {
    const start = performance.now();
    const printProgress = progressPrinter(start);
    const { audio, sequence, peakBytes } = await sample(model, {
      shape: [1, L],
      seed: flags.seed,
      variance: flags.variance,
      firstItem: item,
      sequenceEvery: flags.returnSequence ? 1 : undefined,
      onStep: (done, total) => {
        // Only now is it known that everything fits; what cannot be made leaves no folder behind.
        if (done === 1) mkdirSync(flags.out, { recursive: true });
        printProgress(done, total);
      },
    });
    const name = `sample-seed${flags.seed}-${item}`;
    sequence?.forEach(({ left, clips: [clip] }) => {
      writeFileAtomic(join(flags.out, name, `x-${String(left).padStart(4, '0')}.wav`), encodeWav16(clip!, sampleRate));
    });
    const file = write(name, audio[0]!);
    const clipped = audio[0]!.reduce((count, value) => count + (Math.abs(value) > 1 ? 1 : 0), 0);
    console.log(
      `${file}: ${(L / sampleRate).toFixed(2)} s at ${sampleRate} Hz, RMS ${rootMeanSquare(audio[0]!).toFixed(4)}, ` +
      `made in ${formatDuration((performance.now() - start) / 1000)}, GPU memory at the peak ${formatBytes(peakBytes)}`,
    );
    if (clipped > L / 100) {
      console.log(`note: ${((100 * clipped) / L).toFixed(1)} % of the samples are beyond full scale and were clipped; more training usually mends that`);
    }
    if (flags.play) await play(file);
  }
  gpu.close();
});

/** Prints a line about every ten seconds, for walks that take longer than that. */
function progressPrinter(start: number): (done: number, total: number) => void {
  let printed = start;
  return (done, total) => {
    const now = performance.now();
    if (done === total || now - printed < 10_000) return;
    printed = now;
    console.log(`step ${done} of ${total} · ${formatDuration(((now - start) / 1000 / done) * (total - done))} left`);
  };
}
