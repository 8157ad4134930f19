import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readFileSync } from 'node:fs';
import { readSafetensors, toFloat32, writeSafetensors } from '../../src/formats/safetensors.ts';
import type { TensorData } from '../../src/formats/safetensors.ts';
import { UserError } from '../../src/errors.ts';

const test = suite('safetensors');
const NAME = 'weights.safetensors';

/** A file put together by hand: a header, as text or as an object, and `dataBytes` bytes of data 0, 1, 2 … */
function file({ header, dataBytes = 0 }: { header: unknown; dataBytes?: number }): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  for (let i = 0; i < dataBytes; i++) bytes[8 + json.length + i] = i;
  return bytes;
}

/** The bytes must be refused in one line that names the file and matches all patterns. */
function refuses(bytes: Uint8Array, ...patterns: RegExp[]): void {
  assert.throws(
    () => readSafetensors(bytes, NAME),
    (error: Error) => error instanceof UserError && !error.message.includes('\n') &&
      [/^weights\.safetensors/, /(Copy|Use|Save) .*\.$/, ...patterns].every((pattern) => pattern.test(error.message)),
    `wanted a UserError that matches ${patterns.join(' and ')}`,
  );
}

const entry = (dtype: string, shape: unknown, offsets: unknown) => ({ dtype, shape, data_offsets: offsets });

test('what is written is read back: every type, scalars and empty tensors too', () => {
  const tensors = new Map<string, { shape: number[]; data: TensorData }>([
    ['z', { shape: [2, 3], data: Float32Array.of(1, -2, 0.1, Infinity, 1e-40, 0) }],
    ['bytes', { shape: [3], data: Uint8Array.of(1, 2, 255) }],
    ['a', { shape: [], data: Float64Array.of(Math.PI) }],
    ['step', { shape: [2], data: Int32Array.of(-5, 199) }],
    ['long', { shape: [1], data: BigInt64Array.of(-(2n ** 60n)) }],
    ['none', { shape: [0, 4], data: new Float32Array(0) }],
    ['ünï "quoted"\n', { shape: [1], data: Float32Array.of(7) }],
  ]);
  const metadata = { config: '{"a":1}', 'ü': 'ö' };
  const bytes = writeSafetensors({ tensors, metadata });
  const read = readSafetensors(bytes, NAME);
  assert.equal(read.metadata, metadata);
  assert.equal([...read.tensors.keys()].sort(), [...tensors.keys()].sort());
  for (const [name, { shape, data }] of tensors) {
    assert.equal(read.tensors.get(name)!.shape, shape, name);
    assert.equal(read.tensors.get(name)!.data, data, name);
  }
});

test('the layout is stable and aligned, whatever the order of the tensors', () => {
  const data = { one: Float32Array.of(1), two: Float64Array.of(2), tiny: Uint8Array.of(3) };
  const write = (...names: (keyof typeof data)[]) =>
    writeSafetensors({ tensors: new Map(names.map((name) => [name, { shape: [1], data: data[name] }])) });
  const bytes = write('tiny', 'one', 'two');
  assert.equal(bytes, write('two', 'tiny', 'one'));
  const headerBytes = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  assert.is(headerBytes % 8, 0);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerBytes)));
  assert.equal(Object.values(header).map((value) => (value as { data_offsets?: number[] }).data_offsets),
    [undefined, [0, 8], [8, 12], [12, 13]]);
});

test('what cannot be a file is our own bug, not a UserError', () => {
  for (const [name, shape] of [['a', [2]], ['__metadata__', [1]]] as const) {
    const tensors = new Map([[name, { shape, data: Float32Array.of(1) }]]);
    assert.throws(() => writeSafetensors({ tensors }), (error: Error) => !(error instanceof UserError));
  }
});

test('F16, BF16 and F64 become float32', () => {
  // 1, −2, largest, smallest normal, smallest subnormal, −0, ∞, NaN
  const half = Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x8000, 0x7c00, 0x7e00);
  const brain = Uint16Array.of(0x3f80, 0xc000, 0x3e00, 0x7f80, 0x7fc0); // 1, −2, 1/8, ∞, NaN
  const header = { half: entry('F16', [8], [0, 16]), brain: entry('BF16', [5], [16, 26]) };
  const bytes = file({ header, dataBytes: 26 });
  bytes.set(new Uint8Array(half.buffer), bytes.length - 26);
  bytes.set(new Uint8Array(brain.buffer), bytes.length - 10);
  const { tensors } = readSafetensors(bytes, NAME);
  const widened = [1, -2, 65504, 2 ** -14, 2 ** -24, -0, Infinity, NaN];
  const read = (key: string) => toFloat32(tensors.get(key)!, { name: NAME, key });
  assert.ok(read('half').every((value, i) => Object.is(value, widened[i])));
  assert.ok(read('brain').every((value, i) => Object.is(value, [1, -2, 1 / 8, Infinity, NaN][i])));
  assert.is(tensors.get('half')!.dtype, 'F16');
  const double = { dtype: 'F64', shape: [1], data: Float64Array.of(0.1) } as const;
  assert.equal(toFloat32(double, { name: NAME, key: 'd' }), Float32Array.of(0.1));
  const integers = { dtype: 'I32', shape: [1], data: Int32Array.of(1) } as const;
  assert.throws(() => toFloat32(integers, { name: NAME, key: 'i' }),
    (error: Error) => error instanceof UserError && /weights.safetensors: tensor "i" holds I32/.test(error.message));
});

test('bytes at any alignment, and the result does not alias them', () => {
  const bytes = writeSafetensors({ tensors: new Map([['a', { shape: [2], data: Float32Array.of(1, 2) }]]) });
  const shifted = Buffer.alloc(bytes.length + 3).subarray(3);
  shifted.set(bytes);
  const { data } = readSafetensors(shifted, NAME).tensors.get('a')!;
  shifted.fill(0);
  assert.equal(data, Float32Array.of(1, 2));
});

test('a golden file cut off anywhere is refused', () => {
  const bytes = readFileSync(new URL('../golden/diffwave-6x8-l1.safetensors', import.meta.url));
  const { tensors } = readSafetensors(bytes, NAME);
  assert.equal(tensors.get('step')!.data, Int32Array.of(199, 42, 30));
  const headerBytes = Number(bytes.readBigUInt64LE(0));
  for (const length of [0, 7]) refuses(bytes.subarray(0, length), /not a safetensors file/);
  for (const length of [8, 9, 100, 7 + headerBytes]) refuses(bytes.subarray(0, length), /cut off: its header/);
  for (const length of [8 + headerBytes, bytes.length - 1]) {
    refuses(bytes.subarray(0, length), /cut off: tensor "\S+" ends at/);
  }
});

test('other files are told from broken ones', () => {
  refuses(new TextEncoder().encode('RIFF....WAVEfmt and so on'), /not a safetensors file/);
  refuses(file({ header: '["no", "object"]' }), /not a safetensors file/);
  const tooLong = file({ header: {} });
  new DataView(tooLong.buffer).setBigUint64(0, 2n ** 63n, true);
  refuses(tooLong, /not a safetensors file/);
  refuses(file({ header: '{"a": ' }), /not valid JSON/);
  const notText = file({ header: '{"a": 1}' });
  notText[10] = 0xff;
  refuses(notText, /not valid JSON/);
});

test('headers that contradict themselves or the data are refused, by tensor', () => {
  const one = (value: unknown) => file({ header: { 'layer.w': value }, dataBytes: 8 });
  refuses(one(entry('F32', [2], [0, 8.5])), /tensor "layer.w"/, /data_offsets/);
  refuses(one(entry('F32', [2], [8, 0])), /tensor "layer.w"/, /data_offsets/);
  refuses(one(entry('F32', [2], [0])), /data_offsets \[0\]/);
  refuses(one(entry('F32', [-2], [0, 8])), /shape \[-2\]/);
  refuses(one(entry('F32', 2, [0, 8])), /shape 2/);
  refuses(one(entry('F32', [3], [0, 8])), /takes 12 bytes, not 8/);
  refuses(one(entry('F32', [2 ** 40, 2 ** 40], [0, 8])), /takes .* bytes, not 8/);
  refuses(one(entry('F8_E4M3', [8], [0, 8])), /number type "F8_E4M3"/, /F32, F64/);
  refuses(one(entry('toString', [8], [0, 8])), /number type "toString"/);
  refuses(one(null), /tensor "layer.w"/);
  refuses(one(entry('F32', [1], [0, 4])), /4 bytes after the last tensor/);
  refuses(one(entry('F32', [1], [4, 8])), /leaves a gap/);
  refuses(one(entry('F32', [3], [0, 12])), /cut off: tensor "layer.w" ends at byte 12 .* 8/);
  refuses(file({ header: { a: entry('F32', [2], [0, 8]), b: entry('F32', [1], [4, 8]) }, dataBytes: 8 }),
    /tensor "b" overlaps/);
  refuses(file({ header: { __metadata__: { epoch: 3 } } }), /__metadata__ must hold only texts/);
});

test.run();
