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
import type { Bytes } from './bytes.ts';
import { asciiAt, bytesOf, partOf } from './bytes.ts';
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
 * are read as far as they go, with a warning. Of a long file no more is read than `seconds` want.
 *
 * @param name how warnings and errors call the file
 * @throws UserError of one line if it is none of these, or nothing of it can be read
 */
export async function decodeSound(content: Uint8Array | Bytes, name: string, { seconds = Infinity }: SoundOptions = {}): Promise<DecodedSound> {
  const bytes = bytesOf(content);
  const plain = isAu(bytes) ? auToWav(bytes, name, seconds) : isAiff(bytes) ? aiffToWav(bytes, name, seconds) : { bytes, warnings: [] };
  const wav = bytesOf(plain.bytes);
  if (isRiff(wav)) {
    const compressed = compressedWav(wav, name, seconds);
    const sound = compressed
      ? await decodeWith('wav', bytesOf(compressed.bytes), { name, frames: compressed.frames, warnings: compressed.warnings })
      : decodeWav(wav, name, { seconds });
    return { ...sound, warnings: [...plain.warnings, ...sound.warnings] };
  }
  const start = startOf(bytes);
  const codec = codecAt(bytes, start);
  if (!codec) {
    const promised = wavEndings.test(name) ? 'a WAV file' : 'a sound file that can be read';
    throw new UserError(`${name} is not ${promised}: ${describe(bytes.read(0, 64))}`);
  }
  // MP3's decoder knows tags; the others want what is behind them.
  return decodeWith(codec, codec === 'mp3' ? bytes : partOf(bytes, start), { name, seconds, warnings: [] });
}

const blockBytes = 1 << 16;

/** Where the sound begins, behind ID3 tags (id3.org, ID3v2.4, 3.1: the size has 7 bits a byte) and zeros that programs left there. */
function startOf(bytes: Bytes): number {
  for (let at = 0; ; ) {
    if (asciiAt(bytes, at).startsWith('ID3') && at + 10 <= bytes.length) {
      at += 10 + bytes.read(at + 6, at + 10).reduce((size, byte) => (size << 7) | (byte & 0x7f), 0);
      continue;
    }
    const block = bytes.read(at, at + blockBytes);
    const end = block.length < blockBytes ? block.length : blockBytes - 8; // what is behind a zero is looked at with it
    let zeros = 0;
    while (zeros < end && block[zeros] === 0 && ascii(block, zeros + 4) !== 'ftyp') zeros++;
    if (zeros === 0) return Math.min(at, bytes.length);
    at += zeros;
  }
}

/** The codec that begins at `at`. */
function codecAt(bytes: Bytes, at: number): Codec | undefined {
  const head = asciiAt(bytes, at);
  if (head === 'fLaC') return 'flac';
  if (head === 'OggS') return oggCodec(bytes.read(at, at + 27 + 255 + 8));
  if (asciiAt(bytes, at + 4) === 'ftyp') return 'mp4';
  const [first, second] = bytes.read(at, at + 2);
  // Eleven bits of synchronisation, then version and layer: ADTS has layer 0 (ISO/IEC 13818-7), MP3 layer III (11172-3).
  if (first === 0xff && (second! & 0xf6) === 0xf0) return 'aac';
  if (first === 0xff && (second! & 0xe6) === 0xe2) return 'mp3';
  return at > 0 && asciiAt(bytes, 0).startsWith('ID3') ? 'mp3' : undefined; // a tag whose size is wrong
}

/** By the beginning of the first packet, behind a page's head of 27 bytes and its segment table (RFC 3533). */
function oggCodec(page: Uint8Array): Codec | undefined {
  const packet = 27 + (page[26] ?? 0);
  if (ascii(page, packet) === 'Opus') return 'opus';
  if (ascii(page, packet + 1) === 'vorb') return 'vorbis';
  return ascii(page, packet + 1) === 'FLAC' ? 'flac' : undefined;
}
