/**
 * Which sizes of the `tile` kernels an adapter runs fastest: a few candidates, each checked against the reference, then timed on a
 * residual layer forward and backward, with as many rows as training has. `tuned.ts` uses what comes out.
 */
import { Executable } from '../autograd/executable.ts';
import type { Operation } from '../autograd/operation.ts';
import { planTape } from '../autograd/plan.ts';
import { Tape } from '../autograd/tape.ts';
import { median } from '../statistics.ts';
import type { DiffWaveConfig } from '../diffwave/model/config.ts';
import { OutOfMemoryError } from '../gpu/device/buffers.ts';
import type { Gpu } from '../gpu/device/gpu.ts';
import type { Encode } from '../gpu/device/timing.ts';
import { Stopwatch } from '../gpu/device/timing.ts';
import type { TileSizes, VariantSettings } from '../gpu/device/variant.ts';
import { variantNamed } from '../gpu/device/variant.ts';
import { normals } from '../reference/random.ts';
import type { CaseInput, Expected, KernelCase } from '../verify/case.ts';
import { residualLayerCase } from '../verify/cases/residualLayer.ts';
import { checkVariant } from '../verify/run.ts';
import { geometries, mostCandidates, refinements, tileProblem } from './candidates.ts';

/** What of a network decides which sizes are fastest: C and K. */
export type TunedNetwork = Pick<DiffWaveConfig, 'channels' | 'kernelSize'>;

/** One candidate, and its time or why it is out of the question. */
export interface Trial {
  readonly tile: TileSizes;
  /** Of a layer forward and backward. */
  readonly seconds?: number;
  readonly refused?: string;
}

export interface Tuning {
  /** In the order in which they were tried, the default first. */
  readonly trials: readonly Trial[];
  /** The fastest; undefined if all were refused. */
  readonly best: Trial | undefined;
  /** That the tuning took, compilation included. */
  readonly seconds: number;
  /** Rows that were timed. */
  readonly rows: number;
}

export interface TuningOptions {
  /** Seconds of measuring after which no further candidate is tried. What the compiler takes does not count. */
  readonly budget?: number;
  /** Seconds after which none is tried whatever they were spent on. */
  readonly patience?: number;
  /** Rows of random data that are timed; by default as `rowsFor` says. */
  readonly rows?: number;
}

/**
 * Rows that candidates are timed on. They fill the largest GPU (1,024 workgroups and more), and as a batch of `gtzan` has 147,000,
 * convolutions and the sums over their partial sums weigh what they do in training.
 */
export const tuningRows = 131_072;

/** Clips that the rows are of, as `gtzan`'s batch. */
const items = 4;

/** Operations that one dispatch has at most: 0.1 s of an old integrated GPU, whose watchdog resets it after two. */
const mostFlops = 16e9;

/** Bytes that a timed layer may take, of which it has about 15 numbers a row and channel. */
const mostBytes = 2 ** 29;
const numbersPerRow = 15;

/** Where there is no memory for the rows, a quarter of them is tried, as long as that are this many. */
const fewestRows = 4096;

const usualBudget = 2; // seconds
const usualPatience = 30; // seconds

/** Rows for a network: `tuningRows`, or fewer where channels are so many that a dispatch or the memory would be too much. */
export function rowsFor({ channels: C, kernelSize: K }: TunedNetwork, limits: Pick<GPUSupportedLimits, 'maxStorageBufferBindingSize'>): number {
  const byFlops = mostFlops / (2 * K * C * 2 * C);
  const byMemory = Math.min(mostBytes / (4 * numbersPerRow * C), limits.maxStorageBufferBindingSize / (4 * 2 * C));
  const most = Math.min(tuningRows, byFlops, byMemory);
  return Math.max(fewestRows, Math.floor(most / (64 * items)) * 64 * items);
}

/** The trial that took the least time; of equals the first. */
export function fastest(trials: readonly Trial[]): Trial | undefined {
  return trials.reduce<Trial | undefined>(
    (best, trial) => ((trial.seconds ?? Infinity) < (best?.seconds ?? Infinity) ? trial : best), undefined);
}

/** How much faster than the default the best is, 0.12 for 12 %; undefined if either was refused. */
export function gainOf({ trials, best }: Pick<Tuning, 'trials' | 'best'>): number | undefined {
  const [usual] = trials;
  return usual?.seconds && best?.seconds ? usual.seconds / best.seconds - 1 : undefined;
}

/**
 * Tries the candidates, at most `mostCandidates`, for networks of these sizes. Throws only when the GPU itself fails;
 * a candidate that does not compile or computes something wrong is refused.
 */
export async function tune(gpu: Gpu, network: TunedNetwork, options: TuningOptions = {}): Promise<Tuning> {
  const start = performance.now();
  let { rows = rowsFor(network, gpu.device.limits) } = options;
  for (;;) {
    try {
      return await tuneAt(gpu, network, { ...options, rows, start });
    } catch (error) {
      gpu.buffers.trim();
      if (!(error instanceof OutOfMemoryError) || rows / 4 < fewestRows) throw error;
      rows = rows / 4;
    }
  }
}

async function tuneAt(gpu: Gpu, network: TunedNetwork, options: TuningOptions & { rows: number; start: number }): Promise<Tuning> {
  const { budget = usualBudget, patience = usualPatience, rows, start } = options;
  const bench = new TuningBench(gpu, network, { rows, seconds: budget / mostCandidates });
  const elapsed = (): number => (performance.now() - start) / 1000;
  const trials: Trial[] = [];
  const attempt = async (tile: TileSizes): Promise<void> => {
    const late = trials.length > 0 && (bench.measured > budget || elapsed() > patience);
    trials.push(late ? { tile, refused: 'not tried: out of time' } : await bench.try(tile));
  };
  for (const tile of geometries) await attempt(tile);
  for (const round of refinements) {
    const { tile } = fastest(trials) ?? trials[0]!;
    for (const refine of round) await attempt(refine(tile));
  }
  gpu.buffers.trim();
  return { trials, best: fastest(trials), seconds: elapsed(), rows };
}

/** Where candidates for one network are checked and timed. */
class TuningBench {
  /** Seconds that the GPU was measured for. */
  measured = 0;
  readonly #gpu: Gpu;
  readonly #settings: VariantSettings;
  readonly #checked: KernelCase;
  readonly #timed: KernelCase;
  readonly #seconds: number;

  /** `rows` are timed, for `seconds` per candidate where that is enough for more than one measurement. */
  constructor(gpu: Gpu, { channels: C, kernelSize: K }: TunedNetwork, options: { rows: number; seconds: number }) {
    const layer = { C, K, D: 16, place: 'later' } as const;
    this.#gpu = gpu;
    this.#settings = variantNamed('tile', gpu.device, gpu.info)!;
    this.#checked = withTruthOnce(residualLayerCase({ ...layer, B: 1, L: checkedRows(C) }));
    this.#timed = residualLayerCase({ ...layer, B: items, L: Math.ceil(options.rows / items) });
    this.#seconds = options.seconds;
  }

  /** Checks a candidate and, if it is right, times it. */
  async try(tile: TileSizes): Promise<Trial> {
    const settings = { ...this.#settings, tile };
    const refused = tileProblem(tile, settings.lanes, this.#gpu.device.limits) ?? (await fault(this.#gpu, this.#checked, settings));
    return refused === undefined ? { tile, seconds: await this.#time(settings) } : { tile, refused };
  }

  /** Median of seven measurements after three for warming up; of fewer where they would take too long. */
  async #time(settings: VariantSettings): Promise<number> {
    const { tape, inputs } = recordLayer(this.#timed, settings);
    const executable = await Executable.build(this.#gpu, planTape(tape)); // compiles
    try {
      for (const { tensor, factor } of inputs) executable.write(tensor, randomNumbers(tensor.length, factor));
      executable.run(); // packs the weights, and some drivers compile only now
      await this.#gpu.idle();
      const start = performance.now();
      const parts = partsToTime(tape.operations);
      const stopwatch = new Stopwatch(this.#gpu);
      const repeated = (times: number): Encode => (pass) => {
        for (let i = 0; i < times; i++) for (const part of parts) executable.program.encode(pass, part);
      };
      const [first] = await stopwatch.time([repeated(1)]);
      const times = Math.ceil(passSeconds / Math.max(first!, passSeconds / mostRepeats));
      const pass = times * first!;
      const count = Math.max(1, Math.min(measurements + warmUps - 1, Math.floor(this.#seconds / pass)));
      const measured = await stopwatch.time(new Array<Encode>(count).fill(repeated(times)));
      this.measured += (performance.now() - start) / 1000;
      return median(measured.slice(-measurements)) / times;
    } finally {
      executable.destroy();
    }
  }
}

/**
 * The dispatches that are timed, as ranges: all but those that pack weights, which a network does once for all of its layers. What
 * was packed may be overwritten by then; other numbers take as long.
 */
export function partsToTime(operations: readonly Pick<Operation, 'kernel'>[]): { start: number; end: number }[] {
  const parts: { start: number; end: number }[] = [];
  operations.forEach(({ kernel }, at) => {
    if (kernel.shader === 'packWeights') return;
    if (parts.at(-1)?.end === at) parts.at(-1)!.end++;
    else parts.push({ start: at, end: at + 1 });
  });
  return parts;
}

/** What is wrong with a case's kernels of these settings: with what they compute, or that they do not compile. */
export async function fault(gpu: Gpu, kernelCase: KernelCase, settings: VariantSettings): Promise<string | undefined> {
  try {
    const wrong = (await checkVariant(gpu, kernelCase, settings)).find(({ ok }) => !ok);
    return wrong && `wrong: ${wrong.direction} is off by ${wrong.error.toExponential(1)}, allowed ${wrong.tolerance.toExponential(1)}`;
  } catch (error) {
    gpu.check(); // a lost GPU is nobody's candidate's fault
    return (error as Error).message.replace(/\s*\n\s*/g, ' ');
  }
}

const warmUps = 3;
const measurements = 7;

/** A pass is made this long by repeating the layer, as timestamps may be rounded to 65.5 µs. */
const passSeconds = 0.005;
const mostRepeats = 50;

/** So many rows that the larger tile is not enough for them; fewer for wide layers, as float64 loops are slow. */
function checkedRows(C: number): number {
  return Math.max(17, Math.min(129, Math.floor((129 * 64 ** 2) / C ** 2)));
}

/** The case with its truth computed once: the values given are the same every time. */
function withTruthOnce(kernelCase: KernelCase): KernelCase {
  let truth: Readonly<Record<string, Expected>> | undefined;
  return { ...kernelCase, expected: (given, staging) => (truth ??= kernelCase.expected(given, staging)) };
}

/** A layer and all its gradients; with the inputs, and what their random numbers are multiplied by. */
function recordLayer({ inputs, record }: KernelCase, variant: VariantSettings) {
  const tape = new Tape({ variant });
  const given = Object.entries(inputs).map(([name, { shape, gradient, factor }]: [string, CaseInput]) =>
    ({ name, factor, tensor: tape.input(name, shape, { gradient }) }));
  const outputs = record(tape, Object.fromEntries(given.map(({ name, tensor }) => [name, tensor])));
  const seeds = Object.values(outputs).map((of) => ({ of, gradient: tape.input(`d ${of.name}`, of.shape) }));
  tape.backward(seeds[0]!.of, ...seeds);
  return { tape, inputs: [...given, ...seeds.map(({ gradient }) => ({ tensor: gradient, factor: 1 }))] };
}

/** A few thousand normals over and over: making millions would take longer than the tuning. */
function randomNumbers(length: number, factor = 1): Float32Array<ArrayBuffer> {
  const few = Float32Array.from(normals({ seed: 1, stream: 0, step: 0, item: 0, length: 4096 }), (z) => factor * z);
  const values = new Float32Array(length);
  for (let at = 0; at < length; at += few.length) values.set(few.subarray(0, length - at), at);
  return values;
}
