/** Reads TensorBoard's event files: only what the tests need, written apart from what writes them. */
import { crc32c } from '../../../src/formats/tfrecord.ts';

/** What a protobuf field holds, by its wire type: a number, or bytes. */
type FieldValue = number | Uint8Array;

/** The data of every record. Throws if a CRC is wrong or something is left over. */
export function readRecords(file: Uint8Array): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const records: Uint8Array[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(view.getBigUint64(at, true));
    expectCrc(file.subarray(at, at + 8), view.getUint32(at + 8, true));
    const data = file.subarray(at + 12, at + 12 + length);
    expectCrc(data, view.getUint32(at + 12 + length, true));
    records.push(data);
    at += length + 16;
  }
  return records;
}

function expectCrc(data: Uint8Array, stored: number): void {
  const rotated = (stored - 0xa282ead8) >>> 0;
  const crc = ((rotated >>> 17) | (rotated << 15)) >>> 0;
  if (crc !== crc32c(data)) throw new Error(`a CRC is ${crc}, the data's is ${crc32c(data)}`);
}

/** The fields of a message by number, each with all its values. */
export function decodeMessage(message: FieldValue): Map<number, FieldValue[]> {
  if (typeof message === 'number') throw new TypeError('a number is no message');
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const fields = new Map<number, FieldValue[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let weight = 1; ; weight *= 128) {
      const byte = message[at++];
      value += (byte! & 127) * weight;
      if (byte! < 128) return value;
    }
  };
  const take = (bytes: number): number => (at += bytes) - bytes;
  const read = (type: number): FieldValue => {
    switch (type) {
      case 0: return varint();
      case 1: return view.getFloat64(take(8), true);
      case 2: {
        const length = varint();
        const start = take(length);
        return message.slice(start, start + length);
      }
      case 5: return view.getFloat32(take(4), true);
      default: throw new Error(`there is no wire type ${type}`);
    }
  };
  while (at < message.length) {
    const key = varint();
    const number = Math.floor(key / 8);
    fields.set(number, [...(fields.get(number) ?? []), read(key % 8)]);
  }
  return fields;
}

export function textOf(value: FieldValue): string {
  if (typeof value === 'number') throw new TypeError('a number is no text');
  return new TextDecoder().decode(value);
}
