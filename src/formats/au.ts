/**
 * Sun's and NeXT's .au and .snd files, which GTZAN's originals are: a header of big-endian words (magic, where the samples begin,
 * how many bytes they are, encoding, rate, channels) and the samples, big-endian as well ("Audio file format", Sun 1992).
 */
import { UserError } from '../errors.ts';
import type { Bytes } from './bytes.ts';
import { asciiAt, bytesOf, viewAt } from './bytes.ts';
import type { AsWav } from './pcmFile.ts';
import { pcmAsWav } from './pcmFile.ts';
import type { WavFormat } from './riff.ts';

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

export const isAu = (bytes: Bytes): boolean => asciiAt(bytes, 0) === '.snd';

/** An AU file as the WAV file of its samples, of the first so many seconds. Throws a `UserError` if it is damaged or in an encoding of its own. */
export function auToWav(content: Uint8Array | Bytes, name: string, seconds = Infinity): AsWav {
  const bytes = bytesOf(content);
  if (bytes.length < 24) throw new UserError(`${name} cannot be read: its header has ${bytes.length} bytes instead of at least 24`);
  const view = viewAt(bytes, 0, 24);
  const [start, size, code, sampleRate, channels] = [4, 8, 12, 16, 20].map((at) => view.getUint32(at)) as [number, number, number, number, number];
  const found = encodings[code];
  if (!found) throw new UserError(`${name} cannot be read: it has the AU encoding ${code} (wanted: µ-law, A-law, PCM or float)`);
  const place = { start, size: size === unknownSize ? Infinity : size, isBigEndian: true, isSigned8: code === 2 };
  return pcmAsWav(bytes, { ...found, channels, sampleRate, ...place }, { name, seconds });
}
