/** How element-wise kernels are cut into invocations. */

/** Invocations of a workgroup in the element-wise kernels; the shaders say the same in `WORKGROUP`. */
export const workgroupSize = 64;

/** Lanes of results that a workgroup of a tree over vectors makes; the shaders that have one say the same in `COLUMNS`. */
export const treeColumns = 8;

/** Workgroups for one invocation per item. */
export function workgroupsFor(invocations: number): number {
  return Math.ceil(invocations / workgroupSize);
}

export interface Lanes {
  /** For the generated header: what one invocation works on. */
  readonly Lane: 'vec4f' | 'f32';
  /** Elements in it. */
  readonly width: 4 | 1;
}

/** Four elements at a time where every one of `sizes` allows it, one at a time elsewhere. */
export function lanesFor(...sizes: readonly number[]): Lanes {
  return sizes.every((size) => size % 4 === 0) ? { Lane: 'vec4f', width: 4 } : { Lane: 'f32', width: 1 };
}
