/** Whether mixed precision can be trusted on an adapter: found out on the adapter itself, before the first step. */
import { Executable } from '../../autograd/executable.ts';
import { Parameters } from '../../autograd/parameters.ts';
import { planTape } from '../../autograd/plan.ts';
import type { Precision } from '../../autograd/operation.ts';
import { Tape } from '../../autograd/tape.ts';
import { UserError } from '../../errors.ts';
import { loss } from '../../ops/loss.ts';
import { uniforms } from '../../random.ts';
import type { Model } from '../model/model.ts';

/**
 * Largest difference that is still rounding, relative to the largest value: f16 has 11 places, so one rounding is 5e-4,
 * and a few dozen of them pile up in a gradient. Broken f16 is off by its own size.
 */
const tolerance = 0.02;

/** Sizes of the test: neither is a multiple of a tile's rows, and some layers' dilation is longer than the clip. */
const [B, L] = [2, 100];

/**
 * Does one training step of the model's own network, with other weights, in both precisions and compares prediction and
 * gradients. Throws a `UserError` with the reason if the adapter has no f16, if the network has no kernels for it, or if the
 * results differ.
 */
export async function checkMixedPrecision(model: Model): Promise<void> {
  const { gpu } = model;
  const refuse = (reason: string): never => {
    throw new UserError(`mixed precision is not possible here: ${reason}; leave \`precision\` at float32`);
  };
  if (!gpu.device.features.has('shader-f16')) refuse(`this adapter (${gpu.name}) has no shader-f16`);
  if (gpu.variant.variant === 'naive') refuse('this adapter runs the naive kernels, which have no f16');
  const reason = model.network.refusesMixed?.();
  if (reason !== undefined) refuse(reason);
  const wanted = await trainOnce(model, 'float32');
  const got = await trainOnce(model, 'mixed');
  for (const [name, values] of wanted) {
    const scale = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    const worst = values.reduce((sum, value, i) => Math.max(sum, Math.abs(value - got.get(name)![i]!)), 0);
    if (!(worst <= tolerance * scale)) refuse(`its f16 is off by ${worst.toPrecision(2)} of ${scale.toPrecision(2)} in '${name}'`);
  }
}

/** Prediction and gradients of one step, by name. */
async function trainOnce({ gpu, network, lossKind, diffusion }: Model, precision: Precision): Promise<Map<string, Float32Array>> {
  using parameters = new Parameters(gpu, network.specs);
  const drawn = (length: number, { stream, step }: { stream: number; step: number }) =>
    Float32Array.from(uniforms({ seed: 0, stream, step, item: 0, length }), (number) => 3 * (2 * number - 1));
  const weights = network.initial(1);
  // What starts at zero, as the last convolution does, would leave nothing to compare.
  [...weights].forEach(([name, values], step) => {
    if (values.every((value) => value === 0)) weights.set(name, drawn(values.length, { stream: 1, step }).map((value) => value / 10));
  });
  parameters.write(parameters.values, weights);
  const tape = new Tape({ parameters, variant: gpu.variant, precision });
  const [noisy, wanted, t] = [tape.input('noisy', [B, L]), tape.input('wanted', [B, L]), tape.input('t', [B])];
  const predicted = tape.keep(network.record(tape, { noisy, t }));
  tape.backward(loss(tape, { predicted, wanted, kind: lossKind }));
  using executable = await Executable.build(gpu, planTape(tape));
  executable.write(noisy, drawn(B * L, { stream: 0, step: 0 }));
  executable.write(wanted, drawn(B * L, { stream: 0, step: 1 }));
  executable.write(t, Float32Array.from([0, diffusion.diffusionSteps - 1]));
  executable.run();
  return new Map([['prediction', await executable.read(predicted)], ...(await parameters.read(parameters.gradients))]);
}
