/**
 * Which subgroup matrices (tensor cores, simdgroup matrices) the `matrix` kernels use on an adapter, and in which sizes. They
 * want a feature that is experimental in Dawn and that nobody asks for unless `--precision matrix` does.
 */

/** Not in the types of WebGPU's standard. */
export const matrixFeatures = ['chromium-experimental-subgroup-matrix', 'subgroup-size-control'] as const;

/** One entry of `adapterInfo.subgroupMatrixConfigs`: an M×K matrix times a K×N one. */
export interface MatrixShape {
  /** Of the two factors. */
  readonly componentType: string;
  /** Of sum and result. */
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/** What the `matrix` kernels are made from: shaders/conv1d.matrix.wgsl and weightGradient.matrix.wgsl say what they do with it. */
export interface MatrixSettings {
  /** What factors are staged as; sums are float32. */
  readonly component: 'f16' | 'f32';
  readonly M: number;
  readonly N: number;
  readonly K: number;
  /** Invocations of a subgroup. */
  readonly subgroup: number;
  /** Whether the kernel has to ask for subgroups of that size, as the adapter has others too. */
  readonly pinned: boolean;
  /** Subgroups of a workgroup below each other; always two are beside each other. */
  readonly subgroupRows: number;
  /** Vec4f of input channels that a convolution stages at once. */
  readonly slab: number;
  /** Most vec4f of (tap, input channel) of a tile of a weight gradient, a multiple of 16. */
  readonly channels: number;
  /** Rows that a weight gradient stages at once. */
  readonly depth: number;
  /** Most partial sums of a weight gradient. */
  readonly partialSums: number;
}

/** What decides; a `GPUDevice` with its adapter's info has it. */
export interface MatrixCapabilities {
  readonly features: { has(name: string): boolean };
  readonly limits: {
    readonly maxComputeWorkgroupStorageSize: number;
    readonly maxComputeInvocationsPerWorkgroup: number;
  };
  readonly info: {
    readonly vendor?: string;
    readonly subgroupMinSize?: number;
    readonly subgroupMaxSize?: number;
    readonly subgroupMatrixConfigs?: readonly MatrixShape[];
  };
}

/** Rows of one item that a subgroup makes. */
export const subgroupHeight = 32;

/** Vec4f columns beside each other, as packed weights have them. */
export const matrixLanes = 16;

/** Subgroups of a workgroup that are beside each other. */
const subgroupColumns = 2;

/** Rows of sums that come back through workgroup memory at once. */
export const resultRows = 16;

type Sizes = Pick<MatrixSettings, 'subgroupRows' | 'slab' | 'channels' | 'depth'>;

/**
 * By bytes of a factor's element, the sizes that are tried, the first that fits being taken; all are estimates. Tall tiles read
 * the weights seldom: 128 rows need 8 subgroups of 32 rows × 64 channels, which is 64 sums an invocation of 32. The last one
 * fits into the 16 KiB of workgroup memory that every adapter has.
 */
const sizesFor: Readonly<Record<MatrixSettings['component'], readonly Sizes[]>> = {
  f16: [
    { subgroupRows: 4, slab: 8, channels: 48, depth: 32 },
    { subgroupRows: 2, slab: 8, channels: 48, depth: 32 }, // of 64 invocations a subgroup
    { subgroupRows: 2, slab: 4, channels: 16, depth: 16 },
  ],
  f32: [
    { subgroupRows: 4, slab: 4, channels: 48, depth: 16 },
    { subgroupRows: 2, slab: 4, channels: 48, depth: 16 },
    { subgroupRows: 2, slab: 2, channels: 16, depth: 8 },
  ],
};

/** Workgroups of a weight gradient: two for each of the 132 processors of the largest GPU that this was thought out for. */
const partialSums = 264;

/** Invocations of a workgroup. */
export function matrixThreads({ subgroup, subgroupRows }: MatrixSettings): number {
  return subgroup * subgroupRows * subgroupColumns;
}

/** 'f16 16×16×16, sums in float32, 8 subgroups of 32 to a workgroup'. */
export function matrixText({ component, M, N, K, subgroup, subgroupRows }: MatrixSettings): string {
  return `${component} ${M}×${N}×${K}, sums in float32, ${subgroupRows * subgroupColumns} subgroups of ${subgroup} to a workgroup`;
}

/** Vec4 of padding behind a staged row: 16 bytes, so that rows begin in different banks and where matrices may begin. */
export function stagedPadding({ component }: Pick<MatrixSettings, 'component'>): number {
  return component === 'f16' ? 2 : 1;
}

/** Bytes of workgroup memory that the larger of the two kernels takes. */
export function workgroupBytes(settings: Pick<MatrixSettings, 'component'> & Sizes): number {
  const { component, subgroupRows, slab, channels, depth } = settings;
  const bytes = component === 'f16' ? 8 : 16; // of a staged vec4
  const [columns, padding] = [2 * matrixLanes, stagedPadding(settings)];
  const results = resultRows * (columns + 1) * 16;
  const convolution = subgroupRows * subgroupHeight * (slab + padding) + slab * 4 * (columns + padding);
  const weights = depth * (channels + padding) + depth * (columns + padding);
  return results + bytes * Math.max(convolution, weights);
}

/**
 * Bytes of workgroup memory of residualLayer.matrix.wgsl: the results, a slab of weights, and where a slab of inputs was staged h,
 * all `channels` of its rows.
 */
export function layerBytes(settings: MatrixSettings, channels: number): number {
  const { component, subgroupRows, slab } = settings;
  const [columns, padding] = [2 * matrixLanes, stagedPadding(settings)];
  const hidden = Math.ceil(channels / 4 / slab) * slab;
  const staged = subgroupRows * subgroupHeight * (hidden + padding) + slab * 4 * (columns + padding);
  return resultRows * (columns + 1) * 16 + (component === 'f16' ? 8 : 16) * staged;
}

/**
 * The settings for an adapter, or in one line why it cannot run these kernels. A shape is usable if its sums are float32 and it
 * fits a subgroup's 32 rows × 32 or 64 columns and a slab of 16 or 32 channels; f16 comes first, whose matrices are larger and
 * faster, then the largest.
 */
export function chooseMatrix({ features, limits, info }: MatrixCapabilities): MatrixSettings | string {
  if (!features.has(matrixFeatures[0])) return 'it has no subgroup matrices';
  const { subgroupMinSize: least = 0, subgroupMaxSize: most = 0, subgroupMatrixConfigs: shapes = [] } = info;
  const usable = shapes.filter((shape) => isUsable(shape) && (shape.componentType !== 'f16' || features.has('shader-f16')));
  const [shape] = usable.sort((a, b) => rank(b) - rank(a));
  if (!shape) {
    const listed = shapes.map(({ componentType, resultComponentType, M, N, K }) => `${M}×${N}×${K} ${componentType} to ${resultComponentType}`);
    return `its subgroup matrices are ${listed.join(', ') || 'none'}, and f16 or f32 ones with sums in f32 are wanted`;
  }
  // Apple's have 32, and Metal has no way to say or to ask for that: Dawn lists all that a Mac ever had.
  const isKnown = least === most || (info.vendor === 'apple' && least <= usualSubgroup && usualSubgroup <= most);
  const pinned = !isKnown;
  if (pinned && !features.has(matrixFeatures[1])) return `its subgroups have ${least} to ${most} invocations, and none of these can be asked for`;
  const subgroup = Math.min(Math.max(usualSubgroup, least), most);
  const component = shape.componentType as MatrixSettings['component'];
  const fitting = sizesFor[component]
    .map((sizes): MatrixSettings => ({ component, M: shape.M, N: shape.N, K: shape.K, subgroup, pinned, ...sizes, partialSums }))
    .find((settings) => isPossible(settings, limits) && (pinned || matrixThreads(settings) % most === 0)); // the latter is Dawn's rule
  return fitting ?? `its workgroups are too small: ${limits.maxComputeInvocationsPerWorkgroup} invocations, ${limits.maxComputeWorkgroupStorageSize} bytes of memory`;
}

/** Of NVIDIA and Apple, and one of AMD's two. */
const usualSubgroup = 32;

function isUsable({ componentType, resultComponentType, M, N, K }: MatrixShape): boolean {
  const divides = (size: number, whole: number): boolean => size % 4 === 0 && whole % size === 0;
  return (componentType === 'f16' || componentType === 'f32') && resultComponentType === 'f32' &&
    divides(M, resultRows) && divides(N, subgroupHeight) && divides(K, componentType === 'f16' ? 16 : 8) &&
    (componentType === 'f32' || (N % 8 === 0 && K % 8 === 0 && M % 8 === 0)); // rows of matrices begin at 16 bytes
}

function rank({ componentType, M, N, K }: MatrixShape): number {
  return (componentType === 'f16' ? 1e6 : 0) + M * N * K;
}

/** Whether everything fits, and what invocations have to stage and to finish comes out even. */
function isPossible(settings: MatrixSettings, limits: MatrixCapabilities['limits']): boolean {
  const { subgroupRows, slab, depth } = settings;
  const threads = matrixThreads(settings);
  const pieces = [subgroupRows * subgroupHeight * slab, slab * 4 * matrixLanes, depth * matrixLanes, resultRows * matrixLanes];
  return threads <= limits.maxComputeInvocationsPerWorkgroup && workgroupBytes(settings) <= limits.maxComputeWorkgroupStorageSize &&
    threads % (2 * matrixLanes) === 0 && pieces.every((count) => count % threads === 0);
}
