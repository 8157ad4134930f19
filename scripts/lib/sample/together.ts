/** What ranks that sample together must have in common, and what is said of them. Each makes clips of its own. */
import type { WeightsIdentity } from '../../../src/diffwave/files/run.node.ts';
import type { Gpu } from '../../../src/gpu/device/gpu.ts';
import type { Ranks } from '../../../src/ranks.ts';
import { expectSame } from '../../../src/ranks.ts';
import { packageVersion } from '../cli/invocation.ts';
import type { Company } from '../cli/ranks.ts';
import { hashOfFlags, sharingText } from '../cli/ranks.ts';

/** Throws a `UserError` on all ranks if one has another version, other flags, other weights or another kind of adapter. */
export async function expectSameSampling(ranks: Ranks, { flags, weights, gpu }: { flags: object; weights: WeightsIdentity; gpu: Gpu }): Promise<void> {
  if (ranks.size === 1) return;
  await expectSame(ranks, {
    version: packageVersion(),
    flags: hashOfFlags(flags),
    weights: weights.sha256,
    adapter: gpu.name,
  });
}

/** 'ranks     3 share 10 clips', or the samples of one, and whether they share an adapter. */
export function sharedLine(company: Company, { count, gpu, isOneForAll }: { count: number; gpu: Gpu; isOneForAll: boolean }): string {
  const { size } = company.ranks;
  if (isOneForAll) return `ranks     ${size} share the samples of the clip${sharingText(company, gpu)}`;
  const idle = size > count ? `; ${size - count} of them have nothing to do` : '';
  return `ranks     ${size} share ${count} ${count === 1 ? 'clip' : 'clips'}${sharingText(company, gpu)}${idle}`;
}
