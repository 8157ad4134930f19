/**
 * The sizes of the `tile` kernels that tuning tries, and what rules a size out. Whoever changes the kernels changes this list
 * alone: tuning takes whatever stands here.
 */
import type { TileSizes } from '../gpu/device/variant.ts';
import { defaultTile } from '../gpu/device/variant.ts';

/**
 * What decides most, the likeliest first, since a slow GPU does not get to the end of the list: the default; half the sums in
 * registers (twice as many invocations at once, where registers are what they lack); twice the rows per workgroup (the weights
 * are read half as often); that with twice the sums (fewer reads of workgroup memory for each multiplication).
 */
export const geometries: readonly TileSizes[] = [
  defaultTile,
  { ...defaultTile, deep: 4 },
  { ...defaultTile, rows: 128 },
  { ...defaultTile, rows: 128, deep: 16 },
];

/** Changes to the fastest so far, in rounds that each begin at that. */
export const refinements: readonly (readonly ((tile: TileSizes) => TileSizes)[])[] = [
  [(tile) => ({ ...tile, prefetch: !tile.prefetch })],
  [
    (tile) => ({ ...tile, gradientGroups: tile.gradientGroups / 2 }),
    (tile) => ({ ...tile, gradientGroups: tile.gradientGroups * 2 }),
  ],
];

export const mostCandidates = geometries.length + refinements.flat().length;

/** What conv1d.tile.wgsl has as constants: vec4f of input channels in a slab, and the padding of a row of them. */
const slab = { width: 4, padding: 1 };

/** Vec4f of sums side by side in an invocation, at least and at most. */
const wide = { least: 1, most: 2 };

/** Workgroup limits of an adapter. */
export type WorkgroupLimits = Pick<
  GPUSupportedLimits,
  'maxComputeInvocationsPerWorkgroup' | 'maxComputeWorkgroupSizeX' | 'maxComputeWorkgroupStorageSize'
>;

/**
 * Why conv1d.tile.wgsl cannot have these sizes on an adapter; undefined if it can. Its loops stage a slab of `rows` rows
 * and the weights of a slab in whole rounds, one vec4f per invocation and round, so the invocations must divide both.
 */
export function tileProblem({ rows, deep, gradientGroups, prefetch }: TileSizes, lanes: number, limits: WorkgroupLimits): string | undefined {
  if (![rows, deep, gradientGroups].every((size) => Number.isSafeInteger(size) && size > 0)) return 'sizes must be whole numbers above 0';
  if (typeof prefetch !== 'boolean') return '`prefetch` must be true or false';
  if (rows % deep !== 0) return `${deep} rows per invocation do not divide ${rows}`;
  const invocations = (rows / deep) * lanes;
  if ((rows * slab.width) % invocations !== 0) return `${invocations} invocations cannot share out the inputs of ${rows} rows`;
  const weights = slab.width * 4 * lanes;
  if ((weights * wide.least) % invocations !== 0) return `${invocations} invocations cannot share out ${weights} weights`;
  const most = Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX);
  if (invocations > most) return `${invocations} invocations, the adapter has ${most}`;
  const bytes = (rows * (slab.width + slab.padding) + weights * wide.most) * 16;
  const memory = limits.maxComputeWorkgroupStorageSize;
  return bytes > memory ? `${bytes} bytes of workgroup memory, the adapter has ${memory}` : undefined;
}
