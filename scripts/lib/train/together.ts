/** What ranks that train together must have in common, and what is said of them. */
import { createHash } from 'node:crypto';
import type { DiffWaveConfig } from '../../../src/diffwave/model/config.ts';
import type { Weights } from '../../../src/diffwave/model/contract.ts';
import type { Model } from '../../../src/diffwave/model/model.ts';
import type { TrainingConfig } from '../../../src/diffwave/training/config.ts';
import type { OptimizerState } from '../../../src/diffwave/training/trainer.ts';
import type { Gpu } from '../../../src/gpu/device/gpu.ts';
import type { Ranks } from '../../../src/ranks.ts';
import { expectSame } from '../../../src/ranks.ts';
import type { Company } from '../cli/ranks.ts';
import { hashOfFlags, sharingText } from '../cli/ranks.ts';
import { packageVersion } from '../cli/invocation.ts';

/**
 * Throws a `UserError` on all ranks if one of them has another version, other flags, another network or training, other data, another
 * kind of adapter or other kernels for it, other weights or another state of the optimizer. Nothing is compared where a rank is alone.
 */
export async function expectSameTraining(ranks: Ranks, { flags, model, training, data, gpu, diffwave, resume }: {
  flags: object; model: DiffWaveConfig; training: TrainingConfig; data: string; gpu: Gpu; diffwave: Model; resume: OptimizerState | undefined;
}): Promise<void> {
  if (ranks.size === 1) return;
  await expectSame(ranks, {
    version: packageVersion(),
    flags: hashOfFlags(flags),
    network: hashOf(JSON.stringify(model)),
    training: hashOf(JSON.stringify(training)),
    data,
    adapter: gpu.name,
    kernels: hashOf(JSON.stringify([gpu.variant, gpu.matrix])),
    weights: hashOfWeights(await diffwave.weights()),
    ...(resume && { checkpoint: hashOfState(resume) }),
  });
}

/** Throws a `UserError` on all ranks if their weights or their optimizer's states are not the same any more. */
export async function expectSameState(ranks: Ranks, diffwave: Model, state: OptimizerState): Promise<void> {
  if (ranks.size === 1) return;
  const weights = hashOfWeights(await diffwave.weights());
  await expectSame(ranks, { [`weights after step ${state.step}`]: weights, [`optimizer's state after step ${state.step}`]: hashOfState(state) });
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hashOfWeights(weights: Weights): string {
  const hash = createHash('sha256');
  for (const [name, values] of weights) hash.update(name).update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return hash.digest('hex');
}

function hashOfState({ step, m, v, average }: OptimizerState): string {
  return hashOf([step, m, v, average].map((part) => (part instanceof Map ? hashOfWeights(part) : String(part))).join());
}

/** 'ranks     3 share 5 parts of a batch, 2 parts at most each', and whether they share an adapter. */
export function companyLine(company: Company, { training: { parts }, gpu }: { training: TrainingConfig; gpu: Gpu }): string {
  const { size } = company.ranks;
  const most = Math.ceil(parts! / size);
  const idle = size > parts! ? `; ${size - parts!} of them have nothing to do: use fewer, or more --parts` : '';
  return `ranks     ${size} share the ${parts} parts of a batch, ${most} at most each${sharingText(company, gpu)}${idle}`;
}
