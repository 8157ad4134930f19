/** Whether a precision other than float32 can be trusted on an adapter: found out on the adapter itself, before the first step. */
import { Executable } from '../../autograd/executable.ts';
import { Parameters } from '../../autograd/parameters.ts';
import { planTape } from '../../autograd/plan.ts';
import { Tape } from '../../autograd/tape.ts';
import { UserError } from '../../errors.ts';
import type { VariantSettings } from '../../gpu/device/variant.ts';
import { loss } from '../../ops/loss.ts';
import { gradientScaleFor } from '../../ops/matrix.ts';
import { uniforms } from '../../random.ts';
import type { Model } from '../model/model.ts';
import type { TrainingConfig } from './config.ts';
import { storedIn } from './step.ts';

type Name = TrainingConfig['precision'];

/** A precision with the kernels that it is computed with. */
export interface UsedPrecision {
  readonly precision: Name;
  readonly variant: VariantSettings;
  /** Why it is not the one that was asked for, in one line. */
  readonly note?: string;
}

/**
 * Largest difference that is still rounding, relative to the largest value: f16 has 11 places, so one rounding is 5e-4,
 * and a few dozen of them pile up in a gradient. Broken f16 is off by its own size.
 */
const tolerance = 0.02;

/** Sizes of the test: neither is a multiple of a tile's rows, and some layers' dilation is longer than the clip. */
const [B, leastL] = [2, 100];

/**
 * The precision that a model is trained in when `wanted` is asked for. float32 is what it is. `mixed` is tested, and a
 * `UserError` with the reason where it cannot be. `matrix` is tested as well, and where it cannot be, its place is taken by
 * `mixed`, or by float32 where that cannot be either, and the note says so.
 */
export async function usablePrecision(model: Model, wanted: Name): Promise<UsedPrecision> {
  if (wanted === 'mixed') await checkMixedPrecision(model);
  if (wanted !== 'matrix') return { precision: wanted, variant: model.gpu.variant };
  const why = await refusalOf(model, 'matrix');
  if (why === undefined) return candidate(model, 'matrix');
  const precision = (await refusalOf(model, 'mixed')) === undefined ? 'mixed' : 'float32';
  return { ...candidate(model, precision), note: `${precision} instead of matrix: ${why}` };
}

/** The same by what the adapter says of itself, without a test: for predictions of memory. */
export function expectedPrecision(model: Model, wanted: Name): UsedPrecision {
  if (wanted !== 'matrix' || lackFor(model, 'matrix') === undefined) return candidate(model, wanted);
  return candidate(model, lackFor(model, 'mixed') === undefined ? 'mixed' : 'float32');
}

/** Throws a `UserError` with the reason if mixed precision cannot be, or computes something else than float32. */
export async function checkMixedPrecision(model: Model): Promise<void> {
  const reason = await refusalOf(model, 'mixed');
  if (reason !== undefined) throw new UserError(`mixed precision is not possible here: ${reason}; leave \`precision\` at float32`);
}

/**
 * The settings of the `matrix` kernels if they compute what float32 does for this model, or in one line why they are not to be
 * used: for what has no gradients, and so no precision of storage.
 */
export async function usableMatrices(model: Model): Promise<VariantSettings | string> {
  return (await refusalOf(model, 'matrix')) ?? model.gpu.matrix;
}

function candidate({ gpu }: Model, precision: Name): UsedPrecision {
  const variant = precision === 'matrix' && typeof gpu.matrix !== 'string' ? gpu.matrix : gpu.variant;
  return { precision, variant };
}

/** What the adapter or the network lacks. */
function lackFor({ gpu, network }: Model, precision: 'mixed' | 'matrix'): string | undefined {
  if (precision === 'matrix' && typeof gpu.matrix === 'string') return `this adapter (${gpu.name}) cannot do it: ${gpu.matrix}`;
  if (precision === 'mixed') {
    if (!gpu.device.features.has('shader-f16')) return `this adapter (${gpu.name}) has no shader-f16`;
    if (gpu.variant.variant === 'naive') return 'this adapter runs the naive kernels, which have no f16';
  }
  return network.refusesMixed?.();
}

/**
 * Does one training step of the model's own network, with other weights, in float32 and in this precision, and compares
 * prediction and gradients. Undefined if they agree, otherwise the reason.
 */
async function refusalOf(model: Model, precision: 'mixed' | 'matrix'): Promise<string | undefined> {
  const lack = lackFor(model, precision);
  if (lack !== undefined) return lack;
  const wanted = await trainOnce(model, { precision: 'float32', variant: model.gpu.variant });
  let got;
  try {
    got = await trainOnce(model, candidate(model, precision));
  } catch (error) {
    // Of an experiment drivers may refuse a kernel, which is no reason to stop; of memory or the device itself it is one.
    if (precision !== 'matrix' || error instanceof UserError) throw error;
    return `their kernels do not run: ${(error as Error).message.split('\n', 2).join(' ')}`;
  }
  for (const [name, values] of wanted) {
    const scale = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    const worst = values.reduce((sum, value, i) => Math.max(sum, Math.abs(value - got.get(name)![i]!)), 0);
    if (!(worst <= tolerance * scale)) {
      const what = precision === 'mixed' ? 'its f16 is' : 'they are';
      return `${what} off by ${worst.toPrecision(2)} of ${scale.toPrecision(2)} in '${name}'`;
    }
  }
  return undefined;
}

/** Prediction and gradients of one step, by name. */
async function trainOnce({ gpu, network, lossKind, diffusion }: Model, { precision, variant }: UsedPrecision): Promise<Map<string, Float32Array>> {
  using parameters = new Parameters(gpu, network.specs);
  const alignment = network.conditioning?.alignment ?? 1;
  const L = Math.ceil(leastL / alignment) * alignment;
  const drawn = (length: number, { stream, step }: { stream: number; step: number }) =>
    Float32Array.from(uniforms({ seed: 0, stream, step, item: 0, length }), (number) => 3 * (2 * number - 1));
  const weights = network.initial(1);
  // What starts at zero, as the last convolution does, would leave nothing to compare.
  [...weights].forEach(([name, values], step) => {
    if (values.every((value) => value === 0)) weights.set(name, drawn(values.length, { stream: 1, step }).map((value) => value / 10));
  });
  parameters.write(parameters.values, weights);
  const tape = new Tape({ parameters, variant, precision: storedIn(precision, variant), gradientScale: gradientScaleFor(B * L) });
  const [noisy, wanted, t] = [tape.input('noisy', [B, L]), tape.input('wanted', [B, L]), tape.input('t', [B])];
  const shape = network.conditioning?.shape(L);
  const condition = shape && tape.input('condition', [B, ...shape]);
  const predicted = tape.keep(network.record(tape, { noisy, t, condition }));
  tape.backward(loss(tape, { predicted, wanted, kind: lossKind }));
  using executable = await Executable.build(gpu, planTape(tape));
  executable.write(noisy, drawn(B * L, { stream: 0, step: 0 }));
  executable.write(wanted, drawn(B * L, { stream: 0, step: 1 }));
  executable.write(t, Float32Array.from([0, diffusion.diffusionSteps - 1]));
  if (condition) executable.write(condition, drawn(condition.length, { stream: 0, step: 2 }));
  executable.run();
  return new Map([['prediction', await executable.read(predicted)], ...(await parameters.read(parameters.gradients))]);
}
