/**
 * WAV's compressed kinds, which decoders understand: A-law, µ-law, and ADPCM of Microsoft and of IMA, in blocks (Microsoft,
 * "New Multimedia Data Types and Data Techniques", 1994). What a decoder gets is a clean file of no more blocks than are wanted,
 * whose header does not lie: decoders believe it.
 */
import { UserError } from '../errors.ts';
import type { Bytes } from './bytes.ts';
import { asciiAt, expectHoldable, viewOf } from './bytes.ts';
import { chunk, codeOf, findChunks, wrapped } from './riff.ts';

interface Kind {
  readonly name: string;
  /** Frames of a block of so many bytes. */
  readonly framesOf: (blockBytes: number, channels: number) => number;
  readonly mostChannels: number;
  readonly isBlocked: boolean;
}

const law = { framesOf: (bytes: number, channels: number) => bytes / channels, mostChannels: 0xffff, isBlocked: false };

const kinds = new Map<number, Kind>([
  // Heads of 7 bytes a channel with two samples in each, then two samples a byte.
  [2, { name: 'Microsoft ADPCM', framesOf: (bytes, channels) => 2 + ((bytes - 7 * channels) * 2) / channels, mostChannels: 2, isBlocked: true }],
  [6, { name: 'A-law', ...law }],
  [7, { name: 'µ-law', ...law }],
  // Heads of 4 bytes a channel with one sample in each, then words of eight samples, channel by channel.
  [0x11, { name: 'IMA ADPCM', framesOf: (bytes, channels) => 1 + Math.floor((bytes - 4 * channels) / (4 * channels)) * 8, mostChannels: 8, isBlocked: true }],
]);

export interface CompressedWav {
  readonly bytes: Uint8Array; // a RIFF file of `fmt ` and `data` alone
  readonly frames: number; // that are sound: the last block may be padded
  readonly warnings: string[];
}

/**
 * What a decoder shall get of a WAV file of a compressed kind; undefined for other WAV files, which `decodeWav` reads or explains.
 *
 * @param seconds of sound that are wanted
 * @throws UserError when its header contradicts itself
 */
export function compressedWav(bytes: Bytes, name: string, seconds: number): CompressedWav | undefined {
  const isBig = asciiAt(bytes, 0) === 'RIFX';
  const warnings: string[] = [];
  const { fmt, data, frames: told = 0 } = findChunks(bytes, (line) => warnings.push(`${name}: ${line}`));
  if (!fmt || fmt.length < 16 || !data) return undefined;
  const code = codeOf(fmt, isBig);
  const kind = kinds.get(code);
  if (!kind) return undefined;
  const unreadable = (why: string): UserError => new UserError(`${name} cannot be read: it holds ${kind.name}, but ${why}`);
  if (isBig) throw unreadable('with big-endian numbers (RIFX), for which there is no decoder');
  const view = viewOf(fmt);
  const [channels, sampleRate] = [view.getUint16(2, true), view.getUint32(4, true)];
  if (channels === 0 || channels > kind.mostChannels) throw unreadable(`says that it has ${channels} channels`);
  const blockBytes = kind.isBlocked ? view.getUint16(12, true) : channels;
  const most = kind.framesOf(blockBytes, channels);
  const declared = kind.isBlocked && fmt.length >= 20 && view.getUint16(16, true) >= 2 ? view.getUint16(18, true) : 0;
  if (!(most >= 1) || !Number.isInteger(most) || declared > most) {
    throw unreadable(`its blocks of ${blockBytes} bytes cannot be read as ${channels} channels of ${declared || 'some'} samples`);
  }
  const blockFrames = declared || most;
  const dataBytes = data.end - data.start;
  const blocks = Math.floor(dataBytes / blockBytes);
  if (blocks === 0) throw new UserError(`${name} holds no samples`);
  if (dataBytes % blockBytes > 0 && warnings.length === 0) warnings.push(`${name}: its last block is cut off (${dataBytes % blockBytes} of ${blockBytes} bytes) and was dropped`);
  const whole = blocks * blockFrames;
  const sound = told > whole - blockFrames && told < whole ? told : whole; // `fact` counts without the padding
  const frames = Math.min(sound, Math.ceil(seconds * sampleRate));
  expectHoldable(frames * channels * 4, name);
  const used = bytes.read(data.start, data.start + Math.ceil(frames / blockFrames) * blockBytes);
  const plain = new Uint8Array(fmt); // a copy
  new DataView(plain.buffer).setUint16(0, code, true); // of an extensible format the code of its sub-format
  new DataView(plain.buffer).setUint16(12, blockBytes, true);
  return { bytes: wrapped([chunk('fmt ', plain), chunk('data', used)]), frames, warnings };
}
