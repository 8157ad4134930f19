/**
 * WAV files in and out. The RIFF structure is walked and written in `riff.ts`, because files in the wild break its rules
 * in ways that a reader should survive.
 */
import { UserError } from '../errors.ts';
import type { Bytes } from './bytes.ts';
import { bytesOf, expectHoldable } from './bytes.ts';
import type { DecodedSound } from './mixDown.ts';
import { mixDown } from './mixDown.ts';
import type { WavFormat, WavInfo } from './riff.ts';
import { bytesPerSample, parseRiff, writeRiff } from './riff.ts';

export interface DecodeOptions {
  /** Read no more than the first so many seconds. Default: everything. */
  readonly seconds?: number;
}

/**
 * Decodes a WAV file (PCM of 8, 16, 24 or 32 bits, float of 32 or 64 bits, any rate; RIFF, RIFX, RF64 or BW64) and mixes its
 * channels down to one (`mixDown`). Damaged files are read as far as they go, with a warning. Compressed kinds are for
 * `decodeSound`.
 *
 * @param name how the warnings and errors call the file
 * @throws UserError when the bytes are not a WAV file, hold compressed sound, no samples, or values that are not numbers
 */
export function decodeWav(content: Uint8Array | Bytes, name: string, { seconds = Infinity }: DecodeOptions = {}): DecodedSound {
  const { format, data, warnings } = parseRiff(bytesOf(content), name, seconds);
  const { channels, encoding, sampleRate } = format;
  const frameCount = Math.floor(data.length / (channels * bytesPerSample(format)));
  if (frameCount === 0) throw new UserError(`${name} holds no samples`);

  expectHoldable(frameCount * channels * (fitsFloat32(format) ? 4 : 8), name);
  const frames = unpacked(data, { ...format, count: frameCount * channels });
  return mixDown(frames, { channels, sampleRate, name, isFloat: encoding === 'float', warnings });
}

/** 24 bits and float32 fit into float32 to the bit. */
const fitsFloat32 = ({ encoding, bits }: WavFormat): boolean => bits <= 24 || (encoding === 'float' && bits === 32);

/** The first `count` samples of any channel, little-endian as in the file, with a full scale of 1. */
function unpacked(data: Uint8Array, { count, ...format }: WavFormat & { count: number }): Float32Array | Float64Array {
  const { encoding, bits } = format;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const reads: Record<string, (at: number) => number> = {
    pcm8: (at) => (view.getUint8(at) - 128) / 2 ** 7, // only these are unsigned
    pcm16: (at) => view.getInt16(at, true) / 2 ** 15,
    pcm24: (at) => ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 2 ** 23,
    pcm32: (at) => view.getInt32(at, true) / 2 ** 31,
    float32: (at) => view.getFloat32(at, true),
    float64: (at) => view.getFloat64(at, true),
  };
  const read = reads[`${encoding}${bits}`]!;
  const samples = fitsFloat32(format) ? new Float32Array(count) : new Float64Array(count);
  for (let i = 0; i < count; i++) samples[i] = read((i * bits) / 8);
  return samples;
}

/** How samples are kept in a file: PCM of 16 or 24 bits, or 32-bit float. */
export type SampleFormat = '16' | '24' | 'float';
export const SAMPLE_FORMATS = ['16', '24', 'float'] as const satisfies readonly SampleFormat[];

export interface EncodeOptions {
  readonly sampleRate: number; // Hz
  readonly format?: SampleFormat; // '16' by default
  readonly info?: WavInfo; // texts that the file carries
}

/**
 * Encodes mono samples as a WAV file. PCM is clamped to [-1, 1]; its full scale is 2^(bits − 1), as in `decodeWav`, so
 * that decoding and encoding again changes nothing. Float is kept as it is.
 *
 * @throws RangeError when a sample is not a number
 * @throws UserError when there are too many for a WAV file
 */
export function encodeWav(samples: Float32Array, { sampleRate, format = '16', info }: EncodeOptions): Uint8Array {
  const broken = samples.findIndex(Number.isNaN);
  if (broken >= 0) throw new RangeError(`encodeWav: sample ${broken} of ${samples.length} is not a number`);
  const bits = format === 'float' ? 32 : Number(format);
  const data = new Uint8Array((samples.length * bits) / 8);
  const view = new DataView(data.buffer);
  const fullScale = 2 ** (bits - 1);
  for (let i = 0; i < samples.length; i++) {
    if (format === 'float') {
      view.setFloat32(4 * i, samples[i]!, true);
      continue;
    }
    const integer = Math.max(-fullScale, Math.min(fullScale - 1, Math.round(samples[i]! * fullScale)));
    if (format === '16') {
      view.setInt16(2 * i, integer, true);
    } else {
      view.setUint16(3 * i, integer & 0xffff, true);
      view.setInt8(3 * i + 2, integer >> 16);
    }
  }
  return writeRiff({ encoding: format === 'float' ? 'float' : 'pcm', bits, channels: 1, sampleRate }, data, info);
}

/** `encodeWav` as 16-bit PCM, without texts. */
export function encodeWav16(samples: Float32Array, sampleRate: number): Uint8Array {
  return encodeWav(samples, { sampleRate });
}
