/**
 * Weights in the order in which the fast convolutions read them: slices of output channels, in rows
 * [K·Cin][wide][lanes] of four each, the last row being the bias. They change with every update, so they are packed at the
 * beginning of every run; `prepareWeights` does that for a whole network in one dispatch.
 */
import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { alignUp, bindingAlignment } from '../gpu/device/buffers.ts';
import { workgroupSize, workgroupsFor } from './lanes.ts';

export interface Affine {
  readonly weight: Tensor; // (K, Cin, Cout)
  readonly bias: Tensor; // (Cout)
  /** What the weight is multiplied by when it is packed, 1 if absent. */
  readonly factor?: number;
  /** What `prepareWeights` made of them. */
  readonly prepared?: { readonly forward: Packed; readonly transposed?: Packed };
}

export interface PackLayout {
  readonly taps: number; // K
  readonly inputs: number; // channels that the convolution reads
  readonly outputs: number; // channels that it writes
  readonly lanes: number;
  readonly wide: 1 | 2; // vec4f of output channels per lane
  readonly stride: number; // places, of four weights each, from one slice to the next
  readonly slices: number;
  readonly paired: 0 | 1; // both halves of the output channels side by side
  readonly transposed: 0 | 1; // for the gradient in the input
  readonly words: 4 | 2; // of 32 bits in a place: float32, or f16, as matrices of f16 take them
}

export interface Packed extends PackLayout {
  readonly tensor: Tensor;
  /** Elements of `tensor`, words, before the first slice. */
  readonly start: number;
  /** Whether a slice fits into a uniform binding. */
  readonly uniform: boolean;
}

/** Words of four numbers of a bias, float32 in every layout. */
const biasWords = 4;

/** The fields of the shader's struct Layout, in its order; three for places and the weight's factor follow. */
const layoutOrder = [
  'taps', 'inputs', 'outputs', 'lanes', 'wide', 'stride', 'slices', 'paired', 'transposed',
] as const satisfies readonly (keyof PackLayout)[];
const layoutFields = layoutOrder.length + 4;

export type Form = { readonly paired: boolean; readonly transposed: boolean };

/** How one convolution's weights are packed for the tape's variant. */
export function layoutOf(tape: Tape, weight: Tensor, form: Form): PackLayout & { uniform: boolean } {
  const { variant, maxUniformBytes } = tape.variant;
  const [taps, Cin, Cout] = weight.shape as [number, number, number];
  const [inputs, outputs] = form.transposed ? [Cout, Cin] : [Cin, Cout];
  const columns = outputs / (form.paired ? 8 : 4); // vec4f
  const lanes = variant === 'tile' ? lanesOfTile(tape, form.paired ? columns : columns / 2) : tape.variant.lanes;
  const words = tape.variant.matrix?.component === 'f16' ? 2 : 4;
  const bytesPerColumn = (taps * inputs * words + biasWords) * 4 * lanes;
  const fitsUniform = (wide: number): boolean => variant === 'broadcast' && bytesPerColumn * wide <= maxUniformBytes;
  // Two columns a lane halve the loads of inputs, unless that pushes the weights out of a uniform binding. Of an odd number of narrow
  // slices, which are worked on in twos as well, the last is worked on alone; a wide one in its place would be half empty.
  const isOdd = Math.ceil(columns / lanes) % 2 === 1;
  const wide = form.paired || (columns > lanes && (!fitsUniform(1) || (fitsUniform(2) && !isOdd))) ? 2 : 1;
  return {
    taps, inputs, outputs, lanes, wide,
    stride: alignUp(bytesPerColumn * wide, bindingAlignment) / (4 * words),
    slices: Math.ceil(columns / (form.paired ? lanes : lanes * wide)),
    paired: form.paired ? 1 : 0,
    transposed: form.transposed ? 1 : 0,
    words,
    uniform: fitsUniform(wide),
  };
}

/**
 * Columns of invocations of a `tile` workgroup whose invocations have two vec4f of outputs each: a power of two, and no more
 * than there is work for, as idle lanes compute all the same.
 */
export function lanesOfTile(tape: Tape, columns: number): number {
  return Math.min(tape.variant.lanes, Math.max(8, 2 ** Math.ceil(Math.log2(columns))));
}

/** Packs one convolution's weights. */
export function packWeights(tape: Tape, { weight, bias, factor = 1 }: Affine, form: Form): Packed {
  const { uniform, ...layout } = layoutOf(tape, weight, form);
  const tensor = packedTensor(tape, `packed ${weight.name}`, layout, layout.slices * layout.stride);
  tape.record({
    kernel: { shader: 'packWeights', entry: 'forward', constants: packedConstants(layout) },
    reads: { weight, bias },
    writes: { packed: tensor },
    params: { ...layout, weightAt: 0, biasAt: 0, start: 0, factor },
    workgroups: workgroupsFor(layout.slices * layout.stride),
  });
  return { ...layout, uniform, tensor, start: 0 };
}

/** Memory for so many places. Words of f16 count as u32: no kernel computes with them, they are what it multiplies by. */
function packedTensor(tape: Tape, name: string, { words }: Pick<PackLayout, 'words'>, places: number): Tensor {
  return tape.result(name, [places * words], [], words === 2 ? 'u32' : 'f32');
}

/** What a kernel that reads or writes packed weights has to know of them. */
export function packedConstants({ words }: Pick<PackLayout, 'words'>): { Packed: string; HALF: 0 | 1 } {
  return words === 2 ? { Packed: 'vec2u', HALF: 1 } : { Packed: 'vec4f', HALF: 0 };
}

/** One slice of packed weights, as a convolution binds it. */
export function sliceOf(tape: Tape, packed: Packed, slice: number): Tensor {
  const { tensor, start, stride, taps, inputs, lanes, wide, words } = packed;
  return tape.part(tensor, start + slice * stride * words, [taps * inputs + biasWords / words, lanes * wide * words]);
}

type Convolution = Affine & { readonly paired: boolean };

/**
 * Packs the weights of many convolutions, all of them parameters, in one dispatch, or in as few as their size allows; with
 * `gradients` also the transposed ones. `paired` says for each whether its output channels are two halves that belong
 * together.
 */
export function prepareWeights(tape: Tape, convolutions: readonly Convolution[], options: { gradients: boolean }): Affine[] {
  const groups: Convolution[][] = [];
  let room = 0; // bytes left in the last group's tensor
  for (const convolution of convolutions) {
    const size = packedBytes(tape, convolution, options);
    if (size > room || groups.length === 0) {
      groups.push([]);
      room = tape.variant.maxStorageBytes;
    }
    groups.at(-1)!.push(convolution);
    room -= size;
  }
  return groups.flatMap((group) => prepareTogether(tape, group, options));
}

/** Bytes that a convolution takes in the packed tensor. */
function packedBytes(tape: Tape, { weight, paired }: Convolution, { gradients }: { gradients: boolean }): number {
  const forms = [{ paired, transposed: false }, ...(gradients ? [{ paired: false, transposed: true }] : [])];
  return forms.reduce((sum, form) => {
    const { slices, stride, words } = layoutOf(tape, weight, form);
    return sum + alignUp(slices * stride * words * 4, bindingAlignment);
  }, 0);
}

function prepareTogether(tape: Tape, convolutions: readonly Convolution[], options: { gradients: boolean }): Affine[] {
  const table: number[] = []; // the shader's struct Layout, entry after entry
  const work: number[] = []; // for each workgroup its entry, and its first place within that
  let length = 0; // places
  const place = ({ weight, bias, factor = 1 }: Affine, form: Form): Omit<Packed, 'tensor'> => {
    const { uniform, ...layout } = layoutOf(tape, weight, form);
    const start = length;
    const size = layout.slices * layout.stride;
    const entry = table.length / layoutFields;
    const [factorBits] = new Uint32Array(Float32Array.of(factor).buffer);
    table.push(...layoutOrder.map((field) => layout[field]), tape.parameterOffset(weight), tape.parameterOffset(bias), start, factorBits!);
    for (let at = 0; at < size; at += workgroupSize) work.push(entry, at);
    length = alignUp(start + size, bindingAlignment / (4 * layout.words));
    return { ...layout, uniform, start: start * layout.words };
  };
  const places = convolutions.map((affine) => ({
    affine,
    forward: place(affine, { paired: affine.paired, transposed: false }),
    transposed: options.gradients ? place(affine, { paired: false, transposed: true }) : undefined,
  }));

  const parameters = tape.allParameters();
  const layout = places[0]!.forward; // all have words of the same kind
  const tensor = packedTensor(tape, 'packed weights', layout, length);
  tape.record({
    kernel: { shader: 'packWeights', entry: 'many', constants: packedConstants(layout) },
    reads: {
      weight: parameters,
      bias: parameters,
      table: tape.constant('packing table', [table.length], Uint32Array.from(table)),
      work: tape.constant('packing work', [work.length], Uint32Array.from(work)),
    },
    writes: { packed: tensor },
    workgroups: work.length / 2,
  });
  return places.map(({ affine: { weight, bias, factor }, forward, transposed }) => ({
    weight,
    bias,
    factor,
    prepared: { forward: { ...forward, tensor }, transposed: transposed && { ...transposed, tensor } },
  }));
}
