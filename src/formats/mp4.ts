/**
 * MP4 files (.m4a) for a decoder that takes them in parts: boxes of a 32-bit size and four letters, of which `moov` is the index and
 * `mdat` the sound (ISO/IEC 14496-12). The index goes first, so that no more of a long file need be decoded than is wanted. The
 * decoder believes the index's tables, to the last of four thousand million entries; so they are checked here.
 */
import { UserError } from '../errors.ts';
import type { Bytes } from './bytes.ts';
import { bytesOf, partOf, viewAt, viewOf } from './bytes.ts';
import { ascii } from './describe.ts';

interface Box {
  readonly type: string;
  readonly start: number; // of its head
  readonly body: number;
  readonly end: number; // as it says
}

/** Boxes that have nothing but boxes in them. */
const containers = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl', 'edts', 'udta', 'sinf']);

/** Bytes of an entry, by the table; the number of entries comes after four bytes of version and flags. */
const entryBytes: Readonly<Record<string, (version: number) => number>> = {
  stco: () => 4, co64: () => 8, stsc: () => 12, stts: () => 8, stsd: () => 16, elst: (version) => (version === 1 ? 20 : 12),
};

export interface Mp4 {
  readonly parts: readonly Bytes[]; // the file, its index in the first one
  readonly isCutOff: boolean;
}

/** Bytes of an index: a day of sound has 16 MB of it. */
const longestIndex = 1 << 28;

/**
 * @throws UserError when there is no index, one of its tables is longer than its box, or nothing in it is AAC or ALAC
 */
export function readMp4(content: Uint8Array | Bytes, name: string): Mp4 {
  const bytes = bytesOf(content);
  const top = boxes(bytes, 0, bytes.length);
  const isCutOff = (top.at(-1)?.end ?? 0) > bytes.length;
  const moov = top.find(({ type }) => type === 'moov');
  if (!moov || moov.end > bytes.length) {
    throw new UserError(`${name} is an MP4 file without its index${isCutOff ? ': it is cut off' : ' (a "moov" box): it may be a part of a stream'}`);
  }
  if (moov.end - moov.start > longestIndex) throw new UserError(`${name} is damaged: its index has ${moov.end - moov.start} bytes`);
  const index = new Uint8Array(bytes.read(moov.start, moov.end)); // a copy: it may be changed
  const inside = [...descendants(bytesOf(index), shifted(moov, -moov.start))];
  const damaged = inside.find((box) => !isTableSound(viewOf(index), box, bytes.length));
  if (damaged) throw new UserError(`${name} is damaged: the table "${damaged.type}" of its index is longer than its box`);
  const kinds = inside.filter(({ type }) => type === 'stsd').map(({ body }) => ascii(index, body + 12));
  if (!kinds.some((kind) => kind === 'mp4a' || kind === 'alac')) {
    throw new UserError(`${name} is an MP4 file without AAC or ALAC sound, which is what can be read; convert it to WAV first, for example with ffmpeg`);
  }
  const first = top[0]!;
  if (top[1] === moov || first === moov) return { parts: [partOf(bytes, 0, moov.end), partOf(bytes, moov.end)], isCutOff };
  moveUp(index, { from: first.end, to: moov.start, tables: inside });
  const head = new Uint8Array(first.end + index.length);
  head.set(bytes.read(0, first.end));
  head.set(index, first.end);
  return { parts: [bytesOf(head), partOf(bytes, first.end, moov.start), partOf(bytes, moov.end)], isCutOff };
}

/** Boxes one after the other; the last one may claim to be longer than the file. */
function boxes(bytes: Bytes, from: number, to: number): Box[] {
  const found: Box[] = [];
  for (let start = from; start + 8 <= to;) {
    const view = viewAt(bytes, start, 16);
    const short = view.getUint32(0);
    const isLong = short === 1 && start + 16 <= to;
    const size = isLong ? Number(view.getBigUint64(8)) : short === 0 ? to - start : short;
    const head = isLong ? 16 : 8;
    if (size < head) break;
    const type = String.fromCharCode(...[4, 5, 6, 7].map((at) => view.getUint8(at)));
    found.push({ type, start, body: start + head, end: start + size });
    start += size;
  }
  return found;
}

function* descendants(bytes: Bytes, parent: Box): Generator<Box> {
  for (const box of boxes(bytes, parent.body, parent.end)) {
    if (box.end > parent.end) return; // what is cut off is no box, to the decoder neither
    yield box;
    if (containers.has(box.type)) yield* descendants(bytes, box);
  }
}

/** Whether a table has no more entries than fit into its box, or for samples of one size into the file. */
function isTableSound(view: DataView, { type, body, end }: Box, fileBytes: number): boolean {
  const bytes = end - body;
  if (type === 'stsz') {
    if (bytes < 12) return false;
    const [size, count] = [view.getUint32(body + 4), view.getUint32(body + 8)];
    return size === 0 ? 12 + 4 * count <= bytes : count * size <= fileBytes;
  }
  const entry = entryBytes[type];
  return !entry || (bytes >= 8 && 8 + view.getUint32(body + 4) * entry(view.getUint8(body)) <= bytes);
}

const shifted = (box: Box, by: number): Box => ({ ...box, start: box.start + by, body: box.body + by, end: box.end + by });

/** The index goes in front of what lies in the file from `from` to `to`, which moves up by its length: `stco` and `co64` say so. */
function moveUp(index: Uint8Array, { from, to, tables }: { from: number; to: number; tables: readonly Box[] }): void {
  const view = viewOf(index);
  for (const { type, body } of tables) {
    if (type !== 'stco' && type !== 'co64') continue;
    const count = view.getUint32(body + 4);
    for (let i = 0; i < count; i++) {
      const at = body + 8 + i * (type === 'stco' ? 4 : 8);
      const offset = type === 'stco' ? view.getUint32(at) : Number(view.getBigUint64(at));
      if (offset < from || offset >= to) continue;
      if (type === 'stco') view.setUint32(at, offset + index.length);
      else view.setBigUint64(at, BigInt(offset + index.length));
    }
  }
}
