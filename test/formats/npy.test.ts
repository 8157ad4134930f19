import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UserError } from '../../src/errors.ts';
import { readNpy } from '../../src/formats/npy.ts';

const test = suite('npy');

/** A file as numpy.save writes it. */
function npy({ descr = "'<f4'", fortran = 'False', shape = '(2, 3)', version = 1, data }: {
  descr?: string; fortran?: string; shape?: string; version?: number; data: Uint8Array;
}): Uint8Array {
  const text = `{'descr': ${descr}, 'fortran_order': ${fortran}, 'shape': ${shape}, }`;
  const start = version === 1 ? 10 : 12;
  const header = `${text.padEnd(Math.ceil((start + text.length + 1) / 64) * 64 - start - 1)}\n`;
  const bytes = new Uint8Array(start + header.length + data.length);
  bytes.set([0x93, ...new TextEncoder().encode('NUMPY'), version, 0]);
  const view = new DataView(bytes.buffer);
  if (version === 1) view.setUint16(8, header.length, true);
  else view.setUint32(8, header.length, true);
  bytes.set(new TextEncoder().encode(header), start);
  bytes.set(data, start + header.length);
  return bytes;
}

const values = [0, -1.5, 2, 0.25, 65504, -0.0625];

function numbers(type: 'Float64' | 'Float32' | 'Half', little: boolean): Uint8Array {
  const half: Record<number, number> = { 0: 0, [-1.5]: 0xbe00, 2: 0x4000, 0.25: 0x3400, 65504: 0x7bff, [-0.0625]: 0xac00 };
  const size = { Float64: 8, Float32: 4, Half: 2 }[type];
  const view = new DataView(new ArrayBuffer(values.length * size));
  values.forEach((value, i) => {
    if (type === 'Half') view.setUint16(2 * i, half[value]!, little);
    else view[`set${type}`](size * i, value, little);
  });
  return new Uint8Array(view.buffer);
}

test('every type, byte order and version', () => {
  for (const version of [1, 2, 3]) {
    for (const [type, letter] of [['Float64', 'f8'], ['Float32', 'f4'], ['Half', 'f2']] as const) {
      for (const order of ['<', '>']) {
        const bytes = npy({ descr: `'${order}${letter}'`, version, data: numbers(type, order === '<') });
        const { shape, data } = readNpy(bytes, 'x.npy');
        assert.equal(shape, [2, 3]);
        assert.equal([...data], values, `${order}${letter} version ${version}`);
        const elsewhere = new Uint8Array(bytes.length + 3); // at an odd place of a larger buffer
        elsewhere.set(bytes, 3);
        assert.equal([...readNpy(elsewhere.subarray(3), 'x.npy').data], values);
      }
    }
  }
});

test('Fortran order, one axis and none', () => {
  const data = numbers('Float32', true);
  assert.equal([...readNpy(npy({ fortran: 'True', data }), 'x.npy').data], [0, 2, 65504, -1.5, 0.25, -0.0625]);
  assert.equal([...readNpy(npy({ fortran: 'True', shape: '(1, 3, 2)', data }), 'x.npy').data], [0, 0.25, -1.5, 65504, 2, -0.0625]);
  assert.equal(readNpy(npy({ shape: '(6,)', data }), 'x.npy').shape, [6]);
  assert.equal(readNpy(npy({ shape: '()', data: data.subarray(0, 4) }), 'x.npy'), { shape: [], data: new Float32Array(1) });
});

test('what cannot be read is refused in one line that names the file', () => {
  const data = numbers('Float32', true);
  const good = npy({ data });
  const wrong: [Uint8Array, RegExp][] = [
    [new Uint8Array(0), /is not a NumPy file/],
    [new TextEncoder().encode('RIFF and so on'), /is not a NumPy file/],
    [good.subarray(0, 6), /version undefined, wanted 1, 2 or 3/],
    [npy({ version: 4, data }), /version 4, wanted 1, 2 or 3/],
    [good.subarray(0, 9), /cut off in its header/],
    [good.subarray(0, 40), /cut off in its header/],
    [good.subarray(0, good.length - 1), /has 23 bytes of numbers, but \(2, 3\) of <f4 takes 24/],
    [npy({ data: new Uint8Array(25) }), /has 25 bytes/],
    [npy({ descr: "'<i4'", data }), /type '<i4', wanted floating-point/],
    [npy({ descr: "'?f4'", data }), /type '\?f4', wanted/],
    [npy({ descr: "[('a', '<f4')]", data }), /holds records/],
    [npy({ shape: '[2, 3]', data }), /header of the NumPy file is damaged/],
    [npy({ fortran: 'Perhaps', data }), /damaged/],
    [npy({ shape: '(99999999999999999999,)', data }), /damaged/],
  ];
  for (const [bytes, message] of wrong) {
    assert.throws(() => readNpy(bytes, 'x.npy'), (error: unknown) =>
      error instanceof UserError && message.test(error.message) && error.message.startsWith('x.npy') && !error.message.includes('\n'), String(message));
  }
});

test.run();
