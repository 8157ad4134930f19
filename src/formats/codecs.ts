/**
 * Decoders of compressed sound, packages of their own with WebAssembly in them, each loaded when it is needed first. They are given
 * a file in parts: of a long one no more is decoded than is wanted.
 */
import { UserError } from '../errors.ts';
import type { Bytes } from './bytes.ts';
import { expectHoldable } from './bytes.ts';
import { isCutOff } from './cutOff.ts';
import { oneLine } from './describe.ts';
import type { DecodedSound } from './mixDown.ts';
import { mixDown } from './mixDown.ts';
import { readMp4 } from './mp4.ts';

export type Codec = 'mp3' | 'flac' | 'vorbis' | 'opus' | 'aac' | 'mp4' | 'wav';

interface Part {
  readonly channelData: readonly Float32Array[];
  readonly sampleRate: number;
  readonly errors?: readonly unknown[] | number; // what could not be decoded; FAAD2 counts what it had to wait for as well
}

interface Decoder {
  decode(bytes: Uint8Array): Part;
  flush?(): Part;
  free(): void;
}

const aac = { format: 'an AAC', load: () => import('@audio/decode-aac') };
const codecs: Record<Codec, { readonly format: string; readonly load: () => Promise<{ decoder(): Decoder | Promise<Decoder> }> }> = {
  mp3: { format: 'an MP3', load: () => import('@audio/decode-mp3') },
  flac: { format: 'a FLAC', load: () => import('@audio/decode-flac') },
  vorbis: { format: 'an Ogg Vorbis', load: () => import('@audio/decode-vorbis') },
  opus: { format: 'an Opus', load: () => import('@audio/decode-opus') },
  aac,
  mp4: aac,
  wav: { format: 'a compressed WAV', load: () => import('@audio/decode-wav') },
};

/** Bytes that a decoder is given at once: half a minute of an MP3 of 64 kbit/s. */
const partBytes = 1 << 18;

export interface CodecOptions {
  readonly name: string; // how warnings and errors call the file
  readonly seconds?: number; // that are wanted; default: all
  readonly frames?: number; // the same in samples of a channel
  readonly warnings: string[]; // lines that there are already
}

/**
 * Decodes a file of the codec and mixes its channels down to one. What a decoder stumbles over gives a warning, and what it could
 * decode counts.
 *
 * @throws UserError of one line if that was nothing, or the decoder is not installed
 */
export async function decodeWith(codec: Codec, bytes: Bytes, { name, seconds = Infinity, frames = Infinity, warnings }: CodecOptions): Promise<DecodedSound> {
  const { format } = codecs[codec];
  const mp4 = codec === 'mp4' ? readMp4(bytes, name) : undefined;
  const decoder = await decoderOf(codec, name);
  const parts: (readonly Float32Array[])[] = []; // of every part its channels
  const first = { sampleRate: 0, channels: 0 };
  let [count, faults, isOther, isDone] = [0, 0, false, false];
  let trouble: string | undefined;
  const wanted = (): number => Math.min(frames, Math.ceil(seconds * first.sampleRate));
  const take = ({ channelData, sampleRate, errors }: Part): void => {
    if (Array.isArray(errors)) faults += errors.length;
    const [channel] = channelData;
    if (!channel?.length || isOther) return;
    if (count === 0) Object.assign(first, { sampleRate, channels: channelData.length });
    isOther = sampleRate !== first.sampleRate || channelData.length !== first.channels;
    if (isOther) return;
    parts.push(channelData);
    count += channel.length;
    expectHoldable(count * first.channels * 4, name);
  };
  try {
    for (const part of mp4?.parts ?? [bytes]) {
      for (let at = 0; at < part.length && !isDone; at += partBytes) {
        const piece = part.read(at, at + partBytes);
        take(quietly(() => decoder.decode(piece)));
        isDone = isOther || (count > 0 && count >= wanted());
      }
    }
    if (!isDone && decoder.flush) take(quietly(() => decoder.flush!()));
  } catch (error) {
    if (error instanceof UserError) throw error;
    if ((error as { syscall?: unknown }).syscall !== undefined) throw error; // the file could not be read, which is no damage
    trouble = oneLine(error instanceof Error ? error.message : String(error));
  } finally {
    free(decoder);
  }
  const isCut = !isDone && (mp4?.isCutOff ?? isCutOff(codec, bytes, count));
  if (count === 0) {
    const why = isCut ? 'it is cut off' : trouble ? `it is damaged (${trouble})` : 'it is damaged or empty';
    throw new UserError(`${name} is ${format} file of which nothing can be decoded: ${why}`);
  }
  const there = `${(count / first.sampleRate).toFixed(1)} s`;
  if (isOther) warnings.push(`${name}: after ${there} its sample rate or its channels change; what follows was left out`);
  else if (trouble !== undefined || faults > 0) warnings.push(`${name}: it is damaged; ${there} of it could be decoded`);
  else if (isCut) warnings.push(`${name}: it is cut off; the ${there} that are there were read`);
  const { channels, sampleRate } = first;
  const sound = interleaved(parts, { channels, count: Math.min(count, wanted()) });
  return mixDown(sound, { channels, sampleRate, name, isFloat: false, isLossy: codec !== 'flac', warnings });
}

/** A new decoder of the codec. AAC's is under the GPL, and its package one that may be left out. */
async function decoderOf(codec: Codec, name: string): Promise<Decoder> {
  const { format, load } = codecs[codec];
  try {
    return await (await load()).decoder();
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new UserError(`${name} is ${format} file, whose decoder is not installed: npm install @audio/decode-${codec === 'mp4' ? 'aac' : codec}`);
  }
}

/** Runs a decoder, which is synchronous, without what it writes to the console: what is wrong with a file is one line of ours. */
function quietly<T>(work: () => T): T {
  const { log, warn, error } = console;
  Object.assign(console, { log() {}, warn() {}, error() {} });
  try {
    return work();
  } finally {
    Object.assign(console, { log, warn, error });
  }
}

function free(decoder: Decoder): void {
  try {
    decoder.free();
  } catch {
    // One that broke off in the middle may not be able to; what was decoded is ours by now.
  }
}

/** Parts of (channels, length) as one of (count, channels). */
function interleaved(parts: readonly (readonly Float32Array[])[], { channels, count }: { channels: number; count: number }): Float32Array {
  const frames = new Float32Array(count * channels);
  let frame = 0;
  for (const part of parts) {
    const length = Math.min(part[0]!.length, count - frame);
    for (let c = 0; c < channels; c++) {
      const channel = part[c]!;
      for (let i = 0; i < length; i++) frames[(frame + i) * channels + c] = channel[i]!;
    }
    frame += length;
  }
  return frames;
}
