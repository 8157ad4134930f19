/**
 * Sound files of any format, told by what is in them and not by their names. WAV, AU and AIFF files are read here; the decoders of
 * compressed formats are loaded when such a file is met (`codecs.ts`).
 */
import { UserError } from '../errors.ts';
import { aiffToWav, isAiff } from './aiff.ts';
import { auToWav, isAu } from './au.ts';
import type { Codec } from './codecs.ts';
import { decodeWith } from './codecs.ts';
import { compressedWav } from './compressedWav.ts';
import { ascii, describe } from './describe.ts';
import type { DecodedSound } from './mixDown.ts';
import { isRiff } from './riff.ts';
import { decodeWav } from './wav.ts';

/** Endings of files that are looked at in a folder. */
export const soundEndings = /\.(wav|wave|bwf|rf64|au|snd|mp3|flac|ogg|oga|opus|m4a|aac|aif|aiff|aifc)$/i;

const wavEndings = /\.(wav|wave|bwf|rf64)$/i;

export interface SoundOptions {
  /** Read no more than the first so many seconds. Default: everything. */
  readonly seconds?: number;
}

/**
 * Decodes a WAV, AU, AIFF, MP3, FLAC, Ogg Vorbis, Opus, AAC or M4A file and mixes its channels down to one (`mixDown`). Damaged files
 * are read as far as they go, with a warning.
 *
 * @param name how warnings and errors call the file
 * @throws UserError of one line if it is none of these, or nothing of it can be read
 */
export async function decodeSound(bytes: Uint8Array, name: string, { seconds = Infinity }: SoundOptions = {}): Promise<DecodedSound> {
  const plain = isAu(bytes) ? auToWav(bytes, name, seconds) : isAiff(bytes) ? aiffToWav(bytes, name, seconds) : { bytes, warnings: [] };
  if (isRiff(plain.bytes)) {
    const compressed = compressedWav(plain.bytes, name, seconds);
    const sound = compressed
      ? await decodeWith('wav', compressed.bytes, { name, frames: compressed.frames, warnings: compressed.warnings })
      : decodeWav(plain.bytes, name, { seconds });
    return { ...sound, warnings: [...plain.warnings, ...sound.warnings] };
  }
  const start = startOf(bytes);
  const codec = codecAt(bytes, start);
  if (!codec) {
    const promised = wavEndings.test(name) ? 'a WAV file' : 'a sound file that can be read';
    throw new UserError(`${name} is not ${promised}: ${describe(bytes)}`);
  }
  // MP3's decoder knows tags; the others want what is behind them.
  return decodeWith(codec, codec === 'mp3' ? bytes : bytes.subarray(start), { name, seconds, warnings: [] });
}

/** Where the sound begins, behind ID3 tags (id3.org, ID3v2.4, 3.1: the size has 7 bits a byte) and zeros that programs left there. */
function startOf(bytes: Uint8Array): number {
  for (let at = 0; ; ) {
    if (ascii(bytes, at).startsWith('ID3') && at + 10 <= bytes.length) {
      at += 10 + bytes.subarray(at + 6, at + 10).reduce((size, byte) => (size << 7) | (byte & 0x7f), 0);
    } else if (bytes[at] === 0 && ascii(bytes, at + 4) !== 'ftyp') {
      at++;
    } else {
      return Math.min(at, bytes.length);
    }
  }
}

/** The codec that begins at `at`. */
function codecAt(bytes: Uint8Array, at: number): Codec | undefined {
  const head = ascii(bytes, at);
  if (head === 'fLaC') return 'flac';
  if (head === 'OggS') return oggCodec(bytes.subarray(at));
  if (ascii(bytes, at + 4) === 'ftyp') return 'mp4';
  // Eleven bits of synchronisation, then version and layer: ADTS has layer 0 (ISO/IEC 13818-7), MP3 layer III (11172-3).
  if (bytes[at] === 0xff && (bytes[at + 1]! & 0xf6) === 0xf0) return 'aac';
  if (bytes[at] === 0xff && (bytes[at + 1]! & 0xe6) === 0xe2) return 'mp3';
  return at > 0 && ascii(bytes, 0).startsWith('ID3') ? 'mp3' : undefined; // a tag whose size is wrong
}

/** By the beginning of the first packet, behind a page's head of 27 bytes and its segment table (RFC 3533). */
function oggCodec(bytes: Uint8Array): Codec | undefined {
  const packet = 27 + (bytes[26] ?? 0);
  if (ascii(bytes, packet) === 'Opus') return 'opus';
  if (ascii(bytes, packet + 1) === 'vorb') return 'vorbis';
  return ascii(bytes, packet + 1) === 'FLAC' ? 'flac' : undefined;
}
