/** How much GPU memory a command may take. */
import { totalmem } from 'node:os';
import { UserError } from '../../../src/errors.ts';
import type { TrainingConfig } from '../../../src/diffwave/training/config.ts';
import { recordedOf } from '../../../src/diffwave/training/trainer.ts';
import { fitCrop } from '../../../src/diffwave/training/memoryPlan.ts';
import type { DiffWave } from '../../../src/diffwave/model/model.ts';
import { samplingMemory } from '../../../src/diffwave/sampling/sampling.ts';
import { validationBytes } from '../../../src/diffwave/validation/validation.ts';
import type { Gpu } from '../../../src/gpu/device/gpu.ts';
import { largestOnTheWay } from '../../../src/diffwave/validation/onTheWay.ts';

export const memoryLimitFlag = {
  type: 'string', placeholder: '<size>', help: 'GPU memory that the run may take, such as 2GiB (all there is)',
} as const;

const units: Record<string, number> = {
  B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, KIB: 2 ** 10, MIB: 2 ** 20, GIB: 2 ** 30, TIB: 2 ** 40,
};

/** '2GiB' → 2147483648. Throws a `UserError` if it is not a size. */
export function parseBytes(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text) ?? [];
  const bytes = Number(number) * (units[(unit || 'B').toUpperCase()] ?? NaN);
  if (!(bytes >= 1)) throw new UserError(`--memory-limit must be a size such as 2GiB or 500MB, got '${text}'`);
  return Math.floor(bytes);
}

/** Share of the machine's memory that a software adapter may take: the rest is for the data set and other programs. */
const softwareShare = 0.75;

/**
 * What a run may take unless it is said: on a software adapter three quarters of the machine's memory; on a GPU there is
 * no limit, as WebGPU does not tell how much memory it has, and the plan is made smaller when that runs out.
 */
export function defaultMemoryLimit(gpu: Gpu): number | undefined {
  return gpu.isSoftware ? Math.floor(totalmem() * softwareShare) : undefined;
}

/**
 * Bytes of GPU memory that watching a model takes beside training on crops of L samples: validation, sounds on the way,
 * and a place for the weights while those of the average are looked at.
 */
export function besideTraining(model: DiffWave, { validates, samples }: { validates: boolean; samples: boolean }) {
  const { gpu: { variant }, config, network, parameters } = model;
  const sampling = samples ? samplingMemory(model, largestOnTheWay(config)) : { clips: 0, tile: 0 };
  const ownWeights = validates || samples ? parameters.size : 0;
  return (L: number): number =>
    (validates ? validationBytes({ network, prediction: config.prediction, parameters, variant, L }) : 0) + sampling.clips + sampling.tile + ownWeights;
}

/** The training with crops that fit, if need be shorter ones than it has. */
export function withCropThatFits(training: TrainingConfig, { diffwave, clipSamples, ...limits }: {
  diffwave: DiffWave; clipSamples: number; memoryLimit?: number; beside?: (L: number) => number;
}): TrainingConfig {
  const wanted = training.cropSamples ?? clipSamples;
  const cropSamples = fitCrop({
    ...recordedOf({ model: diffwave, training, L: wanted }), limits: diffwave.gpu.device.limits, ...limits,
  });
  return cropSamples < wanted ? { ...training, cropSamples } : training;
}
