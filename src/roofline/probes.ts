/** What the adapter can do at all, measured beside every kernel: fused multiply-adds, and bytes copied. */
import type { Gpu } from '../gpu/device/gpu.ts';
import type { BufferRange } from '../gpu/device/buffers.ts';
import { Program } from '../gpu/program/program.ts';
import type { Encode, Stopwatch } from '../gpu/device/timing.ts';

/** Their shaders, in `bench/probes`: pages have them beside the kernels', in Node who opens `Probes` has a platform that knows them. */
export const probeShaders: readonly string[] = ['fma', 'copy'];

/** Seconds of one measurement, by the GPU's clock and, on software adapters, of processor time. */
export interface Span {
  readonly wall: number;
  readonly cpu?: number;
}

/** Operations or bytes, a second of either. */
export type Rate = Span;

/**
 * The shader's `TURNS`, and what its text is expanded with. A chain of products and sums waits six cycles for each link and a processor may
 * begin two links a cycle, so there are twelve; with two operands more that is as many registers as AVX2 has.
 */
const fma = { turns: 250, chains: 12, links: 16 };
const flopsPerWorkgroup = 64 * 2 * fma.turns * fma.chains * fma.links;

/** vec4f that a workgroup of the copy probe moves: four by each of 256 invocations. */
const copied = { vectors: 4, perWorkgroup: 1024 };

/** Seconds that a probe takes: long against a pass's overhead, short against what else the machine is doing. */
const probeSeconds = 0.02;

/** A dispatch of the FMA probe must fill the adapter: it grows until it takes a tenth of the probe. */
const mostWorkgroups = 2 ** 17;

/** Most bytes that the copy probe reads, and as many that it writes. */
const copyBytes = 2 ** 26;

/** What times are taken with. */
export interface Clocks {
  readonly gpu: Gpu;
  readonly stopwatch: Stopwatch;
  /** Processor seconds of what a software adapter's kernels run on, where the system tells. */
  readonly processorSeconds?: () => number | undefined;
}

/** Clocks, and the probes that are measured with them. */
export interface Machine extends Clocks {
  readonly probes: Probes;
}

/** Times one pass. */
export async function timeSpan({ gpu, stopwatch, processorSeconds }: Clocks, encode: Encode): Promise<Span> {
  const before = gpu.isSoftware ? processorSeconds?.() : undefined;
  const [wall] = await stopwatch.time([encode]);
  return { wall: wall!, cpu: before === undefined ? undefined : processorSeconds!()! - before };
}

export function repeat(program: Program, times: number, range?: { start: number; end: number }): Encode {
  return (pass) => {
    for (let i = 0; i < times; i++) program.encode(pass, range);
  };
}

export class Probes {
  readonly #clocks: Clocks;
  readonly #fma: { readonly program: Program; readonly flops: number; readonly times: number };
  readonly #written: GPUBuffer; // by the FMA probe
  readonly #copies = new Map<number, { program: Program; times: number }>();
  readonly #buffers: Readonly<Record<'x' | 'y', GPUBuffer>>;

  private constructor(clocks: Clocks, fmaProbe: { program: Program; flops: number; times: number }, y: GPUBuffer) {
    this.#clocks = clocks;
    const { gpu } = clocks;
    this.#fma = fmaProbe;
    this.#written = y;
    const size = Math.min(copyBytes, gpu.device.limits.maxStorageBufferBindingSize);
    this.#buffers = { x: gpu.buffers.acquire(size, 'copied from'), y: gpu.buffers.acquire(size, 'copied to') };
  }

  static async open(clocks: Clocks): Promise<Probes> {
    const { gpu, stopwatch } = clocks;
    const y = wholeOf(gpu.buffers.acquire(2 ** 16, 'FMA probe'));
    const constants = { CHAINS: fma.chains, LINKS: fma.links };
    for (let workgroups = 128; ; workgroups *= 2) {
      const program = await Program.build(gpu, [
        { kernel: { shader: 'fma', entry: 'main', constants }, bindings: { y }, writes: ['y'], workgroups },
      ]);
      await stopwatch.time([repeat(program, 1)]); // warm
      const [seconds] = await stopwatch.time([repeat(program, 1)]);
      if (seconds! >= probeSeconds / 10 || workgroups >= mostWorkgroups) {
        const flops = workgroups * flopsPerWorkgroup;
        return new Probes(clocks, { program, flops, times: Math.max(1, Math.round(probeSeconds / seconds!)) }, y.buffer);
      }
      program.destroy();
    }
  }

  /** Floating-point operations a second. */
  async fma(): Promise<Rate> {
    const { program, flops, times } = this.#fma;
    return rate(flops * times, await timeSpan(this.#clocks, repeat(program, times)));
  }

  /** Bytes a second, read and written, of a copy that moves `bytes` in all: as many as the kernel beside it. */
  async copy(bytes: number): Promise<Rate> {
    const workgroups = Math.max(1, Math.floor(Math.min(bytes / 2, this.#buffers.x.size) / (copied.perWorkgroup * 16)));
    const { program, times } = await this.#copyBy(workgroups);
    return rate(workgroups * copied.perWorkgroup * 32 * times, await timeSpan(this.#clocks, repeat(program, times)));
  }

  /** Gives the memory back to the pool. */
  destroy(): void {
    for (const { program } of [this.#fma, ...this.#copies.values()]) program.destroy();
    for (const buffer of [this.#written, this.#buffers.x, this.#buffers.y]) this.#clocks.gpu.buffers.release(buffer);
  }

  async #copyBy(workgroups: number): Promise<{ program: Program; times: number }> {
    const known = this.#copies.get(workgroups);
    if (known) return known;
    const program = await Program.build(this.#clocks.gpu, [{
      kernel: { shader: 'copy', entry: 'main', constants: { VECTORS: copied.vectors } },
      bindings: { x: wholeOf(this.#buffers.x), y: wholeOf(this.#buffers.y) },
      writes: ['y'],
      params: { count: workgroups * copied.perWorkgroup },
      workgroups,
    }]);
    await this.#clocks.stopwatch.time([repeat(program, 1)]); // warm
    const [seconds] = await this.#clocks.stopwatch.time([repeat(program, 4)]);
    const probe = { program, times: timesFor(seconds! / 4, probeSeconds) };
    this.#copies.set(workgroups, probe);
    return probe;
  }
}

/** How often something that takes `seconds` has to run to take `wanted`; at most a thousand times. */
export function timesFor(seconds: number, wanted: number): number {
  return Math.min(1000, Math.max(1, Math.round(wanted / Math.max(seconds, 1e-7))));
}

function rate(amount: number, { wall, cpu }: Span): Rate {
  return { wall: amount / wall, cpu: cpu === undefined ? undefined : amount / cpu };
}

function wholeOf(buffer: GPUBuffer): BufferRange {
  return { buffer, offset: 0, size: buffer.size };
}
