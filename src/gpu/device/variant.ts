/**
 * Kernels come in variants under one contract, to compute the same: `naive` is the formula and what the others are measured
 * against, `tile` has workgroup memory and register tiles, for GPUs, `broadcast` has subgroup broadcasts and uniform
 * weights, for software adapters, `matrix` has subgroup matrices, where precision `matrix` asks for them. Which one an adapter
 * gets is a fixed table; sizes that are outside a variant's reach fall back to `naive`, by name.
 */

import { isSoftwareInfo } from './adapter.ts';
import type { MatrixSettings, MatrixShape } from './matrix.ts';
import { chooseMatrix, matrixLanes } from './matrix.ts';

export type Variant = 'naive' | 'tile' | 'broadcast' | 'matrix';

/** Sizes of the `tile` kernels, which may differ from adapter to adapter. */
export interface TileSizes {
  /** Rows of one item that a workgroup makes. */
  readonly rows: number;
  /** Rows that an invocation makes, a divisor of `rows`; each has up to 8 sums in registers. */
  readonly deep: number;
  /**
   * Workgroups of 128 invocations, or as many invocations in smaller ones, that a weight gradient is spread over. Its chunks of
   * rows cost memory, K·Cin·Cout numbers each.
   */
  readonly gradientGroups: number;
  /** Whether convolutions load the next slab into registers while they multiply one: more registers for less waiting. */
  readonly prefetch: boolean;
}

export interface VariantSettings {
  readonly variant: Variant;
  /**
   * Vec4f columns that lie side by side in packed weights: for `broadcast` the lanes of a subgroup, for `tile` the
   * columns of invocations of a workgroup, at most.
   */
  readonly lanes: number;
  /** Bytes that a uniform binding may have. */
  readonly maxUniformBytes: number;
  /** Bytes that a storage binding may have: partial sums are not made larger. */
  readonly maxStorageBytes: number;
  /** Bytes of memory that a workgroup may have. */
  readonly maxWorkgroupBytes: number;
  /** Storage buffers that a kernel may have; the default of WebGPU, 8, where nobody says. */
  readonly maxStorageBuffers?: number;
  readonly tile: TileSizes;
  /** Of the variant `matrix` alone. */
  readonly matrix?: MatrixSettings;
}

/** Columns of invocations of a `tile` workgroup, where there are so many channels. */
const tileLanes = 16;

/**
 * 64 rows × 16 columns of invocations, 8 rows each, are 128 invocations with up to 64 sums and 13 KiB of workgroup
 * memory, which every adapter has. 528 workgroups of a weight gradient are four on each of the 132 multiprocessors of an H100,
 * all of which have room at once. `tuning` looks for better ones on the adapter itself.
 */
export const defaultTile: TileSizes = { rows: 64, deep: 8, gradientGroups: 528, prefetch: false };

/**
 * The variant that this adapter runs fastest.
 * - Real GPUs: `tile`, whose workgroup memory and register tiles they are made for.
 * - Software adapters whose subgroups have one size: `broadcast`; there workgroup memory costs a coroutine per barrier.
 * - Anything else: `naive`.
 */
export function chooseVariant(device: GPUDevice, { info, isSoftware }: { info: GPUAdapterInfo; isSoftware: boolean }): VariantSettings {
  const wanted = isSoftware ? 'broadcast' : 'tile';
  return variantNamed(wanted, device, info) ?? variantNamed('naive', device, info)!;
}

/** Whether the kernels are a GPU's, which has thousands of threads to keep busy; a software adapter has a few. */
export function hasManyThreads({ variant }: VariantSettings): boolean {
  return variant !== 'naive' && variant !== 'broadcast';
}

/**
 * Lanes up to which a GPU gets `broadcast`, if it is asked for by name: a lane has 8 sums of each of 32 rows, for which wide subgroups
 * have no registers.
 */
const mostLanesOfGpu = 16;

/** What a tape without an adapter's settings works with: the naive kernels. */
export const naiveSettings: VariantSettings = {
  variant: 'naive', lanes: 0, maxUniformBytes: 0, maxStorageBytes: Infinity, maxWorkgroupBytes: 0, tile: defaultTile,
};

/** The settings of a variant by name; undefined where the adapter cannot run it. */
export function variantNamed(variant: Variant, device: GPUDevice, info: GPUAdapterInfo): VariantSettings | undefined {
  const sizes = {
    maxUniformBytes: device.limits.maxUniformBufferBindingSize,
    maxStorageBytes: device.limits.maxStorageBufferBindingSize,
    maxWorkgroupBytes: device.limits.maxComputeWorkgroupStorageSize,
    maxStorageBuffers: device.limits.maxStorageBuffersPerShaderStage,
    tile: defaultTile,
  };
  if (variant === 'naive') return { variant, lanes: 0, ...sizes };
  if (variant === 'tile') return { variant, lanes: tileLanes, ...sizes };
  if (variant === 'matrix') {
    const settings = matrixVariant(device, info);
    return typeof settings === 'string' ? undefined : settings;
  }
  const { subgroupMinSize: lanes = 0, subgroupMaxSize } = info;
  const most = isSoftwareInfo(info) ? Infinity : mostLanesOfGpu;
  const canBroadcast = device.features.has('subgroups') && lanes === subgroupMaxSize && lanes >= 4 && lanes <= most;
  return canBroadcast ? { variant, lanes, ...sizes } : undefined;
}

/** The settings of `matrix` on a device that was opened for it, or in one line why it cannot be. */
export function matrixVariant(device: GPUDevice, info: GPUAdapterInfo): VariantSettings | string {
  const { features, limits } = device;
  const matrix = chooseMatrix({ features, limits, info: info as GPUAdapterInfo & { subgroupMatrixConfigs?: readonly MatrixShape[] } });
  return typeof matrix === 'string' ? matrix : { ...variantNamed('tile', device, info)!, variant: 'matrix', lanes: matrixLanes, matrix };
}
