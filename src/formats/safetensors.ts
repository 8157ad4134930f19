/**
 * Safetensors files, read and written as bytes: 8 bytes with the length of a JSON header (little-endian), the header,
 * then the tensors' data without gaps. A file is never trusted: whatever it says about itself is checked before use.
 * Numbers are little-endian in the file and in the typed arrays of every platform that has WebGPU.
 */
import { UserError } from '../errors.ts';
import { fromHalf } from './half.ts';

/** What a tensor's numbers are kept in. F16 and BF16 are widened to Float32Array, which loses nothing. */
export type TensorData = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;

/** A tensor of a safetensors file. */
export interface StoredTensor {
  readonly dtype: Dtype; // as the file has it
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** A whole safetensors file. */
export interface Safetensors {
  readonly metadata: Record<string, string>;
  readonly tensors: Map<string, StoredTensor>; // in the file's order
}

const DTYPES = {
  F32: { bytes: 4, decode: (buffer: ArrayBuffer): TensorData => new Float32Array(buffer) },
  F64: { bytes: 8, decode: (buffer: ArrayBuffer): TensorData => new Float64Array(buffer) },
  F16: { bytes: 2, decode: (buffer: ArrayBuffer): TensorData => Float32Array.from(new Uint16Array(buffer), fromHalf) },
  BF16: { bytes: 2, decode: (buffer: ArrayBuffer): TensorData => fromBfloat(new Uint16Array(buffer)) },
  I32: { bytes: 4, decode: (buffer: ArrayBuffer): TensorData => new Int32Array(buffer) },
  I64: { bytes: 8, decode: (buffer: ArrayBuffer): TensorData => new BigInt64Array(buffer) },
  U8: { bytes: 1, decode: (buffer: ArrayBuffer): TensorData => new Uint8Array(buffer) },
} as const;

/** The number types that are read. */
export type Dtype = keyof typeof DTYPES;

const LENGTH_BYTES = 8;
const LONGEST_HEADER = 100_000_000; // bytes; the format's own limit, which keeps a hostile file from filling memory
const METADATA = '__metadata__';

/**
 * Reads a safetensors file. `name` is the file's name for messages. Throws a UserError that names the file and the
 * tensor if the bytes are cut off, are not safetensors, or contradict themselves.
 */
export function readSafetensors(bytes: Uint8Array, name: string): Safetensors {
  const { header, dataStart } = readHeader(bytes, name);
  const metadata = readMetadata(header[METADATA], name);
  const entries = Object.entries(header)
    .filter(([key]) => key !== METADATA)
    .map(([key, value]) => readEntry({ key, value, name }))
    .sort((a, b) => a.begin! - b.begin! || a.end! - b.end!);

  const dataBytes = bytes.length - dataStart;
  const tensors = new Map<string, StoredTensor>();
  let at = 0;
  for (const { key, dtype, shape, begin, end } of entries) {
    const tensor = `tensor ${JSON.stringify(key)}`;
    if (end! > dataBytes) {
      throw new UserError(
        `${name} is cut off: ${tensor} ends at byte ${end} of the data, of which there are ${dataBytes}. ${AGAIN}`,
      );
    }
    if (begin !== at) {
      const fault = begin! < at ? 'overlaps the tensor before it' : 'leaves a gap after the tensor before it';
      throw new UserError(`${name}: ${tensor} ${fault} (begins at byte ${begin}, wanted ${at}). ${AGAIN}`);
    }
    at = end!;
    const copy = new Uint8Array(bytes.subarray(dataStart + begin, dataStart + end!)); // aligned, whatever `bytes` is
    tensors.set(key, { dtype, shape, data: DTYPES[dtype].decode(copy.buffer) });
  }
  if (at !== dataBytes) {
    throw new UserError(`${name}: ${dataBytes - at} bytes after the last tensor belong to none. ${AGAIN}`);
  }
  return { metadata, tensors };
}

/** The tensor's numbers as float32 (F64 is rounded). Throws a UserError naming file and tensor if they are integers. */
export function toFloat32(tensor: StoredTensor, { name, key }: { name: string; key: string }): Float32Array {
  if (tensor.data instanceof Float32Array) return tensor.data;
  if (tensor.data instanceof Float64Array) return Float32Array.from(tensor.data);
  throw new UserError(
    `${name}: tensor ${JSON.stringify(key)} holds ${tensor.dtype}, wanted floating-point numbers. ${OTHER_FILE}`,
  );
}

/**
 * The bytes of a safetensors file. Tensors are laid out by falling element size, then by name, so that each one is
 * aligned and the same input always gives the same bytes; the header is padded with spaces to a multiple of 8 bytes.
 */
export function writeSafetensors(
  { tensors, metadata = {} }: {
    tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: TensorData }>;
    metadata?: Readonly<Record<string, string>>;
  },
): Uint8Array {
  const sorted = [...tensors].sort(([nameA, a], [nameB, b]) =>
    b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT || (nameA < nameB ? -1 : 1));
  let at = 0;
  const entries = sorted.map(([name, { shape, data }]) => {
    if (name === METADATA || elementCount(shape) !== data.length) {
      throw new Error(`Cannot write tensor ${name} of shape (${shape}) and ${data.length} numbers.`);
    }
    return [name, { dtype: dtypeOf(data), shape, data_offsets: [at, (at += data.byteLength)] }] as const;
  });
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries([[METADATA, metadata], ...entries])));
  const headerBytes = Math.ceil(json.length / 8) * 8;

  const bytes = new Uint8Array(LENGTH_BYTES + headerBytes + at);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.fill(' '.charCodeAt(0), LENGTH_BYTES, LENGTH_BYTES + headerBytes);
  bytes.set(json, LENGTH_BYTES);
  let position = LENGTH_BYTES + headerBytes;
  for (const [, { data }] of sorted) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return bytes;
}

const AGAIN = 'Copy or download the file again, or use another one.';
const OTHER_FILE = 'Use a file that was saved as safetensors.';

function readHeader(bytes: Uint8Array, name: string): { header: Record<string, unknown>; dataStart: number } {
  if (bytes.length < LENGTH_BYTES) {
    throw new UserError(`${name} is not a safetensors file: it has only ${bytes.length} bytes. ${AGAIN}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  // Every header begins with a brace. Looking there first tells another kind of file from a broken one.
  if (length > LONGEST_HEADER || (bytes.length > LENGTH_BYTES && bytes[LENGTH_BYTES] !== '{'.charCodeAt(0))) {
    throw new UserError(`${name} is not a safetensors file: there is no header at its start. ${OTHER_FILE}`);
  }
  const dataStart = LENGTH_BYTES + length;
  if (dataStart > bytes.length) {
    throw new UserError(
      `${name} is cut off: its header takes ${length} bytes, the file has ${bytes.length - LENGTH_BYTES}. ${AGAIN}`,
    );
  }
  const header = parseJson(bytes.subarray(LENGTH_BYTES, dataStart));
  if (!isRecord(header)) throw new UserError(`${name}: the safetensors header is not valid JSON. ${AGAIN}`);
  return { header, dataStart };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined; // the parser's own message quotes the file over several lines
  }
}

function readMetadata(value: unknown, name: string): Record<string, string> {
  if (value === undefined) return {};
  if (!isRecord(value) || Object.values(value).some((text) => typeof text !== 'string')) {
    throw new UserError(`${name}: ${METADATA} must hold only texts. ${AGAIN}`);
  }
  return value as Record<string, string>;
}

function readEntry({ key, value, name }: { key: string; value: unknown; name: string }) {
  const where = `${name}: tensor ${JSON.stringify(key)}`;
  const { dtype, shape, data_offsets: offsets } = isRecord(value) ? value : {};
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPES, dtype)) {
    const known = Object.keys(DTYPES).join(', ');
    throw new UserError(`${where} has number type ${JSON.stringify(dtype)}. Save it as one of ${known}.`);
  }
  if (!isCounts(shape)) {
    throw new UserError(`${where} has shape ${JSON.stringify(shape)}, wanted a list of sizes. ${AGAIN}`);
  }
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    throw new UserError(`${where} has data_offsets ${JSON.stringify(offsets)}, wanted [begin, end]. ${AGAIN}`);
  }
  const [begin, end] = offsets;
  const wanted = elementCount(shape) * DTYPES[dtype as Dtype].bytes;
  if (end! - begin! !== wanted) {
    throw new UserError(
      `${where} has shape (${shape.join(', ')}) of ${dtype}, which takes ${wanted} bytes, not ${end! - begin!}. ${AGAIN}`,
    );
  }
  return { key, dtype: dtype as Dtype, shape, begin, end };
}

const elementCount = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && count >= 0);

function dtypeOf(data: TensorData): Dtype {
  if (data instanceof Float32Array) return 'F32';
  if (data instanceof Float64Array) return 'F64';
  if (data instanceof Int32Array) return 'I32';
  return data instanceof BigInt64Array ? 'I64' : 'U8';
}

/** A bfloat16 is the upper half of a float32. */
function fromBfloat(bits: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(bits, (half) => half << 16).buffer);
}
