/** Whether mixed precision can be trusted on an adapter: found out on the adapter itself, before the first step. */
import { Executable } from '../../autograd/executable.ts';
import { Parameters } from '../../autograd/parameters.ts';
import { planTape } from '../../autograd/plan.ts';
import type { Precision } from '../../autograd/operation.ts';
import { Tape } from '../../autograd/tape.ts';
import { UserError } from '../../errors.ts';
import type { Gpu } from '../../gpu/device/gpu.ts';
import { loss } from '../../ops/loss.ts';
import { uniform } from '../../random.ts';
import type { DiffWaveConfig } from '../model/config.ts';
import { network, parameterSpecs } from '../model/network.ts';
import { initialWeights } from '../model/weights.ts';

/**
 * Largest difference that is still rounding, relative to the largest value: f16 has 11 places, so one rounding is 5e-4,
 * and a few dozen of them pile up in a gradient. Broken f16 is off by its own size.
 */
const tolerance = 0.02;

/**
 * Trains a small network for one step in both precisions and compares prediction and gradients. Throws a `UserError`
 * with the reason if the adapter has no f16, if `config` has no kernels for it, or if the results differ.
 */
export async function checkMixedPrecision(gpu: Gpu, config: DiffWaveConfig): Promise<void> {
  const refuse = (reason: string): never => {
    throw new UserError(`mixed precision is not possible here: ${reason}; leave --precision at float32`);
  };
  if (!gpu.device.features.has('shader-f16')) refuse(`this adapter (${gpu.name}) has no shader-f16`);
  if (gpu.variant.variant === 'naive') refuse('this adapter runs the naive kernels, which have no f16');
  if (config.channels % 4 !== 0) refuse(`${config.channels} channels are not a multiple of 4`);
  const small: DiffWaveConfig = {
    ...config, layers: 3, channels: 16, dilationCycle: 3, embeddingWidth: 32, diffusionSteps: 10,
  };
  const wanted = await trainOnce(gpu, small, 'float32');
  const got = await trainOnce(gpu, small, 'mixed');
  for (const [name, values] of wanted) {
    const scale = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    const worst = values.reduce((sum, value, i) => Math.max(sum, Math.abs(value - got.get(name)![i]!)), 0);
    if (!(worst <= tolerance * scale)) refuse(`its f16 is off by ${worst.toPrecision(2)} of ${scale.toPrecision(2)} in '${name}'`);
  }
}

/** Prediction and gradients of one step, by name. */
async function trainOnce(gpu: Gpu, config: DiffWaveConfig, precision: Precision): Promise<Map<string, Float32Array>> {
  const [B, L] = [2, 100];
  const parameters = new Parameters(gpu, parameterSpecs(config));
  const weights = initialWeights(config, 1);
  weights.set('output_projection.weight', weights.get('skip_projection.weight')!.slice(0, config.channels)); // not zero
  parameters.write(parameters.values, weights);
  const tape = new Tape({ parameters, variant: gpu.variant, precision });
  const [noisy, wanted, t] = [tape.input('noisy', [B, L]), tape.input('wanted', [B, L]), tape.input('t', [B])];
  const predicted = tape.keep(network(tape, config, { noisy, t }));
  tape.backward(loss(tape, { predicted, wanted, kind: config.loss }));
  const executable = await Executable.build(gpu, planTape(tape));
  try {
    const draw = (step: number) => (_: unknown, index: number) =>
      3 * (2 * uniform({ seed: 0, stream: 0, step, item: 0, index }) - 1);
    executable.write(noisy, Float32Array.from({ length: B * L }, draw(0)));
    executable.write(wanted, Float32Array.from({ length: B * L }, draw(1)));
    executable.write(t, Float32Array.from([0, config.diffusionSteps - 1]));
    executable.run();
    return new Map([['prediction', await executable.read(predicted)], ...(await parameters.read(parameters.gradients))]);
  } finally {
    executable.destroy();
    parameters.destroy();
  }
}
