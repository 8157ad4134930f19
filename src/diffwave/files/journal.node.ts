/**
 * What a run folder tells about how training went, beside log.jsonl:
 *
 *   validation.jsonl           one `Validation` a line
 *   samples/step-N.wav .png    sounds made on the way, and their spectrograms
 *   events.out.tfevents.*      all of it for TensorBoard, a file for every start
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { spectrogramImage } from '../../pictures/spectrogramImage.ts';
import { encodeWav16 } from '../../formats/wav.ts';
import { appendToFile, writeFileAtomic } from '../../disk/files.node.ts';
import { readJsonLines } from '../../disk/jsonLines.node.ts';
import { isValidation } from './logEntries.ts';
import { EventFile } from './tensorboard.node.ts';
import type { Progress } from '../training/loop.ts';
import type { Validation } from '../validation/validation.ts';

export interface SavedSample {
  readonly step: number;
  readonly wav: string; // paths
  readonly png: string;
}

const sampleName = /^step-(\d+)\.wav$/;

export class Journal {
  readonly #folder: string;
  readonly #events: EventFile;

  /** With `resumedAt`, what is told of the updates after that is taken back. */
  constructor(folder: string, options: { resumedAt?: number } = {}) {
    this.#folder = folder;
    const { resumedAt } = options;
    if (resumedAt !== undefined) takeBack(folder, resumedAt);
    this.#events = new EventFile(folder, options);
  }

  progress({ step, loss, gradientNorm, learningRate, stepsPerSecond }: Progress): void {
    this.#events.write(step, [
      { tag: 'training/loss', scalar: loss },
      { tag: 'training/gradient norm', scalar: gradientNorm },
      { tag: 'training/learning rate', scalar: learningRate },
      { tag: 'training/updates per second', scalar: stepsPerSecond },
    ]);
  }

  validation(validation: Validation): void {
    appendToFile(validationFile(this.#folder), `${JSON.stringify(validation)}\n`);
    this.#events.write(validation.step, [
      { tag: 'validation/loss', scalar: validation.loss },
      ...validation.bins.flatMap(({ from, to, loss, wiener }) => [
        { tag: `validation t ${from}-${to}/loss`, scalar: loss },
        { tag: `validation t ${from}-${to}/Wiener`, scalar: wiener },
      ]),
    ]);
  }

  /** Saves a sound, not clamped, with its spectrogram. */
  sample(step: number, audio: Float32Array, sampleRate: number): SavedSample {
    const saved = samplePaths(this.#folder, step);
    const wav = encodeWav16(audio, sampleRate);
    const png = spectrogramImage(audio, { sampleRate, title: `after ${step} updates` });
    writeFileAtomic(saved.wav, wav);
    writeFileAtomic(saved.png, png);
    this.#events.write(step, [
      { tag: 'sample', audio: { wav, sampleRate, samples: audio.length } },
      { tag: 'spectrogram', image: { png, ...sizeOfPng(png) } },
    ]);
    return saved;
  }
}

/** The validations so far; a last line that a crash cut off is left out. */
export function readValidations(folder: string): Validation[] {
  return readJsonLines<Validation>(validationFile(folder), isValidation);
}

/** The sounds that were made on the way, oldest first. */
export function savedSamples(folder: string): SavedSample[] {
  const samples = join(folder, 'samples');
  if (!existsSync(samples)) return [];
  return readdirSync(samples)
    .flatMap((name) => sampleName.exec(name)?.[1] ?? [])
    .map((step) => samplePaths(folder, Number(step)))
    .filter(({ png }) => existsSync(png))
    .sort((a, b) => a.step - b.step);
}

function takeBack(folder: string, after: number): void {
  if (existsSync(validationFile(folder))) {
    const kept = readValidations(folder).filter(({ step }) => step <= after);
    writeFileAtomic(validationFile(folder), kept.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }
  for (const { step, wav, png } of savedSamples(folder)) {
    if (step > after) for (const path of [wav, png]) rmSync(path, { force: true });
  }
}

function validationFile(folder: string): string {
  return join(folder, 'validation.jsonl');
}

function samplePaths(folder: string, step: number): SavedSample {
  const stem = join(folder, 'samples', `step-${step}`);
  return { step, wav: `${stem}.wav`, png: `${stem}.png` };
}

/** Of the header chunk, which comes first in every PNG file (ISO/IEC 15948, section 11.2.2). */
function sizeOfPng(png: Uint8Array): { width: number; height: number } {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}
