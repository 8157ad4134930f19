/**
 * Where sampling starts. The forward process leaves x_T = √ᾱ_T·x_0 + √(1−ᾱ_T)·ε, whose power at frequency f is
 * ᾱ_T·S(f) + 1−ᾱ_T for a signal of power spectrum S. Sampling usually starts from white noise of variance 1, which is the
 * same only if ᾱ_T is 0 or S is 1: where music is loud the start is too quiet, elsewhere it is too loud. A shaped start is
 * Gaussian noise that has the right power at every frequency: white noise through a filter of gain √(ᾱ_T·S + 1−ᾱ_T).
 */
import { spectralFir } from '../../audio/spectralFir.ts';
import { Executable } from '../../autograd/executable.ts';
import { planTape } from '../../autograd/plan.ts';
import { Tape } from '../../autograd/tape.ts';
import type { BufferRange } from '../../gpu/device/buffers.ts';
import type { Gpu } from '../../gpu/device/gpu.ts';
import { fir } from '../../ops/fir.ts';
import { noise, noiseValues } from '../../ops/noise.ts';
import { streams } from '../streams.ts';

/** Rows (samples times batch) that are made at once: what this takes of memory does not grow with the clip. */
const mostRows = 1 << 17;

export interface StartShape {
  /** S of the training set, see `trainingSpectrum`: (N/2 + 1), N a power of two. */
  readonly spectrum: ArrayLike<number>;
  /** ᾱ of the step that sampling starts from. */
  readonly alphaBar: number;
}

export interface ShapedStartOptions extends StartShape {
  readonly B: number;
  readonly L: number;
  readonly seed?: number;
  /** Number of the first clip. */
  readonly firstItem?: number;
  /** The clip is a loop: its end goes on with its beginning. */
  readonly circular?: boolean;
  /** Samples that are made at once. Changes no bit. */
  readonly partSamples?: number;
}

/**
 * The filter, (N + 1) taps: its power is exact at the frequencies of the spectrum, to the rounding of its taps to float32.
 * Between them it was within 0.4 dB of the straight line from bin to bin, for 513 bins of 198 clips of music at an RMS of 1 and
 * ᾱ_T = 0.13; at an RMS of 0.17, within 0.03 dB, and within 0.2 dB for ᾱ_T = 0.6.
 */
export function startTaps({ spectrum, alphaBar }: StartShape): Float32Array<ArrayBuffer> {
  const gain = Float64Array.from(spectrum, (power) => Math.sqrt(alphaBar * power + 1 - alphaBar));
  return Float32Array.from(spectralFir(gain));
}

/**
 * Writes a shaped start into x (B, L): sample p of a clip is Σ_k h[k]·n[p + k], n being white noise that is a function of
 * seed, clip and index, of L + K − 1 numbers for K taps. If `circular`, index i stands for i mod L. A function of its
 * options, and of neither batch nor parts. Queued, not awaited, but for what a software adapter does at once.
 */
export async function shapedStart(gpu: Gpu, x: BufferRange, options: ShapedStartOptions): Promise<void> {
  const { B, L, seed = 0, firstItem = 0, circular = false } = options;
  const taps = startTaps(options);
  const [K, stream] = [taps.length, streams.shapedStart];
  const width = Math.min(L, options.partSamples ?? Math.max(1, Math.floor(mostRows / B)));
  const made: Executable[] = [];
  const build = async (tape: Tape): Promise<Executable> => {
    const executable = await Executable.build(gpu, planTape(tape));
    made.push(executable);
    return executable;
  };
  try {
    let head: BufferRange | undefined;
    const headLength = Math.min(K - 1, L); // what a loop has behind its end
    if (circular) {
      const tape = new Tape();
      const beginning = tape.keep(noise(tape, { B, L: headLength, stream, firstItem }));
      const program = await build(tape);
      program.run(noiseValues({ seed, step: 0 }));
      head = program.range(beginning);
    }
    const tape = new Tape();
    fir(tape, {
      clip: tape.external('x', [B, L], x),
      stretch: noise(tape, { B, L: width + K - 1, stream, firstItem }),
      taps: tape.constant('taps', [K], taps),
      head: head && tape.external('head', [B, headLength], head),
    });
    const program = await build(tape);
    for (let coreStart = 0; coreStart < L; coreStart += width) {
      program.run({ coreStart, coreEnd: Math.min(L, coreStart + width), ...noiseValues({ seed, step: 0, start: coreStart }) });
      await gpu.throttle();
    }
  } finally {
    for (const executable of made) executable.destroy();
  }
}
