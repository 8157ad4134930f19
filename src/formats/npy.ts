/**
 * NumPy's .npy files, as numpy.save writes them: the magic, two bytes of version, the length of a header, the header (a Python
 * dictionary with `descr`, `fortran_order` and `shape`), then the numbers without gaps. NEP 1; numpy/lib/format.py.
 */
import { UserError } from '../errors.ts';
import { fromHalf } from './half.ts';

/** An array of a .npy file. */
export interface NpyArray {
  readonly shape: readonly number[];
  /** In C order, whatever the file's is: the last axis is contiguous. Float64 is rounded. */
  readonly data: Float32Array<ArrayBuffer>;
}

const magic = [0x93, ...new TextEncoder().encode('NUMPY')];

/** How a number of each type is read. */
const types: Readonly<Record<string, { bytes: number; read: (view: DataView, at: number, little: boolean) => number }>> = {
  f2: { bytes: 2, read: (view, at, little) => fromHalf(view.getUint16(at, little)) },
  f4: { bytes: 4, read: (view, at, little) => view.getFloat32(at, little) },
  f8: { bytes: 8, read: (view, at, little) => view.getFloat64(at, little) },
};

const again = 'Write it again with numpy.save.';

/**
 * Reads a .npy file of floating-point numbers. `name` is the file's name for messages.
 *
 * @throws UserError when it is no .npy file, is cut off, or holds anything but f2, f4 or f8
 */
export function readNpy(bytes: Uint8Array, name: string): NpyArray {
  if (magic.some((byte, i) => bytes[i] !== byte)) throw new UserError(`${name} is not a NumPy file: it does not begin as a .npy does. ${again}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[6];
  if (version === undefined || version < 1 || version > 3) throw new UserError(`${name} is a NumPy file of version ${version}, wanted 1, 2 or 3. ${again}`);
  const headerAt = version === 1 ? 10 : 12;
  if (bytes.length < headerAt) throw new UserError(`${name} is cut off in its header. ${again}`);
  const dataAt = headerAt + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (dataAt > bytes.length) throw new UserError(`${name} is cut off in its header. ${again}`);
  const { descr, fortran, shape } = readHeader(new TextDecoder().decode(bytes.subarray(headerAt, dataAt)), name);

  const type = types[descr.slice(1)];
  if (!type || !'<>=|'.includes(descr[0]!)) {
    throw new UserError(`${name} holds numbers of type '${descr}', wanted floating-point numbers (f2, f4 or f8). Save it with .astype('float32').`);
  }
  const count = shape.reduce((product, size) => product * size, 1);
  const found = bytes.length - dataAt;
  if (found !== count * type.bytes) {
    throw new UserError(`${name} has ${found} bytes of numbers, but (${shape.join(', ')}) of ${descr} takes ${count * type.bytes}. ${again}`);
  }
  const little = descr[0] !== '>';
  const inFile = Float32Array.from({ length: count }, (_, i) => type.read(view, dataAt + i * type.bytes, little));
  return { shape, data: fortran ? inCOrder(inFile, shape) : inFile };
}

function readHeader(text: string, name: string): { descr: string; fortran: boolean; shape: number[] } {
  const wrong = `${name}: the header of the NumPy file is damaged. ${again}`;
  if (/'descr':\s*\[/.test(text)) throw new UserError(`${name} holds records, wanted plain numbers (f2, f4 or f8). Save one array of them.`);
  const descr = /'descr':\s*'([^']+)'/.exec(text)?.[1];
  const fortran = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const shape = /'shape':\s*\(([\d,\s]*)\)/.exec(text)?.[1];
  if (descr === undefined || fortran === undefined || shape === undefined) throw new UserError(wrong);
  const sizes = shape.split(',').map((size) => size.trim()).filter((size) => size !== '').map(Number);
  if (!sizes.every(Number.isSafeInteger)) throw new UserError(wrong);
  return { descr, fortran: fortran === 'True', shape: sizes };
}

/** From an order in which the first axis is contiguous to one in which the last is. */
function inCOrder(data: Float32Array, shape: readonly number[]): Float32Array<ArrayBuffer> {
  return Float32Array.from(data, (_, to) => {
    let rest = to;
    const place = new Array<number>(shape.length);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place[axis] = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    return data[place.reduceRight((from, index, axis) => from * shape[axis]! + index, 0)]!;
  });
}
