/**
 * TensorBoard's event files, byte by byte: TFRecord framing around protobuf messages of tensorflow/core/util/event.proto
 * and tensorflow/core/framework/summary.proto. Only what is written here is known here; nothing is read.
 */

/** What an event carries. */
export type EventContent =
  | { readonly kind: 'version' } // first in every file
  | { readonly kind: 'restart' } // events from this step on, in older files, are void
  | { readonly kind: 'summary'; readonly values: readonly SummaryValue[] };

export type SummaryValue =
  | { readonly tag: string; readonly scalar: number }
  | { readonly tag: string; readonly image: PngImage }
  | { readonly tag: string; readonly audio: WavAudio };

export interface PngImage {
  readonly png: Uint8Array;
  readonly width: number; // pixels
  readonly height: number; // pixels
}

export interface WavAudio {
  readonly wav: Uint8Array;
  readonly sampleRate: number; // Hz
  readonly samples: number;
}

export interface TensorboardEvent {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step: number;
  readonly content: EventContent;
}

/** One event as a record, ready to be appended to a file. */
export function eventRecord({ wallTime, step, content }: TensorboardEvent): Uint8Array {
  const head = [double(1, wallTime), integer(2, step)];
  switch (content.kind) {
    case 'version': return record(concat([...head, text(3, 'brain.Event:2')]));
    case 'restart': return record(concat([...head, message(7, [integer(1, 1)])])); // SessionLog.START
    case 'summary': return record(concat([...head, message(5, content.values.map((value) => message(1, summaryValue(value))))]));
  }
}

function summaryValue(value: SummaryValue): Uint8Array[] {
  const tag = text(1, value.tag);
  if ('scalar' in value) return [tag, float(2, value.scalar)];
  if ('image' in value) {
    const { width, height, png } = value.image;
    const rgb = 3; // colorspace: number of channels
    return [tag, message(4, [integer(1, height), integer(2, width), integer(3, rgb), bytes(4, png)])];
  }
  const { sampleRate, samples, wav } = value.audio;
  const mono = 1;
  return [tag, message(6, [
    float(1, sampleRate), integer(2, mono), integer(3, samples), bytes(4, wav), text(5, 'audio/wav'),
  ])];
}

/**
 * TFRecord framing (tensorflow/core/lib/io/record_writer.h): length as 64 bits, its masked CRC, the data, their masked
 * CRC; little-endian.
 */
export function record(data: Uint8Array): Uint8Array {
  const framed = new Uint8Array(data.length + 16);
  const view = new DataView(framed.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc(framed.subarray(0, 8)), true);
  framed.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc(data), true);
  return framed;
}

/** A CRC that is stored beside CRCs is rotated and offset (tensorflow/core/lib/hash/crc32c.h). */
export function maskedCrc(data: Uint8Array): number {
  const crc = crc32c(data);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** CRC-32C: Castagnoli's polynomial, reflected (RFC 3720, section 12.1). */
export function crc32c(data: Uint8Array): number {
  let crc = ~0;
  for (const byte of data) crc = crcTable[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** Protobuf's wire types. */
const wire = { varint: 0, fixed64: 1, lengthDelimited: 2, fixed32: 5 } as const;

function key(field: number, type: number): Uint8Array {
  return varint(field * 8 + type);
}

/** Seven bits a byte, the lowest first; whole numbers from 0 to 2^53 − 1. */
function varint(value: number): Uint8Array {
  const groups: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) groups.push((rest % 128) + 128);
  return Uint8Array.from([...groups, rest]);
}

const integer = (field: number, value: number): Uint8Array => concat([key(field, wire.varint), varint(value)]);

function double(field: number, value: number): Uint8Array {
  const data = new Uint8Array(8);
  new DataView(data.buffer).setFloat64(0, value, true);
  return concat([key(field, wire.fixed64), data]);
}

function float(field: number, value: number): Uint8Array {
  const data = new Uint8Array(4);
  new DataView(data.buffer).setFloat32(0, value, true);
  return concat([key(field, wire.fixed32), data]);
}

const bytes = (field: number, data: Uint8Array): Uint8Array =>
  concat([key(field, wire.lengthDelimited), varint(data.length), data]);

const text = (field: number, value: string): Uint8Array => bytes(field, new TextEncoder().encode(value));

const message = (field: number, parts: readonly Uint8Array[]): Uint8Array => bytes(field, concat(parts));

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
