/** Event files, read back by the rules of TFRecord and protobuf. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EventFile } from '../../src/diffwave/files/tensorboard.node.ts';
import { crc32c, eventRecord, maskedCrc, record } from '../../src/formats/tfrecord.ts';
import { temporaryFolder } from '../audio/helpers.ts';
import { decodeMessage, readRecords, textOf } from '../diffwave/files/events.ts';

const test = suite('tfrecord');

const ascii = (text: string) => new TextEncoder().encode(text);

test('CRC-32C of known texts', () => {
  // The check value of the algorithm, and RFC 3720, appendix B.4.
  assert.is(crc32c(ascii('123456789')), 0xe3069283);
  assert.is(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.is(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.is(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
  assert.is(crc32c(new Uint8Array(0)), 0);
});

test('a record has its length, its data and both masked CRCs', () => {
  const framed = record(ascii('123456789'));
  const view = new DataView(framed.buffer);
  assert.is(framed.length, 25);
  assert.is(view.getBigUint64(0, true), 9n);
  assert.is(view.getUint32(8, true), maskedCrc(framed.slice(0, 8)));
  assert.equal(framed.slice(12, 21), ascii('123456789'));
  // Rotated right by 15 bits, plus a constant, modulo 2^32.
  const rotated = ((0xe3069283 >>> 15) | (0xe3069283 << 17)) >>> 0;
  assert.is(view.getUint32(21, true), (rotated + 0xa282ead8) % 2 ** 32);
});

test('scalars', () => {
  const [event] = readRecords(eventRecord({
    wallTime: 1.5e9 + 0.25, step: 2 ** 40 + 5,
    content: { kind: 'summary', values: [{ tag: 'loss', scalar: 0.125 }, { tag: 'Ladungsträger', scalar: -3 }] },
  }));
  const fields = decodeMessage(event!);
  assert.equal([fields.get(1), fields.get(2)], [[1.5e9 + 0.25], [2 ** 40 + 5]]);
  const values = decodeMessage(fields.get(5)![0]!).get(1)!.map(decodeMessage);
  assert.equal(values.map((value) => [textOf(value.get(1)![0]!), value.get(2)]), [['loss', [0.125]], ['Ladungsträger', [-3]]]);
});

test('pictures and sounds', () => {
  const png = new Uint8Array(200).fill(7); // longer than a length of one byte
  const wav = ascii('RIFF');
  const [event] = readRecords(eventRecord({
    wallTime: 1, step: 3,
    content: {
      kind: 'summary',
      values: [
        { tag: 'spectrogram', image: { png, width: 1110, height: 532 } },
        { tag: 'sample', audio: { wav, sampleRate: 7350, samples: 36750 } },
      ],
    },
  }));
  const [picture, sound] = decodeMessage(decodeMessage(event!).get(5)![0]!).get(1)!.map(decodeMessage);
  const image = decodeMessage(picture!.get(4)![0]!);
  assert.equal([1, 2, 3].map((field) => image.get(field)), [[532], [1110], [3]]);
  assert.equal(image.get(4), [png]);
  const audio = decodeMessage(sound!.get(6)![0]!);
  assert.equal([1, 2, 3].map((field) => audio.get(field)), [[7350], [1], [36750]]);
  assert.equal([audio.get(4)![0], textOf(audio.get(5)![0]!)], [wav, 'audio/wav']);
});

test('a file begins with its version; that of a resumed run takes back what came after', () => {
  const folder = temporaryFolder();
  const file = new EventFile(folder, { resumedAt: 40 });
  file.write(50, [{ tag: 'loss', scalar: 1 }]);
  const [name] = readdirSync(folder);
  assert.match(name!, /^events\.out\.tfevents\.\d{10}\./);
  const events = readRecords(readFileSync(join(folder, name!))).map(decodeMessage);
  assert.is(events.length, 3);
  assert.is(textOf(events[0]!.get(3)![0]!), 'brain.Event:2');
  assert.equal([events[1]!.get(2), decodeMessage(events[1]!.get(7)![0]!).get(1)], [[41], [1]]);
  assert.equal(events[2]!.get(2), [50]);
});

test.run();
