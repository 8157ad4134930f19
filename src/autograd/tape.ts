/**
 * The tape: operations are recorded in the order in which they will run, `backward` appends those of the gradients,
 * and the planner (`plan.ts`) turns the finished list into a program. Nothing is computed here.
 */
import type { BufferRange } from '../gpu/device/buffers.ts';
import { bindingAlignment } from '../gpu/device/buffers.ts';
import type { VariantSettings } from '../gpu/device/variant.ts';
import { naiveSettings } from '../gpu/device/variant.ts';
import type { GradientSlot, Keeps, Operation, Precision } from './operation.ts';
import type { ParameterSource } from './parameters.ts';
import type { DType, Storage } from './tensor.ts';
import { Tensor, bytesPerElement, elementsOf, expectShape } from './tensor.ts';

/** An operation that has gradients: `record` appends them, if one came in at any of the outputs. */
interface Differentiable {
  readonly outputs: readonly Tensor[];
  readonly record: () => void;
}

export class Tape {
  readonly variant: VariantSettings;
  readonly precision: Precision;
  readonly keeps: Keeps;
  /** What gradients are multiplied by where a kernel makes them f16 for a while: a power of two, see `gradientScaleFor`. */
  readonly gradientScale: number;
  readonly operations: Operation[] = [];
  readonly storages = new Set<Storage>();
  readonly #parameters: ParameterSource | undefined;
  readonly #parameterTensors = new Map<string, Tensor>();
  readonly #parameterNames = new Map<Tensor, string>();
  readonly #gradients = new Map<Tensor, { tensor: Tensor; shared: boolean }>();
  readonly #places = new Map<Tensor, Tensor>();
  readonly #postponed = new Map<Tensor, () => void>();
  #backward: Differentiable[] = [];

  /**
   * Operations take kernels of this variant where it can work on their sizes, the naive ones elsewhere.
   * Without settings, all are naive.
   */
  constructor(options: { parameters?: ParameterSource; variant?: VariantSettings; precision?: Precision; keeps?: Keeps; gradientScale?: number } = {}) {
    this.#parameters = options.parameters;
    this.keeps = options.keeps ?? 'activations';
    this.precision = options.precision ?? 'float32';
    this.variant = options.variant ?? naiveSettings;
    this.gradientScale = options.gradientScale ?? 1;
  }

  /** A tensor that the host writes before a run. With `gradient`, its gradient can be asked for. */
  input(name: string, shape: readonly number[], options: { dtype?: DType; gradient?: boolean } = {}): Tensor {
    const storage = this.#storage({ kind: 'pinned', name, size: elementsOf(shape) * 4 });
    return new Tensor({ name, shape, dtype: options.dtype, storage, needsGradient: options.gradient });
  }

  /** A tensor that is uploaded once, when the program is built. */
  constant(name: string, shape: readonly number[], content: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): Tensor {
    if (content.length !== elementsOf(shape)) throw new TypeError(`${name}: ${content.length} values for (${shape.join(', ')})`);
    const storage = this.#storage({ kind: 'pinned', name, size: content.byteLength, content });
    return new Tensor({ name, shape, storage, dtype: content instanceof Uint32Array ? 'u32' : 'f32' });
  }

  /** A tensor whose memory belongs to somebody else and outlives the program. */
  external(name: string, shape: readonly number[], range: BufferRange): Tensor {
    const size = elementsOf(shape) * 4;
    if (size > range.size) throw new TypeError(`${name}: (${shape.join(', ')}) does not fit into ${range.size} bytes`);
    return new Tensor({ name, shape, storage: this.#storage({ kind: 'fixed', name, size, range: { ...range, size } }) });
  }

  /** The parameter of this name, with gradient. */
  parameter(name: string): Tensor {
    const known = this.#parameterTensors.get(name);
    if (known) return known;
    if (!this.#parameters) throw new Error(`this tape has no parameters, so no '${name}'`);
    const { shape, range } = this.#parameters.value(name);
    const storage = this.#storage({ kind: 'fixed', name, size: range.size, range });
    const tensor = new Tensor({ name, shape, storage, needsGradient: true });
    this.#parameterTensors.set(name, tensor);
    this.#parameterNames.set(tensor, name);
    return tensor;
  }

  /** All parameters as one tensor, for operations on many of them. Has no gradient of its own. */
  allParameters(): Tensor {
    if (!this.#parameters) throw new Error('this tape has no parameters');
    const { buffer, size } = this.#parameters.values;
    return this.external('parameters', [size / 4], { buffer, offset: 0, size });
  }

  /** The gradients of all parameters as one tensor, each in the place of its parameter. */
  allGradients(): Tensor {
    if (!this.#parameters) throw new Error('this tape has no parameters');
    const { buffer, size } = this.#parameters.gradients;
    return this.external('gradients', [size / 4], { buffer, offset: 0, size });
  }

  /** Elements of `allParameters` before this parameter. */
  parameterOffset(parameter: Tensor): number {
    if (!this.#parameterNames.has(parameter)) throw new Error(`${parameter} is not a parameter of this tape`);
    return parameter.storage.range!.offset / 4;
  }

  /** The result of an operation. `from` are the tensors that it is computed from, and decides about gradients. */
  result(name: string, shape: readonly number[], from: readonly Tensor[] = [], dtype: DType = 'f32'): Tensor {
    const storage = this.#storage({ kind: 'planned', name, size: elementsOf(shape) * bytesPerElement[dtype] });
    return new Tensor({ name, shape, dtype, storage, needsGradient: from.some((tensor) => tensor.needsGradient) });
  }

  /** The new value of `old` after an operation that updates it where it is. Nothing may read `old` afterwards. */
  updated(old: Tensor, from: readonly Tensor[] = []): Tensor {
    this.#expectCurrent(old);
    old.storage.version++;
    const needsGradient = old.needsGradient || from.some((tensor) => tensor.needsGradient);
    return new Tensor({ name: old.name, shape: old.shape, dtype: old.dtype, storage: old.storage, needsGradient });
  }

  /** The same values under another shape. */
  reshaped(tensor: Tensor, shape: readonly number[]): Tensor {
    if (elementsOf(shape) !== tensor.length) throw new TypeError(`${tensor} cannot become (${shape.join(', ')})`);
    const { name, dtype, storage, offset, needsGradient } = tensor;
    this.#expectCurrent(tensor);
    const view = new Tensor({ name, shape, dtype, storage, offset, needsGradient });
    this.onBackward([view], () => this.passGradient(tensor, this.reshaped(this.gradient(view)!, tensor.shape)));
    return view;
  }

  /**
   * A part of a result: the elements from `start`, a multiple of 64 (256 bytes, where every adapter lets a binding
   * begin), under the given shape. Its gradient does not reach the whole by itself, see `placeGradient`.
   */
  part(tensor: Tensor, start: number, shape: readonly number[]): Tensor {
    const offset = tensor.offset + start * bytesPerElement[tensor.dtype];
    if (offset % bindingAlignment !== 0 || start + elementsOf(shape) > tensor.length) {
      throw new RangeError(`${tensor} has no part (${shape.join(', ')}) that begins at ${start}`);
    }
    this.#expectCurrent(tensor);
    const { name, dtype, storage, needsGradient } = tensor;
    return new Tensor({ name, shape, dtype, storage, offset, needsGradient });
  }

  /** Keeps a result's memory to the end of the program, so that it can be read afterwards. */
  keep(tensor: Tensor): Tensor {
    if (tensor.storage.kind === 'planned') tensor.storage.kind = 'pinned';
    return tensor;
  }

  record(operation: Operation): void {
    for (const tensor of Object.values(operation.reads)) this.#expectCurrent(tensor);
    const half = [...Object.values(operation.reads), ...Object.values(operation.writes)].find(({ dtype }) => dtype === 'f16');
    if (half && !operation.kernel.constants?.F16) throw new Error(`${operation.kernel.shader} cannot work on ${half}, which is f16`);
    this.operations.push(operation);
  }

  /** Says how the gradients of an operation's inputs follow from those of its outputs; runs in reverse order. */
  onBackward(outputs: readonly Tensor[], record: () => void): void {
    if (this.keeps !== 'nothing' && outputs.some((output) => output.needsGradient)) this.#backward.push({ outputs, record });
  }

  /**
   * What `record` records, a chain of operations with one result; where the tape keeps layer inputs alone, it is recorded
   * again before its gradients. It must not update anything in place.
   */
  recomputable(record: () => Tensor): Tensor {
    if (this.keeps !== 'layerInputs') return record();
    const [result] = this.#apart(record); // its gradients are those of the second time
    this.onBackward([result], () => {
      const [again, chain] = this.#apart(record);
      this.#gradients.set(again, { tensor: this.gradient(result)!, shared: true });
      this.#replay(chain);
    });
    return result;
  }

  /** Records once more what was recorded before: the same values, for whoever needs them again and asks for no gradients of them. */
  again = (record: () => Tensor): Tensor => this.#apart(record)[0];

  /** Records without adding to what the next `backward` differentiates; that is returned instead. */
  #apart(record: () => Tensor): [Tensor, Differentiable[]] {
    const outer = this.#backward;
    this.#backward = [];
    try {
      return [record(), this.#backward];
    } finally {
      this.#backward = outer;
    }
  }

  /** The gradient in `tensor` as far as it has been recorded; undefined if nothing depends on it. */
  gradient(tensor: Tensor): Tensor | undefined {
    this.#catchUp(tensor);
    return this.#gradients.get(tensor)?.tensor;
  }

  /** Where an operation's backward puts its share of the gradient in `tensor`; undefined if nobody needs it. */
  gradientSlot(tensor: Tensor): GradientSlot | undefined {
    if (!tensor.needsGradient) return undefined;
    this.#catchUp(tensor);
    const known = this.#gradients.get(tensor);
    if (known?.shared) throw new Error(`the gradient in ${tensor} was passed on from its only reader, but has another reader`);
    if (known) return { tensor: known.tensor, accumulate: true };
    const gradient = this.#gradientTensor(tensor);
    this.#gradients.set(tensor, { tensor: gradient, shared: false });
    return { tensor: gradient, accumulate: false };
  }

  /** Says where the gradient in `tensor` is to be put, before anybody asks for its slot. */
  placeGradient(tensor: Tensor, place: Tensor): void {
    expectShape(place, tensor.shape, `place of the gradient in ${tensor.name}`);
    this.#places.set(tensor, place);
  }

  /** Lets what writes the gradient in `tensor` wait for others of its kind: until somebody asks for it, or the end of `backward`. */
  postpone(tensor: Tensor, record: () => void): void {
    this.#postponed.set(tensor, record);
  }

  #catchUp(tensor: Tensor): void {
    const record = this.#postponed.get(tensor);
    for (const [other, same] of this.#postponed) if (same === record) this.#postponed.delete(other);
    record?.();
  }

  /** The tensor that a gradient is a part of, and the elements before it: of all parameters' gradients, or of what it was placed in. */
  wholeOf(gradient: Tensor): { readonly whole: Tensor; readonly before: number } {
    const { storage, offset } = gradient;
    if (storage.range && storage.range.buffer === this.#parameters?.gradients.buffer) {
      return { whole: this.allGradients(), before: (storage.range.offset + offset) / 4 };
    }
    const whole = new Tensor({ name: storage.name, shape: [storage.size / 4], storage });
    return { whole, before: offset / 4 };
  }

  /**
   * Two gradient slots as one, if the second lies right behind the first in memory, as a bias does behind its weight
   * where that fills its place, and if both are written in the same way.
   */
  adjacent(first: GradientSlot, second: GradientSlot): GradientSlot | undefined {
    const [a, b] = [first.tensor.storage.range, second.tensor.storage.range];
    if (!a || a.buffer !== b?.buffer || a.offset + a.size !== b.offset || first.accumulate !== second.accumulate) return undefined;
    const shape = [first.tensor.length + second.tensor.length];
    const range = { buffer: a.buffer, offset: a.offset, size: a.size + b.size };
    return { tensor: this.external(first.tensor.name, shape, range), accumulate: first.accumulate };
  }

  /** Declares that the gradient in `tensor` is `gradient` itself: for operations whose derivative is 1. */
  passGradient(tensor: Tensor, gradient: Tensor): void {
    if (!tensor.needsGradient) return;
    if (this.#gradients.has(tensor)) throw new Error(`the gradient in ${tensor} has more than one share and cannot be passed on`);
    // A parameter's gradient has a place of its own, where the optimiser looks for it.
    if (this.#parameterNames.has(tensor)) throw new Error(`the gradient in the parameter ${tensor} cannot be another tensor`);
    this.#gradients.set(tensor, { tensor: gradient, shared: true });
  }

  /**
   * Appends the gradient operations of what was recorded since the last call. `seeds` gives the gradient in every tensor
   * that is the end of the chain; a scalar loss needs none, its own is 1. A batch in parts is forward, backward, forward,
   * backward, …: the parts' gradients in the parameters add up, and the parts share their memory.
   */
  backward(loss: Tensor, ...seeds: readonly { of: Tensor; gradient: Tensor }[]): void {
    const recorded = this.#backward;
    if (recorded.length === 0) throw new Error('nothing that has a gradient was recorded since the last backward');
    this.#backward = [];
    const first = seeds.some((seed) => seed.of === loss)
      ? []
      : [{ of: loss, gradient: this.#one(loss) }];
    for (const { of, gradient } of [...first, ...seeds]) {
      expectShape(gradient, of.shape, `gradient of ${of.name}`);
      this.#gradients.set(of, { tensor: gradient, shared: true });
    }
    this.#replay(recorded);
    for (const tensor of [...this.#postponed.keys()]) this.#catchUp(tensor);
  }

  #replay(recorded: readonly Differentiable[]): void {
    for (const { outputs, record } of recorded.toReversed()) {
      if (outputs.some((output) => this.#gradients.has(output))) record();
    }
  }

  #one(loss: Tensor): Tensor {
    if (loss.length !== 1) throw new TypeError(`backward starts at a single number, got ${loss}; give a gradient for it`);
    return this.constant('one', loss.shape, new Float32Array([1]));
  }

  #gradientTensor(tensor: Tensor): Tensor {
    const place = this.#places.get(tensor);
    if (place) return place;
    const [name, parameter] = [`d ${tensor.name}`, this.#parameterNames.get(tensor)];
    return parameter === undefined ? this.result(name, tensor.shape) : this.external(name, tensor.shape, this.#parameters!.gradient(parameter));
  }

  #storage(options: Omit<Storage, 'version'>): Storage {
    const storage: Storage = { ...options, version: 0 };
    this.storages.add(storage);
    return storage;
  }

  #expectCurrent(tensor: Tensor): void {
    if (tensor.version !== tensor.storage.version) throw new Error(`${tensor} was updated in place and its old value is gone`);
  }
}
