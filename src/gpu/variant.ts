/**
 * Kernels come in variants under one contract (DESIGN: `naive`, `tile`, `broadcast`). Which one an adapter gets is a
 * fixed table; sizes that are outside a variant's reach fall back to `naive`, by name.
 */

export type Variant = 'naive' | 'tile' | 'broadcast';

export interface VariantSettings {
  readonly variant: Variant;
  /**
   * Vec4f columns that lie side by side in packed weights: for `broadcast` the lanes of a subgroup, for `tile` the
   * columns of invocations of a workgroup.
   */
  readonly lanes: number;
  /** Bytes that a uniform binding may have. */
  readonly maxUniformBytes: number;
}

/** Columns of a `tile` workgroup; its shader is written for this. */
const tileLanes = 16;

/**
 * The variant that this adapter runs fastest.
 * - Real GPUs: `tile`, whose workgroup memory and register tiles they are made for.
 * - Software adapters whose subgroups have one size: `broadcast`; there workgroup memory costs a coroutine per barrier.
 * - Anything else: `naive`.
 */
export function chooseVariant(device: GPUDevice, info: GPUAdapterInfo): VariantSettings {
  const wanted = info.isFallbackAdapter ? 'broadcast' : 'tile';
  return variantNamed(wanted, device, info) ?? variantNamed('naive', device, info)!;
}

/** The settings of a variant by name; undefined where the adapter cannot run it. */
export function variantNamed(variant: Variant, device: GPUDevice, info: GPUAdapterInfo): VariantSettings | undefined {
  const maxUniformBytes = device.limits.maxUniformBufferBindingSize;
  if (variant === 'naive') return { variant, lanes: 0, maxUniformBytes };
  if (variant === 'tile') return { variant, lanes: tileLanes, maxUniformBytes };
  const { subgroupMinSize: lanes = 0, subgroupMaxSize } = info;
  const canBroadcast = device.features.has('subgroups') && lanes === subgroupMaxSize && lanes >= 4;
  return canBroadcast ? { variant, lanes, maxUniformBytes } : undefined;
}
