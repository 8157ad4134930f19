import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { expectShape } from '../autograd/tensor.ts';
import { lanesFor, workgroupsFor } from './lanes.ts';

/**
 * What a network predicts of x_t: its noise ε (Ho et al. 2020), or v = √ᾱ_t·ε − √(1−ᾱ_t)·x_0 (Salimans and Ho 2022,
 * "Progressive distillation for fast sampling of diffusion models", section 4).
 */
export type Prediction = 'epsilon' | 'v';

export interface DiffuseInputs {
  readonly audio: Tensor; // (B, L) x_0
  readonly noise: Tensor; // (B, L) ε
  readonly signalLevel: Tensor; // (B) √ᾱ_t, t being that of the item
  readonly noiseLevel: Tensor; // (B) √(1−ᾱ_t)
}

/** Forward process (Ho et al. 2020, eq. 4): x_t = √ᾱ_t·x_0 + √(1−ᾱ_t)·ε, (B, L). Has no gradient. */
export function diffuse(tape: Tape, options: DiffuseInputs): Tensor {
  return record(tape, options, { velocity: false }).noisy;
}

/**
 * x_t and what a network of this kind is to predict of it, (B, L) both: ε itself, or v of Salimans and Ho 2022
 * ("Progressive distillation for fast sampling of diffusion models", appendix D). Neither has a gradient.
 */
export function diffuseWithTarget(tape: Tape, options: DiffuseInputs & { prediction: Prediction }): { noisy: Tensor; wanted: Tensor } {
  const { noisy, velocity } = record(tape, options, { velocity: options.prediction === 'v' });
  return { noisy, wanted: velocity ?? options.noise };
}

function record(tape: Tape, options: DiffuseInputs, wants: { velocity: boolean }): { noisy: Tensor; velocity?: Tensor } {
  const { audio, noise, signalLevel, noiseLevel } = options;
  const [B, L] = audio.shape as [number, number];
  expectShape(noise, [B, L], 'diffuse noise');
  expectShape(signalLevel, [B], 'diffuse signalLevel');
  expectShape(noiseLevel, [B], 'diffuse noiseLevel');
  const results = {
    noisy: tape.result('noisy', [B, L]),
    ...(wants.velocity && { velocity: tape.result('velocity', [B, L]) }),
  };
  const { Lane, width } = lanesFor(L);
  const count = (B * L) / width;
  tape.record({
    kernel: { shader: 'diffuse', entry: 'forward', constants: { Lane, VELOCITY: Number(wants.velocity) } },
    reads: { audio, noise, signalLevel, noiseLevel },
    writes: results,
    params: { count, length: L / width },
    workgroups: workgroupsFor(count),
  });
  return results;
}
