/** What is said about a file: in one line, whatever the file has in it. */
import { escaped } from '../errors.ts';

export { escaped };

/** What comes from a file, in a message of one line; an error's text may have a line break at its end. */
export function oneLine(text: string): string {
  return escaped(text).trim();
}

/** In a few words, what a file is that no reader is there for. */
export function describe(bytes: Uint8Array): string {
  const found = (what: string) => `it is ${what}; convert it to WAV first, for example with ffmpeg`;
  const head = ascii(bytes, 0);
  if (bytes.length === 0) return 'it is empty';
  const isMp3Frame = bytes[0] === 0xff && (bytes[1]! & 0xe6) === 0xe2; // frame sync and "layer III"
  if (head.startsWith('ID3') || isMp3Frame) return found('an MP3 file');
  if (head === 'OggS') return found('an Ogg file of a kind that there is no decoder for');
  if (head === 'fLaC') return found('a FLAC file');
  if (head === 'FORM') return found('an IFF file');
  if (ascii(bytes, 4) === 'ftyp') return found('an MP4 file');
  if (head === 'caff') return found('a CAF file');
  if (head === '0&\xb2u') return found('a WMA file'); // the first bytes of ASF's GUID
  if (head === 'RIFF') return `it is a RIFF file of the kind "${escaped(ascii(bytes, 8))}"`;
  const start = bytes.subarray(0, 64);
  if (start.every((byte) => byte >= 0x20 || (byte >= 0x09 && byte <= 0x0d))) {
    return `it is text, beginning with "${oneLine(String.fromCharCode(...start.subarray(0, 24)).replace(/\s+/g, ' '))}"`;
  }
  const hex = [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return `it begins with the bytes ${hex}, as no sound file does`;
}

/** The four bytes at `at` as letters; shorter at the end of the file. */
export const ascii = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
