/** Whether a compressed file goes on where its bytes end: a decoder takes that for the end of the sound. */
import type { Bytes } from './bytes.ts';
import { asciiAt, viewAt } from './bytes.ts';
import { ascii } from './describe.ts';

/**
 * @param codec of the file; of others than these nothing is known
 * @param frames that were decoded
 */
export function isCutOff(codec: string, bytes: Bytes, frames: number): boolean {
  if (asciiAt(bytes, 0) === 'OggS') return !endsAsOgg(bytes);
  if (codec === 'flac') return frames < flacFrames(bytes);
  return codec === 'mp3' && bytes.length < mp3Bytes(bytes);
}

/** More than an Ogg page has. */
const usualTail = 1 << 17;

/** The last page of a stream has a flag that says so, and a table of the lengths of what is in it (RFC 3533, section 6). */
function endsAsOgg(bytes: Bytes): boolean {
  for (let size = usualTail; ; size *= 2) { // what is no page may stand behind the last one
    const tail = bytes.read(Math.max(0, bytes.length - size), bytes.length);
    for (let at = tail.length - 27; at >= 0; at--) {
      if (tail[at] !== 0x4f || ascii(tail, at) !== 'OggS') continue;
      const lengths = tail.subarray(at + 27, at + 27 + tail[at + 26]!);
      const end = lengths.reduce((sum, length) => sum + length, at + 27 + tail[at + 26]!);
      return (tail[at + 5]! & 4) !== 0 && end <= tail.length;
    }
    if (size >= bytes.length) return false;
  }
}

/** What STREAMINFO says, 36 bits behind 'fLaC', a head of 4 bytes and 13.5 more (RFC 9639, section 8.2); 0 where it is not known. */
function flacFrames(bytes: Bytes): number {
  if (bytes.length < 26) return Infinity;
  const view = viewAt(bytes, 0, 26);
  return (view.getUint8(21) & 0xf) * 2 ** 32 + view.getUint32(22);
}

/** Where the first frame is one of LAME's or Xing's, which say how many bytes there are from it on: what the file should have. */
function mp3Bytes(bytes: Bytes): number {
  let start = 0;
  if (asciiAt(bytes, 0).startsWith('ID3') && bytes.length >= 10) {
    start = 10 + bytes.read(6, 10).reduce((size, byte) => (size << 7) | (byte & 0x7f), 0);
  }
  // Behind the frame's head of 4 bytes and side information of 9, 17 or 32.
  for (const at of [13, 21, 36].map((offset) => start + offset)) {
    if (!['Xing', 'Info'].includes(asciiAt(bytes, at)) || at + 16 > bytes.length) continue;
    const view = viewAt(bytes, at, 16);
    const flags = view.getUint32(4);
    if ((flags & 2) === 0) return 0;
    return start + view.getUint32((flags & 1) === 0 ? 8 : 12);
  }
  return 0;
}
