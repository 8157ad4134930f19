/** What the adapter can do at all, measured beside every kernel: fused multiply-adds, and bytes copied. */
import type { Gpu } from '../../src/gpu/device/gpu.ts';
import type { BufferRange } from '../../src/gpu/device/buffers.ts';
import { Program } from '../../src/gpu/program/program.ts';
import type { Encode, Stopwatch } from '../../src/gpu/device/timing.ts';
import { workerSeconds } from './cpuTime.ts';

/** Shaders in `bench/probes`. */
export const probeShaders: readonly string[] = ['fma', 'copy'];

/** Seconds of one measurement, by the GPU's clock and, on software adapters, of processor time. */
export interface Span {
  readonly wall: number;
  readonly cpu?: number;
}

/** Operations or bytes, a second of either. */
export type Rate = Span;

/** The shader's `TURNS`, and what its text is expanded with. */
const fma = { turns: 250, chains: 8, links: 16 };
const flopsPerWorkgroup = 64 * 2 * fma.turns * fma.chains * fma.links;

/** vec4f that a workgroup of the copy probe moves: four by each of 256 invocations. */
const copied = { vectors: 4, perWorkgroup: 1024 };

/** Seconds that a probe takes: long against a pass's overhead, short against what else the machine is doing. */
const probeSeconds = 0.02;

/** A dispatch of the FMA probe must fill the adapter: it grows until it takes a tenth of the probe. */
const mostWorkgroups = 2 ** 17;

/** Most bytes that the copy probe reads, and as many that it writes. */
const copyBytes = 2 ** 26;

/** Times one pass. */
export async function timeSpan({ gpu, stopwatch }: { gpu: Gpu; stopwatch: Stopwatch }, encode: Encode, expected = 0): Promise<Span> {
  const before = gpu.isSoftware ? workerSeconds() : undefined;
  const [wall] = await stopwatch.time([encode], { expected });
  return { wall: wall!, cpu: before === undefined ? undefined : workerSeconds()! - before };
}

export function repeat(program: Program, times: number, range?: { start: number; end: number }): Encode {
  return (pass) => {
    for (let i = 0; i < times; i++) program.encode(pass, range);
  };
}

export class Probes {
  readonly #gpu: Gpu;
  readonly #stopwatch: Stopwatch;
  readonly #fma: { readonly program: Program; readonly flops: number; readonly times: number };
  readonly #copies = new Map<number, { program: Program; times: number }>();
  readonly #buffers: Readonly<Record<'x' | 'y', GPUBuffer>>;

  private constructor(gpu: Gpu, stopwatch: Stopwatch, fmaProbe: { program: Program; flops: number; times: number }) {
    this.#gpu = gpu;
    this.#stopwatch = stopwatch;
    this.#fma = fmaProbe;
    const size = Math.min(copyBytes, gpu.device.limits.maxStorageBufferBindingSize);
    this.#buffers = { x: gpu.buffers.acquire(size, 'copied from'), y: gpu.buffers.acquire(size, 'copied to') };
  }

  static async open(gpu: Gpu, stopwatch: Stopwatch): Promise<Probes> {
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
        return new Probes(gpu, stopwatch, { program, flops, times: Math.max(1, Math.round(probeSeconds / seconds!)) });
      }
      program.destroy();
    }
  }

  /** Floating-point operations a second. */
  async fma(): Promise<Rate> {
    const { program, flops, times } = this.#fma;
    return rate(flops * times, await timeSpan(this.#machine, repeat(program, times), probeSeconds));
  }

  /** Bytes a second, read and written, of a copy that moves `bytes` in all: as many as the kernel beside it. */
  async copy(bytes: number): Promise<Rate> {
    const workgroups = Math.max(1, Math.floor(Math.min(bytes / 2, this.#buffers.x.size) / (copied.perWorkgroup * 16)));
    const { program, times } = await this.#copyBy(workgroups);
    return rate(workgroups * copied.perWorkgroup * 32 * times, await timeSpan(this.#machine, repeat(program, times), probeSeconds));
  }

  async #copyBy(workgroups: number): Promise<{ program: Program; times: number }> {
    const known = this.#copies.get(workgroups);
    if (known) return known;
    const program = await Program.build(this.#gpu, [{
      kernel: { shader: 'copy', entry: 'main', constants: { VECTORS: copied.vectors } },
      bindings: { x: wholeOf(this.#buffers.x), y: wholeOf(this.#buffers.y) },
      writes: ['y'],
      params: { count: workgroups * copied.perWorkgroup },
      workgroups,
    }]);
    await this.#stopwatch.time([repeat(program, 1)]); // warm
    const [seconds] = await this.#stopwatch.time([repeat(program, 4)]);
    const probe = { program, times: timesFor(seconds! / 4, probeSeconds) };
    this.#copies.set(workgroups, probe);
    return probe;
  }

  get #machine(): { gpu: Gpu; stopwatch: Stopwatch } {
    return { gpu: this.#gpu, stopwatch: this.#stopwatch };
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
