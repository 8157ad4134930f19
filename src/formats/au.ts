/**
 * Sun's and NeXT's .au and .snd files, which GTZAN's originals are: a header of big-endian words (magic, where the samples begin,
 * how many bytes they are, encoding, rate, channels) and the samples, big-endian as well ("Audio file format", Sun 1992). They
 * become the WAV file of the same samples.
 */
import { UserError } from '../errors.ts';
import type { WavFormat } from './riff.ts';
import { swapBytes, writeRiff } from './riff.ts';

/** By the number in the header. */
const encodings: Readonly<Record<number, Pick<WavFormat, 'encoding' | 'bits'>>> = {
  1: { encoding: 'mulaw', bits: 8 },
  2: { encoding: 'pcm', bits: 8 },
  3: { encoding: 'pcm', bits: 16 },
  4: { encoding: 'pcm', bits: 24 },
  5: { encoding: 'pcm', bits: 32 },
  6: { encoding: 'float', bits: 32 },
  7: { encoding: 'float', bits: 64 },
  27: { encoding: 'alaw', bits: 8 },
};

const unknownSize = 0xffffffff;

export const isAu = (bytes: Uint8Array): boolean => String.fromCharCode(...bytes.subarray(0, 4)) === '.snd';

/** The bytes of a WAV file with the samples of an AU file. Throws a `UserError` if it is damaged or in an encoding of its own. */
export function auToWav(bytes: Uint8Array, name: string): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 24) throw new UserError(`${name} cannot be read: its header has ${bytes.length} bytes instead of at least 24`);
  const [start, size, code, sampleRate, channels] = [4, 8, 12, 16, 20].map((at) => view.getUint32(at)) as [number, number, number, number, number];
  const found = encodings[code];
  if (!found) throw new UserError(`${name} cannot be read: it has the AU encoding ${code} (wanted: µ-law, A-law, PCM or float)`);
  if (sampleRate === 0 || channels === 0 || channels > 0xffff) {
    throw new UserError(`${name} cannot be read: it says that it has ${channels} channels at ${sampleRate} Hz`);
  }
  const end = size === unknownSize ? bytes.length : Math.min(bytes.length, start + size);
  const frameBytes = (channels * found.bits) / 8;
  const frames = Math.max(0, Math.floor((end - start) / frameBytes));
  if (frames === 0) throw new UserError(`${name} holds no samples`);
  const data = swapBytes(bytes.slice(start, start + frames * frameBytes), found.bits);
  if (code === 2) data.forEach((byte, i) => (data[i] = byte ^ 0x80)); // signed here, unsigned in WAV files
  return writeRiff({ ...found, channels, sampleRate }, data);
}
