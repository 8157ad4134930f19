/** What `sample` leaves behind: sounds as WAV, on disk or on standard output, and beside each its picture and a record. */
import { join } from 'node:path';
import { rootMeanSquare } from '../../../src/audio/level.ts';
import { sequenceImage } from '../../../src/pictures/sequenceImage.ts';
import { spectrogramImage } from '../../../src/pictures/spectrogramImage.ts';
import type { EncodeOptions } from '../../../src/formats/wav.ts';
import { SAMPLE_FORMATS, encodeWav } from '../../../src/formats/wav.ts';
import { peakOf } from '../../../src/dataset/dataset.ts';
import type { WeightsIdentity } from '../../../src/diffwave/files/run.node.ts';
import { UserError } from '../../../src/errors.ts';
import { writeFileAtomic } from '../../../src/disk/files.node.ts';
import type { CommandSpec, Parsed } from '../cli/flags.ts';
import { typed } from '../cli/flags.ts';

export const outputFlags = {
  out: { type: 'string', placeholder: '<folder>', help: 'where the files go; required without --stdout' },
  stdout: { type: 'boolean', help: 'write the sound to standard output, as WAV; everything else goes to standard error' },
  format: { type: 'string', choices: SAMPLE_FORMATS, default: '16', help: 'bits of a PCM sample, or 32-bit float, which clips nothing' },
  normalize: { type: 'boolean', help: 'make the peak −1 dBFS' },
} as const satisfies CommandSpec['flags'];

export type OutputFlags = Parsed<{ name: string; summary: string; flags: typeof outputFlags }>['flags'];

/** dBFS, of the peak after `--normalize`: players that interpolate between samples need a little room. */
const NORMALIZED_PEAK_DB = -1;

/** Flags that say where a sound goes or how it is made, not what it is: they are not written into it. */
const WHEREABOUTS = new Set(['run', 'out', 'stdout', 'count', 'index', 'seed', 'play', 'noTune', 'adapter', 'returnSequence', 'sequenceEvery', 'tileSamples']);

/** What made the sounds. */
export interface Provenance {
  /** Everything that was typed, by the flags' keys. */
  readonly given: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly weights: WeightsIdentity;
  readonly adapter: string;
  readonly version: string; // of this package
  readonly sampleRate: number; // Hz
}

/** What became of a clip. */
export interface Written {
  /** The WAV file, or `standard output`. */
  readonly file: string;
  readonly rms: number;
  /** The largest magnitude, before PCM clips it. */
  readonly peak: number;
  /** Samples beyond full scale that were clipped. */
  readonly clipped: number;
}

/** Throws a `UserError` if the sounds would go nowhere, or more than one into one stream. */
export function checkOutput(
  { out, stdout }: OutputFlags,
  options: { count: number; play: boolean; returnSequence: boolean; isTTY?: boolean },
): void {
  const { count, isTTY = process.stdout.isTTY } = options;
  if (!out && !stdout) throw new UserError('--out <folder> is required, unless the sound goes to --stdout');
  if (!stdout) return;
  if (count > 1) throw new UserError(`--stdout takes one sound, not the ${count} of --count: use --out`);
  for (const flag of ['play', 'returnSequence'] as const) {
    if (options[flag] && !out) throw new UserError(`${typed(flag)} needs files: give --out <folder> as well as --stdout`);
  }
  if (isTTY) throw new UserError('--stdout would write a WAV file to the terminal: send it to a file or a program, as in "… --stdout | aplay"');
}

export class SampleOutput {
  readonly #flags: OutputFlags;
  readonly #origin: Provenance;

  constructor(flags: OutputFlags, origin: Provenance) {
    this.#flags = flags;
    this.#origin = origin;
  }

  /** Writes clip number `index` under `name`: the same seed, flags and weights give the same bytes. */
  async write(audio: Float32Array, { name, index }: { name: string; index: number }): Promise<Written> {
    const { out, stdout, format, normalize } = this.#flags;
    const gain = normalize ? gainToPeak(audio) : 1;
    const sound = gain === 1 ? audio : audio.map((value) => gain * value);
    const wav = this.#encode(sound, infoOf(this.#origin, { name, index }));
    const level = { rms: rootMeanSquare(sound), peak: peakOf(sound) };
    const clipped = format === 'float' ? 0 : sound.reduce((count, value) => count + (Math.abs(value) > 1 ? 1 : 0), 0);
    const path = out && join(out, name);
    if (path) {
      const { sampleRate } = this.#origin;
      const scaled = normalize ? { normalized: { peakDb: NORMALIZED_PEAK_DB, gain } } : {};
      const record = { ...recordOf(this.#origin, index), format, samples: audio.length, seconds: audio.length / sampleRate, ...level, clipped, ...scaled };
      writeFileAtomic(`${path}.wav`, wav);
      writeFileAtomic(`${path}.png`, spectrogramImage(sound, { sampleRate, title: name }));
      writeFileAtomic(`${path}.json`, `${JSON.stringify(record, null, 2)}\n`);
    }
    if (stdout) await new Promise<void>((done, fail) => process.stdout.write(wav, (error) => (error ? fail(error) : done())));
    return { file: path ? `${path}.wav` : 'standard output', ...level, clipped };
  }

  /** Writes x_t of a clip on its way from noise to sound: as it is, whatever `--normalize` says, so that levels compare. */
  writeStep(x: Float32Array, { name, t }: { name: string; t: number }): void {
    if (!this.#flags.out) return;
    writeFileAtomic(join(this.#flags.out, name, `x-${String(t).padStart(4, '0')}.wav`), this.#encode(x));
  }

  /** Draws all of these steps into one picture. */
  writeSequence(steps: readonly { readonly left: number; readonly samples: Float32Array }[], { name }: { name: string }): void {
    if (!this.#flags.out) return;
    const rows = steps.map(({ left, samples }) => ({ label: String(left), samples }));
    writeFileAtomic(join(this.#flags.out, name, 'sequence.png'), sequenceImage(rows, { sampleRate: this.#origin.sampleRate }));
  }

  #encode(samples: Float32Array, info?: EncodeOptions['info']): Uint8Array {
    return encodeWav(samples, { sampleRate: this.#origin.sampleRate, format: this.#flags.format, info });
  }
}

/** What the peak has to be multiplied by; silence stays as it is. */
function gainToPeak(samples: Float32Array): number {
  const peak = peakOf(samples);
  return peak > 0 ? 10 ** (NORMALIZED_PEAK_DB / 20) / peak : 1;
}

/** Texts for the file's INFO chunk. No date and no place: they would differ from run to run. */
function infoOf({ given, seed, weights, version }: Provenance, { name, index }: { name: string; index: number }): EncodeOptions['info'] {
  const flags = Object.entries(given)
    .filter(([key]) => !WHEREABOUTS.has(key))
    .map(([key, value]) => [typed(key), ...(value === true ? [] : [value].flat())].join(' '));
  const which = weights.step === null ? '' : ` of step ${weights.step}`;
  return {
    INAM: name,
    ISFT: `diffwave-webgpu ${version}`,
    ICMT: [`seed ${seed}, clip ${index}`, ...(flags.length > 0 ? [flags.join(' ')] : []), `weights${which}, SHA-256 ${weights.sha256}`].join('; '),
  };
}

/** The same for the file beside it, with everything that was typed. */
function recordOf({ given, seed, weights, adapter, version, sampleRate }: Provenance, index: number) {
  const flags = Object.fromEntries(Object.entries(given).map(([key, value]) => [typed(key), value]));
  return { seed, index, flags, weights, version, adapter, sampleRate };
}
