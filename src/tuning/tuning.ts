/**
 * Which sizes of the `tile` kernels an adapter runs fastest: a few candidates, each checked against the reference, then
 * timed on a residual layer forward and backward. The file they are kept in is `tuning.node.ts`.
 */
import { Executable } from '../autograd/executable.ts';
import { planTape } from '../autograd/plan.ts';
import { Tape } from '../autograd/tape.ts';
import type { DiffWaveConfig } from '../diffwave/model/config.ts';
import type { Gpu } from '../gpu/device/gpu.ts';
import type { Encode } from '../gpu/device/timing.ts';
import { Stopwatch } from '../gpu/device/timing.ts';
import type { TileSizes, VariantSettings } from '../gpu/device/variant.ts';
import { defaultTile, variantNamed } from '../gpu/device/variant.ts';
import { normals } from '../reference/random.ts';
import type { CaseInput, Expected, KernelCase } from '../verify/case.ts';
import { residualLayerCase } from '../verify/cases/residualLayer.ts';
import { checkVariant } from '../verify/run.ts';

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
  /** That the tuning took. */
  readonly seconds: number;
}

export interface TuningOptions {
  /** Seconds after which no further candidate is tried. */
  readonly budget?: number;
  /** Rows of random data that are timed. */
  readonly rows?: number;
}

/** Rows that candidates are timed on: enough to fill a large GPU, few enough for a small one. */
export const tuningRows = 16384;

const usualBudget = 2; // seconds

/**
 * Rows and depths that are tried: twice the rows per workgroup, that with twice the sums in registers (fewer reads of
 * workgroup memory for each multiplication), and half the sums (more workgroups on a processor at once).
 */
export const geometries: readonly TileSizes[] = [
  defaultTile,
  { ...defaultTile, rows: 128 },
  { ...defaultTile, rows: 128, deep: 16 },
  { ...defaultTile, deep: 4 },
];

/** Tried with the fastest geometry, on whose kernels they have no influence. */
const partialSums: readonly number[] = [defaultTile.partialSums / 2, defaultTile.partialSums * 2];

export const mostCandidates = geometries.length + partialSums.length;

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
export function tileProblem({ rows, deep, partialSums }: TileSizes, lanes: number, limits: WorkgroupLimits): string | undefined {
  if (![rows, deep, partialSums].every((size) => Number.isSafeInteger(size) && size > 0)) return 'sizes must be whole numbers above 0';
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
  const { budget = usualBudget, rows = tuningRows } = options;
  const bench = new TuningBench(gpu, network, { rows, seconds: budget / mostCandidates });
  const start = performance.now();
  const elapsed = (): number => (performance.now() - start) / 1000;
  const trials: Trial[] = [];
  const attempt = async (tile: TileSizes): Promise<void> => {
    const late = trials.length > 0 && elapsed() > budget;
    trials.push(late ? { tile, refused: 'not tried: out of time' } : await bench.try(tile));
  };
  for (const tile of geometries) await attempt(tile);
  const { tile } = fastest(trials) ?? trials[0]!;
  for (const sums of partialSums) await attempt({ ...tile, partialSums: sums });
  gpu.buffers.trim();
  return { trials, best: fastest(trials), seconds: elapsed() };
}

/** Where candidates for one network are checked and timed. */
class TuningBench {
  readonly #gpu: Gpu;
  readonly #settings: VariantSettings;
  readonly #checked: KernelCase;
  readonly #timed: KernelCase;
  readonly #seconds: number;

  /** `rows` are timed, for `seconds` per candidate where that is enough for more than one measurement. */
  constructor(gpu: Gpu, { channels: C, kernelSize: K }: TunedNetwork, options: { rows: number; seconds: number }) {
    const layer = { B: 1, C, K, D: 16, place: 'later' } as const;
    this.#gpu = gpu;
    this.#settings = variantNamed('tile', gpu.device, gpu.info)!;
    this.#checked = withTruthOnce(residualLayerCase({ ...layer, L: checkedRows(C) }));
    this.#timed = residualLayerCase({ ...layer, L: options.rows });
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
    const executable = await Executable.build(this.#gpu, planTape(tape));
    try {
      for (const { tensor, factor } of inputs) executable.write(tensor, randomNumbers(tensor.length, factor));
      const stopwatch = new Stopwatch(this.#gpu);
      const repeated = (times: number): Encode => (pass) => {
        for (let i = 0; i < times; i++) executable.program.encode(pass);
      };
      const [first] = await stopwatch.time([repeated(1)]);
      const times = Math.ceil(passSeconds / Math.max(first!, passSeconds / mostRepeats));
      const pass = times * first!;
      const count = Math.max(1, Math.min(measurements + warmUps - 1, Math.floor(this.#seconds / pass)));
      const measured = await stopwatch.time(new Array<Encode>(count).fill(repeated(times)), { expected: count * pass });
      return median(measured.slice(-measurements)) / times;
    } finally {
      executable.destroy();
    }
  }
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

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}
