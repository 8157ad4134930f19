/** Which adapter this is, what it can do, how fast it computes and copies. */
import { unsafeAdapter } from '../../lib/machine.ts';
import { digits } from '../../lib/report.ts';
import { variantsOf } from '../../../src/verify/run.ts';
import type { Part } from '../part.ts';

/** As Dawn lists them: the sizes M × N × K of a product, and the types of its operands and of its sums. */
interface MatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/** Bytes of the copy that is timed: more than any cache. */
const copied = 2 ** 27;

export const adapter: Part = async (context) => {
  // Asked first: what it says is lost with a device that is lost.
  const unsafe = await unsafeAdapter().catch((error: Error) => error);
  const experimental = unsafe instanceof Error ? [] : [...unsafe.features].filter((name) => name.startsWith('chromium-'));
  const matrices = unsafe instanceof Error ? [] : matrixConfigs(unsafe.info);
  const machine = await context.machine();
  const { gpu } = machine;
  context.details(gpu.describe());
  const limits: Record<string, number> = {};
  for (const name in gpu.device.limits) limits[name] = gpu.device.limits[name as keyof GPUSupportedLimits] as number;
  const fma = (await machine.probes.fma()).wall;
  const copy = (await machine.probes.copy(copied)).wall;
  context.line(`${gpu.name}: ${digits(fma / 1e12)} TFLOP/s of fused multiply-adds, ${digits(copy / 1e9)} GB/s copied`);
  context.line(matrices.length === 0
    ? 'no subgroup matrices, also where Dawn allows experimental features'
    : `subgroup matrices: ${matrices.map(({ M, N, K, componentType, resultComponentType }) => `${M}×${N}×${K} ${componentType}→${resultComponentType}`).join(', ')}`);
  context.row('adapter', {
    variants: variantsOf(gpu).map(({ variant }) => variant), chosen: gpu.variant.variant,
    subgroups: [gpu.info.subgroupMinSize, gpu.info.subgroupMaxSize],
    features: [...gpu.device.features], experimental, subgroupMatrixConfigs: matrices, limits,
    timedBy: machine.stopwatch.source, fmaProbe: fma, copyProbe: copy,
  });
};

function matrixConfigs(info: GPUAdapterInfo): MatrixConfig[] {
  const configs = (info as { subgroupMatrixConfigs?: readonly MatrixConfig[] }).subgroupMatrixConfigs ?? [];
  return configs.map(({ componentType, resultComponentType, M, N, K }) => ({ componentType, resultComponentType, M, N, K }));
}
