/** What a tape is made of: operations, and how they are recorded. */
import type { KernelSpec } from '../gpu/wgsl/kernels.ts';
import type { Values } from '../gpu/program/dispatch.ts';
import type { Tensor } from './tensor.ts';

/**
 * `mixed`: operations whose fast variants can do it store their activations as f16. Sums, gradients and weights stay
 * float32 (Micikevicius et al. 2018, "Mixed precision training"; with float32 gradients no loss scaling is needed).
 */
export type Precision = 'float32' | 'mixed';

/**
 * What stays in memory between forward and backward: everything that the gradients read; or of what is `recomputable`
 * its inputs alone, from which it is computed once more when its gradients are (Chen et al. 2016, "Training deep nets
 * with sublinear memory cost"); or nothing, where no backward will follow.
 */
export type Keeps = 'activations' | 'layerInputs' | 'nothing';

/** One dispatch, with tensors where the GPU will see buffers. */
export interface Operation {
  readonly kernel: KernelSpec;
  /** By the name of the WGSL variable. */
  readonly reads: Readonly<Record<string, Tensor>>;
  readonly writes: Readonly<Record<string, Tensor>>;
  readonly params?: Values;
  readonly step?: boolean;
  readonly workgroups: number;
  /** Where it may take long: see `Dispatch`. */
  readonly work?: number;
}

/** Where a gradient goes, and whether another reader of the tensor has already put its share there. */
export interface GradientSlot {
  readonly tensor: Tensor;
  /** True: add to what is there. False: overwrite. */
  readonly accumulate: boolean;
}
