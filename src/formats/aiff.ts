/**
 * AIFF and AIFF-C files: chunks as in WAV files, but big-endian; COMM says what the samples are, SSND holds them (Apple, "Audio
 * Interchange File Format AIFF-C", draft of 1991). Samples of 8 bits are signed, 12 bits sit at the upper end of 16.
 */
import { UserError } from '../errors.ts';
import type { Bytes } from './bytes.ts';
import { asciiAt, viewAt } from './bytes.ts';
import { oneLine } from './describe.ts';
import type { AsWav, PcmFile } from './pcmFile.ts';
import { pcmAsWav } from './pcmFile.ts';

type Encoding = Pick<PcmFile, 'encoding' | 'isBigEndian' | 'isSigned8'> & { readonly bits?: number };
const big: Encoding = { encoding: 'pcm', isBigEndian: true, isSigned8: true };
const little: Encoding = { encoding: 'pcm', isBigEndian: false, isSigned8: true };
const float = (bits: number): Encoding => ({ encoding: 'float', isBigEndian: true, bits });
const law = (encoding: 'alaw' | 'mulaw'): Encoding => ({ encoding, isBigEndian: true, bits: 8 });

/** By the four letters of the compression; those that name a size are of that size. */
const encodings: Readonly<Record<string, Encoding>> = {
  NONE: big, twos: big, sowt: little, 'raw ': { encoding: 'pcm', isBigEndian: true },
  in24: { ...big, bits: 24 }, in32: { ...big, bits: 32 }, fl32: float(32), FL32: float(32), fl64: float(64), FL64: float(64),
  alaw: law('alaw'), ALAW: law('alaw'), ulaw: law('mulaw'), ULAW: law('mulaw'),
};

export const isAiff = (bytes: Bytes): boolean => asciiAt(bytes, 0) === 'FORM' && /^AIF[FC]$/.test(asciiAt(bytes, 8));

/** An AIFF file as the WAV file of its samples, of the first so many seconds. Throws a `UserError` if it is damaged or in an encoding that we have no reader for. */
export function aiffToWav(bytes: Bytes, name: string, seconds = Infinity): AsWav {
  let common: number | undefined; // where the body of COMM begins
  let sound: { readonly at: number; readonly size: number } | undefined;
  for (let at = 12; at + 8 <= bytes.length;) {
    const [id, size] = [asciiAt(bytes, at), viewAt(bytes, at + 4, 4).getUint32(0)];
    if (id === 'COMM' && size >= 18 && at + 26 <= bytes.length) common = at + 8;
    if (id === 'SSND' && at + 16 <= bytes.length) sound = { at: at + 8, size };
    at += 8 + size + (size % 2);
  }
  if (common === undefined) throw new UserError(`${name} is an AIFF file without a "COMM" chunk, so its sample format is unknown`);
  if (!sound) throw new UserError(`${name} is an AIFF file without an "SSND" chunk: it holds no samples`);
  const view = viewAt(bytes, common, 18);
  const compression = asciiAt(bytes, 8) === 'AIFC' ? asciiAt(bytes, common + 18) : 'NONE';
  const encoding = encodings[compression];
  if (!encoding) throw new UserError(`${name} cannot be read: it holds sound of the kind "${oneLine(compression)}" (wanted: PCM, float, A-law or µ-law)`);
  const bits = encoding.bits ?? 8 * Math.ceil(view.getUint16(6) / 8);
  if (encoding.encoding === 'pcm' && ![8, 16, 24, 32].includes(bits)) throw new UserError(`${name} cannot be read: it holds PCM samples of ${bits} bits (wanted: 8, 16, 24 or 32)`);
  const skipped = 8 + viewAt(bytes, sound.at, 4).getUint32(0); // two words, and what the first of them says
  return pcmAsWav(bytes, {
    ...encoding, bits,
    channels: view.getUint16(0),
    sampleRate: Math.round(extended(view, 8)),
    isSigned8: encoding.isSigned8 && bits === 8,
    start: sound.at + skipped,
    size: Math.max(0, sound.size - skipped),
  }, { name, seconds });
}

/** A positive number in 80 bits (IEEE 754 extended): sign, exponent of 15 bits, mantissa of 64; Infinity or NaN give 0. */
function extended(view: DataView, at: number): number {
  const exponent = view.getUint16(at); // the sign included: a negative rate is none
  const mantissa = Number(view.getBigUint64(at + 2));
  return exponent > 0x4000 + 62 ? 0 : mantissa * 2 ** (exponent - 16383 - 63);
}
