/** What `npm run overfit` leaves behind: sounds, pictures, and its figures as JSON. */
import { join } from 'node:path';
import type { DiffWaveConfig } from '../../../src/diffwave/model/config.ts';
import type { Progress } from '../../../src/diffwave/training/loop.ts';
import type { TrainingConfig } from '../../../src/diffwave/training/config.ts';
import { writeFileAtomic } from '../../../src/disk/files.node.ts';
import type { Excerpt } from '../../../src/evaluation/excerpts.ts';
import { frameSize } from '../../../src/evaluation/likeness.ts';
import type { Verdict } from '../../../src/evaluation/overfit.ts';
import type { Recognition } from '../../../src/evaluation/recognise.ts';
import { encodeWav16 } from '../../../src/formats/wav.ts';
import { lossCurve } from '../../../src/pictures/lossCurve.ts';
import { pairsImage } from '../../../src/pictures/pairsImage.ts';

/** What the test made, and how. */
export interface Overfit {
  readonly clips: readonly Excerpt[];
  /** As the network makes them: at RMS 1. */
  readonly samples: readonly Float32Array[];
  readonly recognitions: readonly Recognition[]; // of the samples
  readonly verdict: Verdict;
  readonly log: readonly Progress[];
  readonly sampleRate: number; // Hz
  /** What else the record says. */
  readonly record: { readonly preset: string; readonly adapter: string; readonly seed: number; readonly model: DiffWaveConfig; readonly training: TrainingConfig };
}

/** Names of what is written. */
export const ours = ['clips', 'samples', 'pairs.png', 'loss.png', 'overfit.json'];

/**
 * Writes everything into `out`; returns lines that name it. The samples get the level of the clip that they are, or that they are
 * most like.
 */
export function writeOverfit(out: string, { clips, samples, recognitions, verdict, log, sampleRate, record }: Overfit): string[] {
  const digits = String(samples.length).length;
  const sampleName = (i: number): string => `${String(i + 1).padStart(digits, '0')}.wav`;
  const levelled = samples.map((audio, i) => audio.map((value) => value * clips[recognitions[i]!.clip]!.rms));
  clips.forEach(({ audio }, i) => writeFileAtomic(join(out, 'clips', `${i + 1}.wav`), encodeWav16(audio, sampleRate)));
  levelled.forEach((audio, i) => writeFileAtomic(join(out, 'samples', sampleName(i)), encodeWav16(audio, sampleRate)));

  const pairs = clips.map((clip, i) => {
    const best = mostAlike(recognitions, i);
    return {
      above: { label: `clip ${i + 1}`, samples: clip.audio },
      below: best === undefined
        ? { label: 'no sample is it' }
        : { label: `sample ${best + 1}: ${recognitions[best]!.best.toFixed(2)}`, samples: levelled[best]! },
    };
  });
  writeFileAtomic(join(out, 'pairs.png'), pairsImage(pairs, { sampleRate, frame: frameSize(sampleRate) }));
  const hasCurve = log.length > 1;
  if (hasCurve) writeFileAtomic(join(out, 'loss.png'), lossCurve(log, { title: 'loss on four clips' }));

  const figures = {
    ...record,
    sampleRate,
    clips: clips.map(({ file, offsetSeconds, rms, audio }) => ({ file, offsetSeconds, rms, samples: audio.length })),
    verdict,
    recognitions,
    log: log.map(({ step, loss, gradientNorm, learningRate, seconds }) => ({ step, loss, gradientNorm, learningRate, seconds })),
  };
  writeFileAtomic(join(out, 'overfit.json'), `${JSON.stringify(figures, null, 2)}\n`);
  return [
    `sounds    ${join(out, 'clips')} and ${join(out, 'samples')}`,
    `pictures  ${join(out, 'pairs.png')} (clips above, samples below)${hasCurve ? ` and ${join(out, 'loss.png')}` : '; the loss is not drawn: there is one report only'}`,
    `figures   ${join(out, 'overfit.json')}`,
  ];
}

/** Of the samples that are most like a clip the one with the largest correlation; undefined where there is none. */
function mostAlike(recognitions: readonly Recognition[], clip: number): number | undefined {
  const own = recognitions.flatMap((recognition, i) => (recognition.clip === clip ? [i] : []));
  return own.sort((a, b) => recognitions[b]!.best - recognitions[a]!.best)[0];
}
