/**
 * The container of a WAV file: finds the `fmt ` and `data` chunks in whatever bytes a folder of music contains, and
 * writes a clean one. A RIFF file is a list of chunks, each a four-letter name, a 32-bit size and that many bytes, with
 * one zero byte after an odd size (Microsoft and IBM, "Multimedia Programming Interface and Data Specifications 1.0",
 * 1991). Recorders that crashed or write into a pipe leave wrong sizes, and some writers forget the zero byte.
 */
import { UserError } from '../errors.ts';
import type { Bytes } from './bytes.ts';
import { asciiAt, expectHoldable, viewAt, viewOf as view } from './bytes.ts';
import { describe, oneLine } from './describe.ts';

export interface WavFormat {
  readonly encoding: 'pcm' | 'float' | 'alaw' | 'mulaw';
  readonly bits: number; // of the container of a sample: 8, 16, 24, 32 or 64
  readonly channels: number;
  readonly sampleRate: number; // Hz
}

export interface RiffContent {
  readonly format: WavFormat;
  readonly data: Uint8Array; // whole frames, as many as are wanted and the file really has
  readonly warnings: string[];
}

export const bytesPerSample = (format: WavFormat): number => format.bits / 8;

const PCM = 1;
const FLOAT = 3;
const CODES = { pcm: PCM, float: FLOAT, alaw: 6, mulaw: 7 };

/** Forms of the container: with 64-bit sizes (EBU Tech 3306, ITU-R BS.2088), and with big-endian numbers. */
const FORMS = ['RIFF', 'RF64', 'BW64', 'RIFX'];
const EXTENSIBLE = 0xfffe;
const MOST_BYTES = 0xffffffff; // that a RIFF file's 32-bit sizes can tell
const UNKNOWN_SIZE = 0xffffffff; // what writers put in front of a stream whose end they do not know

/**
 * Finds format and samples, of the first so many seconds. Odd chunks are stepped over, sizes that cannot be right are corrected with
 * a warning.
 *
 * @throws UserError naming the file and what it is instead, when it is no WAV file that we can read
 */
export function parseRiff(bytes: Bytes, name: string, seconds = Infinity): RiffContent {
  if (!isRiff(bytes)) throw new UserError(`${name} is not a WAV file: ${describe(bytes.read(0, 64))}`);
  const warnings: string[] = [];
  const warn = (line: string) => warnings.push(`${name}: ${line}`);
  const isBig = asciiAt(bytes, 0) === 'RIFX';
  const { fmt, data } = findChunks(bytes, warn);
  if (!fmt) throw new UserError(`${name} is a WAV file without a "fmt " chunk, so its sample format is unknown`);
  if (!data) throw new UserError(`${name} is a WAV file without a "data" chunk: it holds no samples`);
  const { format, containerBytes } = parseFormat(fmt, { name, isBig });
  const frameBytes = format.channels * containerBytes;
  const rest = (data.end - data.start) % frameBytes;
  // Where the whole of it is, this is no news.
  if (rest > 0 && !warnings.some((line) => line.includes('it is cut off'))) warn(`its last frame is cut off (${rest} of ${frameBytes} bytes) and was dropped`);
  const frameCount = Math.min((data.end - data.start - rest) / frameBytes, Math.ceil(seconds * format.sampleRate));
  expectHoldable(frameCount * frameBytes, name);
  const frames = bytes.read(data.start, data.start + frameCount * frameBytes);
  const bytesOfSample = bytesPerSample(format);
  const own = isBig ? swapBytes(new Uint8Array(frames), containerBytes * 8) : frames;
  return { format, data: bytesOfSample === containerBytes ? own : unpadded(own, { containerBytes, bytesOfSample }), warnings };
}

/** Whether the bytes begin as a WAV file does. */
export function isRiff(bytes: Bytes): boolean {
  return FORMS.includes(asciiAt(bytes, 0)) && asciiAt(bytes, 8) === 'WAVE';
}

/** Turns the bytes of every sample around, in place. */
export function swapBytes(data: Uint8Array, bits: number): Uint8Array {
  const size = bits / 8;
  for (let at = 0; at + size <= data.length; at += size) data.subarray(at, at + size).reverse();
  return data;
}

/**
 * Samples that lie in larger containers: their upper bytes by the specification (little-endian: the last ones), the lower ones with
 * other writers, which is so where the upper ones never hold more than a sign.
 */
function unpadded(data: Uint8Array, { containerBytes, bytesOfSample }: { containerBytes: number; bytesOfSample: number }): Uint8Array {
  const count = data.length / containerBytes;
  const isSign = (byte: number): boolean => byte === 0 || byte === 0xff;
  const isLower = data.every((byte, i) => i % containerBytes < bytesOfSample || isSign(byte));
  const offset = isLower ? 0 : containerBytes - bytesOfSample;
  const packed = new Uint8Array(count * bytesOfSample);
  for (let i = 0; i < count; i++) {
    const at = i * containerBytes + offset;
    packed.set(data.subarray(at, at + bytesOfSample), i * bytesOfSample);
  }
  return packed;
}

/** Texts of a WAV file by the four letters of their kind, as INAM (name), ISFT (software), ICMT (comment). */
export type WavInfo = Readonly<Record<string, string>>;

/**
 * A WAV file: `fmt `, for float samples `fact`, `data`, and `LIST` of the type INFO where there are texts (Microsoft and
 * IBM, "Multimedia Programming Interface and Data Specifications 1.0", 1991, chapters 2 and 3, and "New Multimedia Data
 * Types and Data Techniques", 1994, for float). The texts come last, so that samples begin where simple readers expect
 * them, and are UTF-8.
 *
 * @throws UserError when it would be larger than a RIFF file can be
 */
export function writeRiff(format: WavFormat, data: Uint8Array, info: WavInfo = {}): Uint8Array {
  const isFloat = format.encoding === 'float';
  const frameBytes = format.channels * bytesPerSample(format);
  const texts = Object.entries(info).map(([id, text]) => chunk(id, new TextEncoder().encode(`${text}\0`)));
  const chunks = [
    chunk('fmt ', fmtBody(format)),
    ...(isFloat ? [chunk('fact', uint32(data.length / frameBytes))] : []),
    chunk('data', data),
    ...(texts.length > 0 ? [chunk('LIST', concat([letters('INFO'), ...texts]))] : []),
  ];
  return wrapped(chunks);
}

/** A WAV file of these chunks. Throws a `UserError` when it would be larger than a RIFF file can be. */
export function wrapped(chunks: readonly Uint8Array[]): Uint8Array {
  const size = chunks.reduce((sum, { length }) => sum + length, letters('WAVE').length);
  if (size > MOST_BYTES) throw new UserError(`a WAV file can have 4 GiB at most, this would have ${size} bytes: fewer samples or bits`);
  return concat([letters('RIFF'), uint32(size), letters('WAVE'), ...chunks]);
}

/** What the `fmt ` chunk holds; formats other than PCM also say how much more they say, which is nothing. */
function fmtBody(format: WavFormat): Uint8Array {
  const { encoding, bits, channels, sampleRate } = format;
  const blockAlign = channels * bytesPerSample(format);
  const body = new Uint8Array(encoding === 'pcm' ? 16 : 18);
  const fields = view(body);
  fields.setUint16(0, CODES[encoding], true);
  fields.setUint16(2, channels, true);
  fields.setUint32(4, sampleRate, true);
  fields.setUint32(8, sampleRate * blockAlign, true); // bytes per second
  fields.setUint16(12, blockAlign, true);
  fields.setUint16(14, bits, true);
  return body;
}

/** Name, size and content, with a zero behind an odd size that the size does not count. */
export function chunk(id: string, body: Uint8Array): Uint8Array {
  return concat([letters(id), uint32(body.length), body, new Uint8Array(body.length % 2)]);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  view(bytes).setUint32(0, value, true);
  return bytes;
}

const letters = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

/** Where something is in the file, in bytes. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** `frames` is what `fact` says: of compressed sound, how many frames there are before the last block's padding. */
type Chunks = { fmt?: Uint8Array; data?: Range; frames?: number };

const isEmpty = ({ start, end }: Range): boolean => start === end;

/** Bytes of a `fmt ` chunk that are looked at: those of the extensible form, and what compressed kinds have there. */
const MOST_FMT = 1 << 16;

/** Walks the chunk list until both chunks are found. The size in the RIFF header is ignored: the file knows better. */
export function findChunks(bytes: Bytes, warn: (line: string) => void): Chunks {
  const isLittle = asciiAt(bytes, 0) !== 'RIFX';
  const found: Chunks = {};
  let longSize: number | undefined; // of the data, where a 32-bit one does not hold it
  let at = 12;
  while (at + 8 <= bytes.length && !(found.fmt && found.data && !isEmpty(found.data))) {
    const id = asciiAt(bytes, at);
    const start = at + 8;
    const available = bytes.length - start;
    let size = viewAt(bytes, at + 4, 4).getUint32(0, isLittle);
    if (id === 'data' && size === UNKNOWN_SIZE && longSize !== undefined) size = longSize;
    let end = start + Math.min(size, available);
    if (id === 'ds64' && size >= 16 && available >= 16) {
      longSize = Number(viewAt(bytes, start + 8, 8).getBigUint64(0, true));
    } else if (id === 'data' && !(found.data && !isEmpty(found.data))) { // an empty one may stand before the real one
      // A size of 0 is a recorder that never came back to fill it in, unless more chunks follow.
      const unset = size === 0 && available > 0 && !isChunkList(bytes, start, isLittle);
      if (unset || size === UNKNOWN_SIZE) warn(`its data size was never filled in (${size}); read to the end of the file`);
      else if (size > available) warn(`it is cut off: its data should have ${size} bytes, the file has ${available}`);
      if (unset) end = bytes.length;
      found.data = { start, end };
    } else if (id === 'fmt ' && !found.fmt) {
      found.fmt = bytes.read(start, Math.min(end, start + MOST_FMT));
    } else if (id === 'fact' && size >= 4 && available >= 4) {
      found.frames = viewAt(bytes, start, 4).getUint32(0, isLittle);
    }
    at = end;
    if (size % 2 === 1 && at < bytes.length) {
      if (isPadded(bytes, at, isLittle)) at++;
      else warn(`the padding byte after its odd-sized "${oneLine(id)}" chunk is missing`);
    }
  }
  return found;
}

/**
 * Whether the byte after an odd-sized chunk pads it. It should be zero, with which no chunk's name begins; some writers pad with
 * something else, and some not at all: then that reading counts after which there are more chunks.
 */
function isPadded(bytes: Bytes, at: number, isLittle: boolean): boolean {
  if (bytes.read(at, at + 1)[0] === 0 || !isChunkName(bytes, at)) return true;
  return isChunkList(bytes, at + 1, isLittle) && !isChunkList(bytes, at, isLittle);
}

/**
 * Whether chunks follow from `at` on, with padding or without: they lead to one that a WAV file must have, whose own size may be
 * wrong, or end where the file does. Every place is looked at once, however many ways lead there.
 */
function isChunkList(bytes: Bytes, from: number, isLittle: boolean): boolean {
  const seen = new Set<number>();
  const open = [from];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (at === bytes.length || at === bytes.length + 1) return true; // the very last padding byte is often left out
    if (seen.has(at) || at + 8 > bytes.length || !isChunkName(bytes, at)) continue;
    seen.add(at);
    if (['fmt ', 'data'].includes(asciiAt(bytes, at))) return true;
    const size = viewAt(bytes, at + 4, 4).getUint32(0, isLittle);
    open.push(at + 8 + size);
    if (size % 2 === 1) open.push(at + 8 + size + 1);
  }
  return false;
}

/** The format's code; of an extensible one that of its sub-format, whose GUID begins with the plain code. */
export function codeOf(fmt: Uint8Array, isBig: boolean): number {
  const code = view(fmt).getUint16(0, !isBig);
  return code === EXTENSIBLE && fmt.length >= 26 ? view(fmt).getUint16(24, !isBig) : code;
}

function parseFormat(fmt: Uint8Array, { name, isBig }: { name: string; isBig: boolean }): { format: WavFormat; containerBytes: number } {
  const unreadable = (why: string) => new UserError(`${name} cannot be read: ${why}`);
  if (fmt.length < 16) throw unreadable(`its "fmt " chunk has ${fmt.length} bytes instead of at least 16`);
  const fields = view(fmt);
  const code = codeOf(fmt, isBig);
  if (code === EXTENSIBLE) throw unreadable(`its extensible "fmt " chunk has ${fmt.length} bytes instead of 40`);
  const channels = fields.getUint16(2, !isBig);
  const sampleRate = fields.getUint32(4, !isBig);
  const blockAlign = fields.getUint16(12, !isBig);
  const declaredBits = fields.getUint16(14, !isBig);
  const bits = Math.ceil(declaredBits / 8) * 8; // 12 or 20 bits sit at the upper end of 16 or 24
  if (channels === 0) throw unreadable('it says that it has 0 channels');
  if (sampleRate === 0) throw unreadable('it says that its sample rate is 0 Hz');
  const wanted = 'wanted: PCM of 8, 16, 24 or 32 bits, or float of 32 or 64 bits';
  // The frame's size tells the container's, where it makes sense: 24 bits may lie in 32. Nonsense is what some writers leave there.
  const framed = blockAlign / channels;
  const containerBytes = Number.isInteger(framed) && framed <= 8 && framed * 8 >= bits ? framed : bits / 8;
  const found = { channels, sampleRate, bits };
  if (code === PCM && [8, 16, 24, 32].includes(bits)) return { format: { encoding: 'pcm', ...found }, containerBytes };
  if (code === FLOAT && [32, 64].includes(declaredBits)) return { format: { encoding: 'float', ...found }, containerBytes: bits / 8 };
  if (code === PCM || code === FLOAT) {
    throw unreadable(`it holds ${code === PCM ? 'PCM' : 'float'} samples of ${declaredBits} bits (${wanted})`);
  }
  throw unreadable(`it holds compressed sound, format code 0x${code.toString(16)} (${wanted})`);
}

const isChunkName = (bytes: Bytes, at: number): boolean => /^[\x20-\x7e]{4}$/.test(asciiAt(bytes, at));
