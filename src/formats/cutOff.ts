/** Whether a compressed file goes on where its bytes end: a decoder takes that for the end of the sound. */
import { ascii } from './describe.ts';

/**
 * @param codec of the file; of others than these nothing is known
 * @param frames that were decoded
 */
export function isCutOff(codec: string, bytes: Uint8Array, frames: number): boolean {
  if (ascii(bytes, 0) === 'OggS') return !endsAsOgg(bytes);
  if (codec === 'flac') return frames < flacFrames(bytes);
  return codec === 'mp3' && bytes.length < mp3Bytes(bytes);
}

/** The last page of a stream has a flag that says so, and a table of the lengths of what is in it (RFC 3533, section 6). */
function endsAsOgg(bytes: Uint8Array): boolean {
  for (let at = bytes.length - 27; at >= 0; at--) {
    if (bytes[at] !== 0x4f || ascii(bytes, at) !== 'OggS') continue;
    const lengths = bytes.subarray(at + 27, at + 27 + bytes[at + 26]!);
    const end = lengths.reduce((sum, length) => sum + length, at + 27 + bytes[at + 26]!);
    return (bytes[at + 5]! & 4) !== 0 && end <= bytes.length;
  }
  return false;
}

/** What STREAMINFO says, 36 bits behind 'fLaC', a head of 4 bytes and 13.5 more (RFC 9639, section 8.2); 0 where it is not known. */
function flacFrames(bytes: Uint8Array): number {
  return bytes.length < 26 ? Infinity : (bytes[21]! & 0xf) * 2 ** 32 + new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(22);
}

/** Where the first frame is one of LAME's or Xing's, which say how many bytes there are from it on: what the file should have. */
function mp3Bytes(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let start = 0;
  if (ascii(bytes, 0).startsWith('ID3') && bytes.length >= 10) {
    start = 10 + bytes.subarray(6, 10).reduce((size, byte) => (size << 7) | (byte & 0x7f), 0);
  }
  // Behind the frame's head of 4 bytes and side information of 9, 17 or 32.
  for (const at of [13, 21, 36].map((offset) => start + offset)) {
    if (!['Xing', 'Info'].includes(ascii(bytes, at)) || at + 16 > bytes.length) continue;
    const flags = view.getUint32(at + 4);
    if ((flags & 2) === 0) return 0;
    return start + view.getUint32(at + ((flags & 1) === 0 ? 8 : 12));
  }
  return 0;
}
