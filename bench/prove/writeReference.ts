/**
 * Makes `reference.json`: `npx tsx bench/prove/writeReference.ts`, some minutes on a software adapter. To be run when a change
 * is meant to change what training computes (its defaults, its random numbers), and never to make a test pass.
 */
import { writeFileAtomic } from '../../src/disk/files.node.ts';
import { fileURLToPath } from 'node:url';
import { variantNamed } from '../../src/gpu/device/variant.ts';
import { endProcess } from '../../scripts/lib/cli/command.ts';
import { openMachine } from '../lib/machine.ts';
import { sizesOf } from '../lib/work.ts';
import type { ReferenceCurve } from './curve.ts';
import { comparedUpdates, curveOf, referenceFile } from './curve.ts';

const { gpu } = await openMachine();
const usual = gpu.variant;
const curve = async (sizes: Omit<ReferenceCurve, 'losses'>, updates: number): Promise<ReferenceCurve> => {
  const { losses } = await curveOf(gpu, sizes, { updates });
  return { ...sizes, losses: [...losses].map((loss) => Number(loss.toPrecision(7))) };
};
gpu.variant = variantNamed('naive', gpu.device, gpu.info)!;
const small = await curve({ preset: 'tiny', B: 2, L: 512 }, 200);
gpu.variant = usual; // the naive kernels would take an hour, and the small curve has shown that these agree
const full = await curve(sizesOf('gtzan', {}), comparedUpdates);
writeFileAtomic(fileURLToPath(referenceFile), `${JSON.stringify({ small, full }, null, 1)}\n`);
await endProcess(0);
