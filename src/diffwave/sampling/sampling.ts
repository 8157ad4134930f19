/** Sampling: executes a journey through noise on the GPU, whatever the sampler, the verb and the length. */
import type { Shaping } from '../../audio/shaping.ts';
import { isUnshaped, largestShaped, shape, shapedGap, unshape, unshapeGap } from '../../audio/shaping.ts';
import { UserError } from '../../errors.ts';
import { counters } from '../../random.ts';
import type { Ranks } from '../../ranks.ts';
import type { Told } from '../model/contract.ts';
import type { Model } from '../model/model.ts';
import { executor, reverseStepOf } from './executor.ts';
import type { Journey } from './moves.ts';
import type { SamplerOptions } from './samplers/choose.ts';
import { chooseSampler } from './samplers/choose.ts';
import type { Sampler } from './samplers/sampler.ts';
import type { Prediction } from '../../ops/diffuse.ts';
import { scheduleOf } from '../schedule/schedule.ts';
import type { StartShape } from './start.ts';
import { canShare, stretchOf } from './sharing.ts';
import type { Stretch, Window } from './tiles.ts';
import { haloOf, tilesFor } from './tiles.ts';
import type { Verb } from './verbs.ts';
import { create } from './verbs.ts';
import { expectTold } from './told.ts';
import type { WalkMemory, WalkOptions } from './tileProgram.ts';
import { walkMemory } from './tileProgram.ts';
import { Walk } from './walk.ts';
import type { WaveSizes } from './waves.ts';
import { firstShare, stepsOf, usualStretch, wavesOf } from './waves.ts';

export interface SampleOptions extends SamplerOptions {
  /** B and L: how many clips, of how many samples. */
  readonly shape: readonly [B: number, L: number];
  readonly seed?: number;
  /** What is made: by default a new sound, else one of `verbs.ts`, whose sound must have L samples. */
  readonly verb?: Verb;
  /** What the network is told: see `labelsTold`. By default nothing, if it was also trained without. */
  readonly told?: Told;
  /**
   * What x_T is where sampling starts from noise: white noise (default), or noise with the power of the training data's x_T
   * at every frequency (`start.ts`), for which the weights' file must know their spectrum.
   */
  readonly start?: 'white' | 'shaped';
  /** The clip's end meets its beginning: it can be played round and round. */
  readonly loop?: boolean;
  /** Keep x̂_0 (never x_t) of every step within what a sound within ± this value can be to the network. */
  readonly clamp?: number;
  /** Number of the first clip: clip n is the same whether it is made alone or with others. */
  readonly firstItem?: number;
  /** Samples of a clip that go through the network at once; planned from the adapter by default. Changes no bit. */
  readonly tileSamples?: number;
  /**
   * Who makes the clips together, each a stretch of them. All ranks call this with the same options, and get the same clips. Where that
   * cannot be shared, each of them makes all: see `isShared`.
   */
  readonly ranks?: Ranks;
  /** Also return x_t after every k-th step, the start and the end included. */
  readonly sequenceEvery?: number;
  /** Called with each of these as soon as it is there. */
  readonly onWaypoint?: (waypoint: Waypoint) => void;
  /** Called after every reverse step has been queued; throw to stop. */
  readonly onStep?: (done: number, total: number) => void;
  /** The same after every tile, `done` with the part of a step that is done: one of a long clip may take minutes. */
  readonly onTile?: (done: number, total: number) => void;
  /**
   * Called with each stretch of the sound that is finished, from its beginning on and while the rest is being made, which changes no bit
   * (`waves.ts`). A stretch has `tileSamples`. What can only be finished as a whole, a loop, what fills a gap and what ranks share,
   * comes at once.
   */
  readonly onStretch?: (stretch: FinishedStretch) => void;
}

/** A stretch of the clips as sound, not clamped. */
export interface FinishedStretch {
  readonly from: number; // samples
  readonly clips: readonly Float32Array<ArrayBuffer>[];
}

/** x_t on the way. */
export interface Waypoint {
  readonly left: number; // reverse steps that are left
  readonly clips: Float32Array<ArrayBuffer>[];
}

export interface Samples {
  /** One array of L samples per clip, as sound, not clamped. */
  readonly audio: Float32Array<ArrayBuffer>[];
  /** With `sequenceEvery`: from the start to the end, x_t as if it were sound. */
  readonly sequence?: Waypoint[];
  /** Bytes of GPU memory at the highest since the Gpu was opened or a training began, all counted that it holds. */
  readonly peakBytes: number;
}

/**
 * Makes B clips of any length L. The result is a function of weights, seed, item and options; it does not depend on
 * batch or tile. The default is ancestral sampling through all T steps (Ho et al. 2020, algorithm 2). Throws a
 * `UserError` on options that contradict each other, and where it does not fit the adapter.
 */
export async function sample(model: Model, options: SampleOptions): Promise<Samples> {
  const { sampler, journey, sound, prediction } = plan(model, options);
  const form = options.start === 'shaped' ? startShape(model, journey) : undefined;
  const [B] = options.shape;
  const { sequenceEvery, onStep, onTile } = options;
  const clamp = options.clamp && largestShaped(options.clamp, model.shaping);
  const { moves, start, known } = journey;
  const inWaves = wavesFor(model, options, journey);
  await using walk = await Walk.create(model, walkOptions(model, options, sampler, journey));
  if (start === 'noise') await walk.start(form);
  else await walk.write(repeated(start.gain === 1 ? start.audio : start.audio.map((value) => start.gain * value), B));
  if (known) await walk.write(repeated(known.audio, B), 'known');

  const heard = (clips: Float32Array<ArrayBuffer>[]): typeof clips => {
    for (const clip of clips) {
      if (sound) unshapeGap(clip, model.shaping, { known: sound.audio, gap: sound.gap, loop: options.loop });
      else unshape(clip, model.shaping, options);
    }
    return clips;
  };
  const total = moves.filter(({ kind }) => kind === 'denoise').length;
  const sequence: Waypoint[] = [];
  let done = 0;
  const lookAt = async (): Promise<void> => {
    if (sequenceEvery === undefined || (done % sequenceEvery !== 0 && done < total)) return;
    if (sequence.at(-1)?.left === total - done) return;
    sequence.push({ left: total - done, clips: heard(await walk.read()) });
    options.onWaypoint?.(sequence.at(-1)!);
  };
  const samples = walk.tiles.core[1] - walk.tiles.core[0];
  let samplesDone = 0;
  const tileDone = ({ coreStart, coreEnd }: Window): void => onTile?.((samplesDone += coreEnd - coreStart) / samples, total);
  const execute = executor({ walk, sampler, prediction, clamp, gap: known?.gap, tileDone });
  if (inWaves) {
    for (const move of inWaves.before) await execute(move, { isSeen: false });
    const stepOf = inWaves.steps.map((move, i) => reverseStepOf(move, { previous: inWaves.steps[i - 1]?.from, sampler, prediction, limit: clamp, onTile: tileDone }));
    const audio = Array.from({ length: B }, () => new Float32Array(options.shape[1]));
    const before = new Array<number>(B).fill(0);
    for (const { waves, finished } of wavesOf(inWaves.sizes)) {
      for (const wave of waves) {
        await walk.denoisePart(wave, stepOf[wave.step]!);
        if (wave.part[1] === inWaves.sizes.L) onStep?.(wave.step + 1, total);
      }
      const clips = await walk.read(finished);
      clips.forEach((clip, b) => (before[b] = unshape(clip, model.shaping, { before: before[b] })));
      expectNumbers(clips, options.firstItem ?? 0);
      clips.forEach((clip, b) => audio[b]!.set(clip, finished[0]));
      options.onStretch?.({ from: finished[0], clips });
    }
    return { audio, peakBytes: model.gpu.buffers.peakBytes };
  }
  for (const [i, move] of moves.entries()) {
    if (move.kind === 'denoise' && done === 0) await lookAt();
    await execute(move, { isSeen: sequenceEvery !== undefined || i === moves.length - 1 });
    if (move.kind === 'denoise') {
      done++;
      onStep?.(done, total);
    }
    // What is imposed on a step's result belongs to it, and renoising to the step that follows.
    if (done > 0 && move.kind !== 'renoise' && moves[i + 1]?.kind !== 'impose') await lookAt();
  }
  const audio = sequenceEvery === undefined ? heard(await walk.read()) : sequence.at(-1)!.clips;
  expectNumbers(audio, options.firstItem ?? 0);
  options.onStretch?.({ from: 0, clips: audio });
  return { audio, sequence: sequenceEvery === undefined ? undefined : sequence, peakBytes: model.gpu.buffers.peakBytes };
}

/**
 * Whether several ranks that call `sample` with these options share the work: the network's margins must fit into a rank's stretch, and
 * neither a loop nor what lies around a gap goes beyond it.
 */
export function isShared(model: Model, options: SampleOptions): boolean {
  return stretchFor(model, options, plan(model, options).journey) !== undefined;
}

/** What this rank moves of the clips; undefined where that is everything. */
function stretchFor({ network }: Model, { shape: [, L], ranks, loop }: SampleOptions, { known }: Journey): Stretch | undefined {
  if (!ranks || ranks.size === 1 || loop || known || !canShare({ L, halo: haloOf(network), ranks })) return undefined;
  return stretchOf(L, ranks);
}

/**
 * The share of the work after which the first stretch is heard of what `sample` makes with these options and `onStretch`; 1 where all
 * comes at once.
 */
export function firstHeard(model: Model, options: SampleOptions): number {
  const inWaves = wavesFor(model, { ...options, onStretch: () => {} }, plan(model, options).journey);
  return inWaves ? firstShare(inWaves.sizes) : 1;
}

/** How the clip is made from its beginning on; undefined where nobody asks for that, or it cannot be. */
function wavesFor(model: Model, options: SampleOptions, journey: Journey): (NonNullable<ReturnType<typeof stepsOf>> & { readonly sizes: WaveSizes }) | undefined {
  const { shape: [, L], onStretch, loop, sequenceEvery } = options;
  if (!onStretch) return undefined;
  if (sequenceEvery !== undefined) throw new UserError('sample: `sequenceEvery` shows x_t after a step, and `onStretch` makes the sound stretch by stretch: use one of them');
  const moves = stepsOf(journey);
  if (!moves || loop || journey.known || stretchFor(model, options, journey)) return undefined;
  const halo = haloOf(model.network);
  return { ...moves, sizes: { L, halo, steps: moves.steps.length, width: waveSamples(model, options) } };
}

/** Samples of a stretch, which go through the network at once. */
function waveSamples(model: Model, { shape: [B, L], tileSamples }: SampleOptions): number {
  const halo = haloOf(model.network);
  const { width } = tilesFor(model, { B, L });
  return tileSamples ?? Math.min(usualStretch({ L, halo }), width < L ? width - 2 * halo : L);
}

/** Bytes of GPU memory that `sample` would take beside the weights, found without allocating or running anything. */
export function samplingMemory(model: Model, options: SampleOptions): WalkMemory {
  const { sampler, journey } = plan(model, options);
  return walkMemory(model, walkOptions(model, options, sampler, journey));
}

interface Plan {
  readonly sampler: Sampler;
  /** With sounds as the network sees them. */
  readonly journey: Journey;
  /** What is known, as sound. */
  readonly sound: Journey['known'];
  readonly prediction: Prediction;
}

function plan({ diffusion, shaping, network }: Model, options: SampleOptions): Plan {
  const [B, L] = options.shape;
  const { clamp, tileSamples, sequenceEvery, verb = create } = options;
  for (const [name, size] of Object.entries({ B, L, tileSamples, sequenceEvery })) {
    if (size === undefined || (Number.isSafeInteger(size) && size >= 1)) continue;
    throw new UserError(`sample: wanted a positive whole number for ${name}, got ${size}`);
  }
  const { seed = 0, firstItem = 0 } = options;
  if (!Number.isSafeInteger(seed) || seed < 0) throw new UserError(`sample: \`seed\` must be a whole number from 0 to 2^53 - 1, got ${seed}`);
  if (!Number.isSafeInteger(firstItem) || firstItem < 0 || firstItem + B > counters) {
    throw new UserError(`sample: clips are numbered from 0 to ${counters - 1}, and ${firstItem + B - 1} would be another one's sound again: use another \`seed\``);
  }
  expectTold(network, options.told, L);
  if (options.loop && network.conditioning?.alongTime) throw new UserError('sample: a clip that follows a spectrogram begins and ends with it, so it cannot be a `loop`');
  if (clamp !== undefined && !(clamp > 0)) throw new UserError(`sample: clamp must be above 0, got ${clamp}`);
  const schedule = scheduleOf(diffusion);
  const { sampler, levels } = chooseSampler(options, schedule);
  const journey = verb({ schedule, levels, shaping });
  if (journey.mustBeDeterministic && sampler.isRandom) {
    throw new UserError(`removing noise needs a sampler that draws none: ddim with eta 0, or dpm++, not ${sampler.name}`);
  }
  for (const audio of [journey.start === 'noise' ? undefined : journey.start.audio, journey.known?.audio]) {
    if (audio && audio.length !== L) throw new UserError(`sample: the sound has ${audio.length} samples, but ${L} are to be made`);
  }
  return { sampler, journey: shapedJourney(journey, shaping, options), sound: journey.known, prediction: diffusion.prediction };
}

function shapedJourney(journey: Journey, shaping: Shaping, { loop }: Pick<SampleOptions, 'loop'>): Journey {
  if (isUnshaped(shaping)) return journey;
  const seen = (audio: Float32Array): Float32Array => shape(audio, shaping, loop ? audio.at(-1) : 0);
  const { start, known } = journey;
  return {
    ...journey,
    start: start === 'noise' ? start : { ...start, audio: seen(start.audio) },
    known: known && { audio: seen(known.audio), gap: shapedGap(known.gap, { L: known.audio.length, ...shaping }) },
  };
}

/** What a shaped start needs. Throws a `UserError` if there is none. */
function startShape({ spectrum }: Model, { start, moves }: Journey): StartShape {
  if (start !== 'noise') throw new UserError('a shaped start is for sampling from noise, and this starts from a sound');
  if (!spectrum) {
    throw new UserError(
      'a shaped start needs the spectrum of the training data, which these weights do not have: they are of an older version ' +
      'or of another program; training on for a step with `resume` adds it',
    );
  }
  const first = moves.find((move) => move.kind === 'denoise')!;
  return { spectrum, alphaBar: first.from.alphaBar };
}

function walkOptions(model: Model, options: SampleOptions, sampler: Sampler, journey: Journey): WalkOptions {
  const { shape: [B, L], seed, firstItem, tileSamples, loop, ranks, told } = options;
  const stretch = stretchFor(model, options, journey);
  const inWaves = wavesFor(model, options, journey);
  return {
    B, L, seed, firstItem, tileSamples: inWaves?.sizes.width ?? tileSamples, loop, told, waves: inWaves?.steps.length, history: sampler.usesHistory, known: journey.known !== undefined,
    core: stretch ?? coreOf(journey), ...(stretch && { ranks }),
  };
}

/** The gap, where what lies around it is imposed after every move: the network need not be asked about it. */
function coreOf({ known, moves }: Journey): Stretch | undefined {
  return moves.every(({ kind }, i) => kind === 'impose' || moves[i + 1]?.kind === 'impose') ? known?.gap : undefined;
}

function repeated(audio: Float32Array, count: number): Float32Array[] {
  return new Array<Float32Array>(count).fill(audio);
}

function expectNumbers(audio: readonly Float32Array[], firstItem: number): void {
  const silent = audio.findIndex((clip) => clip.some((value) => !Number.isFinite(value)));
  if (silent < 0) return;
  throw new UserError(
    `clip ${firstItem + silent} came out as NaN or infinity: the weights are broken, or the network was never trained; look at the loss in the run's log`,
  );
}
