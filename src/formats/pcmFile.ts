/** Files of plain samples in other containers than WAV become the WAV file of the same samples, and are read as one. */
import { UserError } from '../errors.ts';
import type { Bytes } from './bytes.ts';
import { expectHoldable } from './bytes.ts';
import type { WavFormat } from './riff.ts';
import { swapBytes, writeRiff } from './riff.ts';

export interface AsWav {
  readonly bytes: Uint8Array; // of a WAV file
  readonly warnings: string[];
}

/** Where a file says that its samples are, and what they are. */
export interface PcmFile extends WavFormat {
  readonly start: number; // in bytes
  readonly size: number; // in bytes, as the file says; Infinity when it does not
  readonly isBigEndian: boolean;
  readonly isSigned8?: boolean; // samples of 8 bits are unsigned in WAV files
}

/**
 * @param seconds how much of it is wanted
 * @throws UserError when there are no samples, or nothing that could be at this rate and with so many channels
 */
export function pcmAsWav(bytes: Bytes, { start, size, isBigEndian, isSigned8, ...format }: PcmFile, { name, seconds }: { name: string; seconds: number }): AsWav {
  const { channels, sampleRate, bits } = format;
  if (sampleRate < 1 || sampleRate > 0xffffffff || channels < 1 || channels > 0xffff) {
    throw new UserError(`${name} cannot be read: it says that it has ${channels} channels at ${sampleRate} Hz`);
  }
  const available = Math.max(0, bytes.length - start);
  const frameBytes = (channels * bits) / 8;
  const frames = Math.min(Math.floor(Math.min(size, available) / frameBytes), Math.ceil(seconds * sampleRate));
  if (!(frames > 0)) throw new UserError(`${name} holds no samples`);
  const isCut = size !== Infinity && size > available;
  expectHoldable(frames * frameBytes, name);
  const data = new Uint8Array(bytes.read(start, start + frames * frameBytes)); // a copy: it is changed
  if (isBigEndian) swapBytes(data, bits);
  if (isSigned8) data.forEach((byte, i) => (data[i] = byte ^ 0x80));
  return {
    bytes: writeRiff(format, data),
    warnings: isCut ? [`${name}: it is cut off: its data should have ${size} bytes, the file has ${available}`] : [],
  };
}
