/**
 * MP4 files (.m4a) for a decoder that takes them in parts: boxes of a 32-bit size and four letters, of which `moov` is the index and
 * `mdat` the sound (ISO/IEC 14496-12). The index goes first, so that no more of a long file need be decoded than is wanted. The
 * decoder believes the index's tables, to the last of four thousand million entries; so they are checked here.
 */
import { UserError } from '../errors.ts';
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
  readonly parts: readonly Uint8Array[]; // the file, its index in the first one
  readonly isCutOff: boolean;
}

/**
 * @throws UserError when there is no index, one of its tables is longer than its box, or nothing in it is AAC or ALAC
 */
export function readMp4(bytes: Uint8Array, name: string): Mp4 {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const top = boxes(view, 0, bytes.length);
  const isCutOff = (top.at(-1)?.end ?? 0) > bytes.length;
  const moov = top.find(({ type }) => type === 'moov');
  if (!moov || moov.end > bytes.length) {
    throw new UserError(`${name} is an MP4 file without its index${isCutOff ? ': it is cut off' : ' (a "moov" box): it may be a part of a stream'}`);
  }
  const inside = [...descendants(view, moov)];
  const damaged = inside.find((box) => !isTableSound(view, box, bytes.length));
  if (damaged) throw new UserError(`${name} is damaged: the table "${damaged.type}" of its index is longer than its box`);
  const kinds = inside.filter(({ type }) => type === 'stsd').map(({ body }) => ascii(bytes, body + 12));
  if (!kinds.some((kind) => kind === 'mp4a' || kind === 'alac')) {
    throw new UserError(`${name} is an MP4 file without AAC or ALAC sound, which is what can be read; convert it to WAV first, for example with ffmpeg`);
  }
  const first = top[0]!;
  if (top[1] === moov || first === moov) return { parts: [bytes.subarray(0, moov.end), bytes.subarray(moov.end)], isCutOff };
  const index = moved(new Uint8Array(bytes.subarray(moov.start, moov.end)), { from: first.end, to: moov.start, tables: inside.map((box) => shifted(box, -moov.start)) });
  const head = new Uint8Array(first.end + index.length);
  head.set(bytes.subarray(0, first.end));
  head.set(index, first.end);
  return { parts: [head, bytes.subarray(first.end, moov.start), bytes.subarray(moov.end)], isCutOff };
}

/** Boxes one after the other; the last one may claim to be longer than the file. */
function boxes(view: DataView, from: number, to: number): Box[] {
  const found: Box[] = [];
  for (let start = from; start + 8 <= to;) {
    const short = view.getUint32(start);
    const isLong = short === 1 && start + 16 <= to;
    const size = isLong ? Number(view.getBigUint64(start + 8)) : short === 0 ? to - start : short;
    const head = isLong ? 16 : 8;
    if (size < head) break;
    const type = String.fromCharCode(...[4, 5, 6, 7].map((at) => view.getUint8(start + at)));
    found.push({ type, start, body: start + head, end: start + size });
    start += size;
  }
  return found;
}

function* descendants(view: DataView, parent: Box): Generator<Box> {
  for (const box of boxes(view, parent.body, parent.end)) {
    if (box.end > parent.end) return; // what is cut off is no box, to the decoder neither
    yield box;
    if (containers.has(box.type)) yield* descendants(view, box);
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

/** The index, in front of what lies in the file from `from` to `to`, which moves up by the index's length: `stco` and `co64` say so. */
function moved(index: Uint8Array, { from, to, tables }: { from: number; to: number; tables: readonly Box[] }): Uint8Array {
  const view = new DataView(index.buffer);
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
  return index;
}
