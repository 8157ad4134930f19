/**
 * Four GPUs as their makers or those who measured them describe them, and what a kernel would take on one by arithmetic. Not
 * measurements: a way to see which kernel cannot be fast, before there is a GPU to measure it on.
 */

/** A unit is what has workgroup memory of its own: a streaming multiprocessor, a GPU core, a subslice. */
export interface GpuModel {
  readonly name: string;
  readonly units: number;
  /** Lanes for float32 arithmetic of a unit. */
  readonly lanes: number;
  /** Invocations that a unit holds at once, at most; and workgroups. */
  readonly threads: number;
  readonly groups: number;
  /** Bytes of workgroup memory of a unit, and those that every workgroup takes beside its own. */
  readonly memory: number;
  readonly memoryOverhead: number;
  /** 32-bit registers of a unit; the most that one invocation can have: what it needs beyond them is kept in memory. */
  readonly registers: number;
  readonly mostRegisters: number;
  /** Invocations that run in step; registers are given to all of them together. */
  readonly width: number;
  /** Float32 operations a second, a multiply-add being two. */
  readonly flops: number;
  /** The same of products of f16 matrices with float32 sums, where it has units for them. */
  readonly matrixFlops?: number;
  /** Bytes a second. */
  readonly bandwidth: number;
  /** The same from the cache that all units share, of 4 MB and more. */
  readonly cacheBandwidth: number;
  /** Seconds until a load from memory arrives. */
  readonly latency: number;
  /** Seconds from the end of one dispatch to the start of the next that waits for it. */
  readonly start: number;
}

/**
 * H100 SXM: NVIDIA H100 Tensor Core GPU Architecture (2022), compute capability 9.0. RTX 4070: NVIDIA Ada GPU Architecture (2023),
 * 8.9. M3 with ten cores: clock and bandwidth of the product; threads, registers and memory of a core as others measured them
 * on an M1, since Apple does not say. UHD 620: Intel Gen9 Compute Architecture (2015), 24 execution units of 7 threads of 16
 * lanes in three subslices. Matrices: 58 TFLOP/s with float32 sums on the RTX 4070; of the H100's 989 the 600 or so that instructions
 * reach which Vulkan has. The shared cache: recalled from published microbenchmarks, guessed where there
 * are none. Latencies, starts and caches are rough: between half and twice as much.
 */
export const gpuModels: readonly GpuModel[] = [
  {
    name: 'H100', units: 132, lanes: 128, threads: 2048, groups: 32, memory: 228 * 1024, memoryOverhead: 1024,
    registers: 65_536, mostRegisters: 255, width: 32, flops: 66.9e12, matrixFlops: 600e12, bandwidth: 3.35e12, cacheBandwidth: 5.5e12, latency: 0.6e-6, start: 2e-6,
  },
  {
    name: 'RTX 4070', units: 46, lanes: 128, threads: 1536, groups: 24, memory: 100 * 1024, memoryOverhead: 1024,
    registers: 65_536, mostRegisters: 255, width: 32, flops: 29.1e12, matrixFlops: 58e12, bandwidth: 504e9, cacheBandwidth: 1.8e12, latency: 0.6e-6, start: 2e-6,
  },
  {
    name: 'M3', units: 10, lanes: 128, threads: 3072, groups: 32, memory: 60 * 1024, memoryOverhead: 0,
    registers: 53_248, mostRegisters: 128, width: 32, flops: 3.5e12, bandwidth: 100e9, cacheBandwidth: 0.6e12, latency: 1e-6, start: 5e-6,
  },
  {
    name: 'UHD 620', units: 3, lanes: 64, threads: 896, groups: 16, memory: 64 * 1024, memoryOverhead: 0,
    registers: 57_344, mostRegisters: 128, width: 16, flops: 0.44e12, bandwidth: 30e9, cacheBandwidth: 0.2e12, latency: 0.5e-6, start: 10e-6,
  },
];

/** Workgroups of a dispatch, and what each needs of a unit. */
export interface Shape {
  readonly workgroups: number;
  readonly threads: number; // of a workgroup
  readonly workgroupBytes: number;
  readonly registers: number; // of an invocation
}

export interface Work {
  readonly flops: number;
  readonly bytes: number;
  readonly loads: number;
  readonly staged: number;
  readonly barrierTurns: number;
  /** Whether its operations are products of subgroup matrices. */
  readonly matrices?: boolean;
}

/** Workgroups that a unit holds at once: as many as its threads, its memory and its registers allow; 0 if not one. */
export function residentGroups({ threads, workgroupBytes, registers }: Omit<Shape, 'workgroups'>, gpu: GpuModel): number {
  const inStep = Math.ceil(threads / gpu.width) * gpu.width;
  const each = Math.min(gpu.mostRegisters, Math.ceil(registers / 8) * 8); // given out in eights
  const memory = workgroupBytes + gpu.memoryOverhead;
  return Math.min(
    gpu.groups, Math.floor(gpu.threads / inStep), Math.floor(gpu.registers / (inStep * each)),
    memory > 0 ? Math.floor(gpu.memory / memory) : Infinity,
  );
}

/** Share of a unit's invocations that workgroups of this shape can hold. */
export function occupancy(shape: Omit<Shape, 'workgroups'>, gpu: GpuModel): number {
  return (residentGroups(shape, gpu) * shape.threads) / gpu.threads;
}

/** Loads that an invocation has on the way at once where it does not wait at barriers, of 16 bytes each at most. */
const loadsAhead = 4;

/**
 * Seconds of a dispatch, the longest of these, and the start:
 * - its operations over the peak, of which a dispatch has the share of lanes that it keeps busy: the busiest unit has
 *   ⌈workgroups/units⌉ workgroups, and fewer invocations than lanes leave lanes idle;
 * - its bytes over the bandwidth, of which the invocations that are there at once can use no more than what they have on the
 *   way: invocations · 4 · 16 bytes / latency (Little's law); and what workgroups stage over that of the cache;
 * - the times that an invocation waits for memory: ⌈loads/invocations⌉/4, or the turns with barriers, in every round of resident
 *   workgroups.
 */
export function estimate({ flops, bytes, loads, staged, barrierTurns, matrices }: Work, shape: Shape, gpu: GpuModel): number {
  const { workgroups, threads } = shape;
  const perUnit = Math.ceil(workgroups / gpu.units);
  const busy = (workgroups / (gpu.units * perUnit)) * Math.min(1, (perUnit * threads) / gpu.lanes);
  const resident = Math.max(1, residentGroups(shape, gpu)) * gpu.units;
  const atOnce = Math.min(workgroups, resident) * threads;
  const bandwidth = Math.min(gpu.bandwidth, (atOnce * loadsAhead * 16) / gpu.latency);
  const rounds = Math.ceil(workgroups / resident);
  const loadsEach = Math.ceil(loads / (workgroups * threads));
  const waits = Math.max(barrierTurns * rounds, Math.ceil(loadsEach / loadsAhead), 1);
  const peak = matrices ? gpu.matrixFlops ?? gpu.flops : gpu.flops;
  return gpu.start + Math.max(flops / (peak * busy), bytes / bandwidth, staged / gpu.cacheBandwidth, waits * gpu.latency);
}

/** Lanes of an H100: a dispatch with fewer invocations leaves some of it idle whatever they do. */
export const lanesToFill = 132 * 128;

/** A dispatch with few invocations is no trouble below this many seconds. */
export const shortEnough = 10e-6;

/** Whether a dispatch wants a mark: fewer invocations than an H100 has lanes, and not done in no time by arithmetic. */
export function isTooNarrow(work: Work, shape: Shape, gpu: GpuModel = gpuModels[0]!): boolean {
  return shape.workgroups * shape.threads < lanesToFill && !(estimate(work, shape, gpu) < shortEnough);
}
