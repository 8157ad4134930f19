/** What there is of subgroup matrices: in this version of the project, and on the adapter. */
import type { Model } from '../../src/diffwave/model/model.ts';
import { TRAINING_RULES } from '../../src/diffwave/training/config.ts';
import * as precisions from '../../src/diffwave/training/precision.ts';
import type { Trainer } from '../../src/diffwave/training/trainer.ts';
import type { VariantSettings } from '../../src/gpu/device/variant.ts';
import { unsafeAdapter } from '../lib/machine.ts';
import type { PartContext } from './part.ts';

/** Whether this version has `--precision matrix`. Says so to whoever asks, and what the adapter has, where it does not. */
export async function hasMatrixPrecision(context: PartContext): Promise<boolean> {
  if (TRAINING_RULES.precision.accepts('matrix')) return true;
  const { features } = await unsafeAdapter();
  const has = (features as ReadonlySet<string>).has('chromium-experimental-subgroup-matrix');
  context.absent(`there is no --precision matrix in this version; the adapter ${has ? 'has' : 'does not have'} subgroup matrices`);
  return false;
}

/** The kernels by matrices for a model, or in a line why it cannot have them. */
export async function matrixVariant(model: Model): Promise<VariantSettings | string> {
  const { usableMatrices } = precisions as { usableMatrices?: (model: Model) => Promise<VariantSettings | string> };
  return (await usableMatrices?.(model)) ?? 'this version does not sample with subgroup matrices';
}

/** The precision that a trainer took, and why it is another one than it was asked for. */
export function usedBy(trainer: Trainer): { readonly precision: string; readonly note?: string } {
  const { used } = trainer as { used?: { readonly precision: string; readonly note?: string } };
  return used ?? { precision: trainer.training.precision };
}
