/**
 * Sound files of any format, told by what is in them and not by their names. WAV and AU files are read here; the decoders of the
 * others, WebAssembly inside the package audio-decode, are loaded when such a file is met.
 */
import { UserError } from '../errors.ts';
import { auToWav, isAu } from './au.ts';
import type { DecodedSound } from './mixDown.ts';
import { mixDown } from './mixDown.ts';
import { compressedKind, isRiff, oneLine } from './riff.ts';
import { decodeWav } from './wav.ts';

/** Endings of files that are looked at in a folder. */
export const soundEndings = /\.(wav|wave|bwf|rf64|au|snd|mp3|flac|ogg|oga|opus|m4a|aac|aif|aiff|aifc)$/i;

export interface SoundOptions {
  /** Read no more than the first so many seconds. Default: everything. */
  readonly seconds?: number;
}

/** Bytes that a decoder is given at once: of a long file no more is decoded than is wanted. */
const chunkBytes = 1 << 18;

/** Formats whose tables may stand at the end of the file: they are decoded as a whole. */
const wholeFormats = new Set(['m4a', 'aiff', 'wav']);

type Codec = 'mp3' | 'flac' | 'oga' | 'opus' | 'm4a' | 'aac' | 'aiff' | 'wav';

/**
 * Decodes a WAV, AU, MP3, FLAC, Ogg Vorbis, Opus, AAC, M4A or AIFF file and mixes its channels down to one (`mixDown`). `name` is how
 * warnings and errors call the file. Rejects with a `UserError` of one line if it is none of these, damaged or empty.
 */
export async function decodeSound(bytes: Uint8Array, name: string, { seconds = Infinity }: SoundOptions = {}): Promise<DecodedSound> {
  const wav = isAu(bytes) ? auToWav(bytes, name) : bytes;
  if (isRiff(wav)) {
    return compressedKind(wav) === undefined ? decodeWav(wav, name, { seconds }) : decodeWith('wav', wav, { name, seconds });
  }
  const codec = codecOf(bytes);
  // What is nothing that we know is explained by the reader of WAV files.
  return codec === undefined ? decodeWav(bytes, name, { seconds }) : decodeWith(codec, bytes, { name, seconds });
}

/** The decoder for a file's first bytes. */
function codecOf(bytes: Uint8Array): Codec | undefined {
  const letters = (at: number, count = 4): string => String.fromCharCode(...bytes.subarray(at, at + count));
  if (letters(0) === 'fLaC') return 'flac';
  if (letters(0) === 'OggS') return letters(28, 8) === 'OpusHead' ? 'opus' : 'oga';
  if (letters(4) === 'ftyp') return 'm4a';
  if (letters(0) === 'FORM' && letters(8, 3) === 'AIF') return 'aiff';
  if (letters(0, 3) === 'ID3') return 'mp3';
  if (bytes[0] !== 0xff) return undefined;
  // Eleven bits of synchronisation, then version and layer: ADTS has layer 0 (ISO/IEC 13818-7), MP3 layer III (11172-3).
  if ((bytes[1]! & 0xf6) === 0xf0) return 'aac';
  return (bytes[1]! & 0xe6) === 0xe2 ? 'mp3' : undefined;
}

async function decodeWith(codec: Codec, bytes: Uint8Array, { name, seconds }: { name: string; seconds: number }): Promise<DecodedSound> {
  const parts: Float32Array[][] = []; // of every part its channels
  let [sampleRate, count] = [0, 0];
  const take = (part: { channelData: Float32Array[]; sampleRate: number }): void => {
    if (part.channelData.length === 0) return;
    sampleRate ||= part.sampleRate;
    parts.push([...part.channelData]);
    count += part.channelData[0]!.length;
  };
  const warnings: string[] = [];
  try {
    const { default: decode } = await import('audio-decode');
    const decoder = await decode[codec]();
    try {
      const size = wholeFormats.has(codec) ? bytes.length : chunkBytes;
      for (let at = 0; at < bytes.length && !(count >= seconds * sampleRate && count > 0); at += size) {
        take(await decoder(bytes.subarray(at, at + size)));
      }
      take(await decoder.flush());
    } finally {
      decoder.free();
    }
  } catch (error) {
    if (count === 0) throw new UserError(`${name} cannot be decoded: ${oneLine((error as Error).message ?? String(error))}`);
    warnings.push(`${name}: it could be decoded in part only: ${oneLine((error as Error).message)}`);
  }
  const wanted = Math.min(count, Math.ceil(seconds * sampleRate));
  if (wanted === 0 || !(sampleRate > 0)) throw new UserError(`${name} holds no samples that can be decoded`);
  const channels = Math.min(...parts.map((part) => part.length));
  return mixDown(interleaved(parts, { channels, count: wanted }), { channels, sampleRate, name, isFloat: true, warnings });
}

function interleaved(parts: readonly (readonly Float32Array[])[], { channels, count }: { channels: number; count: number }): Float32Array {
  const frames = new Float32Array(count * channels);
  let frame = 0;
  for (const part of parts) {
    const length = Math.min(part[0]!.length, count - frame);
    for (let i = 0; i < length; i++) for (let c = 0; c < channels; c++) frames[(frame + i) * channels + c] = part[c]![i]!;
    frame += length;
  }
  return frames;
}
