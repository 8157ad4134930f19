/** The program of one tile of a reverse step, and what a walk is made of: before anything is allocated. */
import type { Plan } from '../../autograd/plan.ts';
import { planTape } from '../../autograd/plan.ts';
import { Tape } from '../../autograd/tape.ts';
import type { Tensor } from '../../autograd/tensor.ts';
import type { Gpu } from '../../gpu/device/gpu.ts';
import type { Values } from '../../gpu/program/dispatch.ts';
import type { Ranks } from '../../ranks.ts';
import { noise } from '../../ops/noise.ts';
import { areInFours, reverseStep } from '../../ops/reverse.ts';
import type { OldSamples } from '../../ops/window.ts';
import { gatherWindow, keepOld } from '../../ops/window.ts';
import type { Told } from '../model/contract.ts';
import type { Model } from '../model/model.ts';
import { streams } from '../streams.ts';
import type { Stretch, Tiles, Window } from './tiles.ts';
import { tilesFor } from './tiles.ts';
import { recordTold } from './told.ts';

export interface WalkOptions {
  readonly B: number;
  readonly L: number;
  /** Number of the first clip: its noise is a function of that. */
  readonly firstItem?: number;
  readonly seed?: number;
  /** Samples that one tile decides; by default as many as the adapter takes. */
  readonly tileSamples?: number;
  /** The clip's end meets its beginning. */
  readonly loop?: boolean;
  /** Keep x̂_0 of each step for the next one. */
  readonly history?: boolean;
  /** Keep a known sound, for `impose`. */
  readonly known?: boolean;
  /** The samples that are predicted; all by default. The others must be imposed after every move. */
  readonly core?: Stretch;
  /** Who moves the other stretches, where the core is this rank's share of the clip: nothing is imposed then. */
  readonly ranks?: Ranks;
  /** What the network is told besides x_t and t. */
  readonly told?: Told;
  /** Reverse steps of a walk that goes through the clip in waves; 0: step after step over all of it. */
  readonly waves?: number;
}

type MayBeMissing = 'tileSamples' | 'core' | 'ranks' | 'told';

export type Settled = Required<Omit<WalkOptions, MayBeMissing>> & Pick<WalkOptions, MayBeMissing>;

/** GPU memory of a walk, in bytes. */
export interface WalkMemory {
  readonly clips: number; // arrays as long as the clip: x_t, and x̂_0 or the known sound
  readonly tile: number; // everything else; does not grow with the clip
}

export interface Recorded {
  readonly plan: Plan;
  readonly x: Tensor; // (B, L)
  readonly t: Tensor; // (B)
  readonly previous: Tensor | undefined; // (B, L) x̂_0 of the step before
  readonly old: OldSamples; // both (B, margin)
}

/** What a walk would need, without allocating anything: exact, but for what the moves without network add to a tile. */
export function walkMemory(model: Model, walkOptions: WalkOptions): WalkMemory {
  const options = settled(walkOptions);
  const tiles = tilesFor(model, options);
  const { plan, x, previous } = recordTile(model, options, tiles);
  const own = [x, previous].filter((tensor) => tensor !== undefined).reduce((sum, tensor) => sum + plan.buffers[plan.place.get(tensor.storage)!]!, 0);
  const knownBytes = options.known ? options.B * options.L * 4 : 0;
  return { clips: own + knownBytes, tile: plan.bytes - own + marginBytes(options, tiles.halo) };
}

/** Of the old samples that every step of a wave has to remember until the next wave. */
export function marginBytes({ B, waves }: Pick<Settled, 'B' | 'waves'>, halo: number): number {
  return waves * B * Math.max(1, halo) * 4;
}

export function settled(options: WalkOptions): Settled {
  const { B, L, firstItem = 0, seed = 0, tileSamples, loop = false, history = false, known = false, core, ranks, told, waves = 0 } = options;
  return { B, L, firstItem, seed, tileSamples, loop, history, known, core, ranks, told, waves };
}

/** The program of one tile of a reverse step. */
export function recordTile(
  model: Pick<Model, 'parameters' | 'network'> & { readonly gpu: Pick<Gpu, 'variant'> },
  options: Pick<Settled, 'B' | 'L' | 'firstItem' | 'history' | 'told'> & Pick<WalkOptions, 'waves'>, { width, halo, windows }: Pick<Tiles, 'width' | 'halo' | 'windows'>,
): Recorded {
  const { B, L, firstItem, history, told, waves = 0 } = options;
  const tape = new Tape({ parameters: model.parameters, variant: model.gpu.variant, keeps: 'nothing' });
  const [x, t] = [tape.input('x', [B, L]), tape.input('t', [B])];
  const previous = history ? tape.input('previous x̂_0', [B, L]) : undefined;
  const margin = Math.max(1, halo);
  const old = { before: tape.input('samples before', [B, margin]), head: tape.input('head', [B, margin]) };
  const tile = gatherWindow(tape, x, width, old);
  keepOld(tape, { whole: x, tile, old });
  const output = recordTold(tape, model.network, { noisy: tile, t }, { told, clipSamples: L });
  const z = noise(tape, { B, L: width, stream: streams.reverse, firstItem });
  const inFours = waves === 0 && windows.every(({ start, coreStart, coreEnd }) => areInFours(start, coreStart, coreEnd));
  reverseStep(tape, { x, output, noise: z, previous, inFours });
  return { plan: planTape(tape), x, t, previous, old };
}

export function placeOf({ start, coreStart, coreEnd }: Window): Values {
  return { windowStart: start, coreStart, coreEnd };
}
