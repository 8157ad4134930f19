/** Flags of `sample` that say what is made and by which way, and what the library is asked for. */
import { noiseFloor } from '../../../src/audio/noiseFloor.ts';
import { chooseSampler } from '../../../src/diffwave/sampling/samplers/choose.ts';
import { fastBetas, spacings } from '../../../src/diffwave/sampling/samplers/levels.ts';
import { samplerNames } from '../../../src/diffwave/sampling/samplers/sampler.ts';
import type { DiffWaveConfig } from '../../../src/diffwave/model/config.ts';
import { shapingOf } from '../../../src/diffwave/model/config.ts';
import type { SampleOptions } from '../../../src/diffwave/sampling/sampling.ts';
import { scheduleOf } from '../../../src/diffwave/schedule/schedule.ts';
import type { Verb } from '../../../src/diffwave/sampling/verbs.ts';
import { between, continuation, create, denoise, inpaint, variation } from '../../../src/diffwave/sampling/verbs.ts';
import { UserError } from '../../../src/errors.ts';
import type { CommandSpec, Parsed } from '../cli/flags.ts';
import { typed } from '../cli/flags.ts';
import type { Sound } from './input.ts';
import { labelFlags, toldBy } from './labels.ts';
import { melBy, spectrogramFlags } from './spectrogram.ts';

const usualStrength = 0.4;
/** A stretch of so many levels is walked so many times, unless flags say otherwise; RePaint's own are 10 and 10. */
const usualRepaint = { resamplings: 4, jump: 4 };

const file = { type: 'string', placeholder: '<wav>' } as const;

export const samplingFlags = {
  seconds: { type: 'number', above: 0, help: 'length of each (5, unless --length is given); with --continue, of what is new' },
  length: { type: 'integer', min: 1, help: 'the same in samples' },
  sampler: { type: 'string', choices: samplerNames, help: 'way from noise to sound (ddpm; with --denoise ddim): ancestral, DDIM, DPM-Solver++(2M), or DiffWave\'s six fast steps' },
  steps: { type: 'integer', min: 1, help: 'steps of ddpm, ddim or dpm++ (all that the network was trained with)' },
  spacing: { type: 'string', choices: spacings, help: 'how fewer steps are spread: evenly in time, or in log-SNR (time)' },
  variance: { type: 'string', choices: ['beta', 'posterior'], help: 'σ² of ddpm (beta) and fast (posterior): β, or β̃ of the posterior' },
  eta: { type: 'number', min: 0, max: 1, help: 'noise that ddim draws on the way, 1 as much as ddpm (0)' },
  betas: { type: 'strings', placeholder: '<β>…', help: `noise schedule of fast (${fastBetas.join(' ')})` },
  clamp: { type: 'boolean', help: 'keep the predicted sound of every step within full scale' },
  loop: { type: 'boolean', help: 'the end meets the beginning: a sound to be played round and round' },
  ...labelFlags,
  ...spectrogramFlags,
  tileSamples: { type: 'integer', min: 1, help: 'samples that go through the network at once; changes memory, not the sound (what the adapter takes)' },
  variationOf: { ...file, help: 'a sound like this one' },
  between: { type: 'strings', placeholder: '<wav> <wav>', help: 'a sound between two; the longer one is cut' },
  continue: { ...file, help: 'this sound, and --seconds more of it' },
  inpaint: { ...file, help: 'this sound, with --from … --to made anew to fit' },
  denoise: { ...file, help: 'this sound without its white noise, whose level is estimated, or given by --strength' },
  strength: { type: 'number', above: 0, max: 1, help: `how far --variation-of, --between and --denoise go towards pure noise (${usualStrength}; --denoise: as far as the sound's own noise)` },
  mix: { type: 'number', min: 0, max: 1, help: 'how much of the second sound is in --between (0.5)' },
  from: { type: 'number', min: 0, help: 'where the gap of --inpaint begins, in seconds' },
  to: { type: 'number', above: 0, help: 'where it ends' },
  resamplings: { type: 'integer', min: 1, help: `how often --inpaint and --continue walk every stretch: more fit better and take longer (${usualRepaint.resamplings})` },
  jump: { type: 'integer', min: 1, help: `steps of such a stretch (${usualRepaint.jump})` },
} as const satisfies CommandSpec['flags'];

export type SamplingFlags = Parsed<{ name: string; summary: string; flags: typeof samplingFlags }>['flags'];

/** What is to be made. */
export interface SamplingTask {
  /** What files are called. */
  readonly name: string;
  readonly L: number;
  /** The sound that it is made from; the result goes back to its sample rate. */
  readonly sound?: Sound;
  /** One line about what was found in the sound. */
  readonly note?: string;
  readonly options: Omit<SampleOptions, 'shape' | 'seed'>;
}

type Key = keyof SamplingFlags;

/** The verbs, and the flags that have a meaning with each. */
const VERBS = {
  variationOf: ['strength'],
  between: ['strength', 'mix'],
  continue: ['resamplings', 'jump', 'seconds', 'length'],
  inpaint: ['resamplings', 'jump', 'from', 'to'],
  denoise: ['strength'],
} as const satisfies Partial<Record<Key, readonly Key[]>>;
type VerbKey = keyof typeof VERBS;
const verbKeys = Object.keys(VERBS) as VerbKey[];

/**
 * The library's options for the flags. `load` reads a sound at the network's rate. Throws a `UserError` in one line on
 * flags that contradict each other, before anything expensive is done.
 */
export function taskOf(flags: SamplingFlags, options: { config: DiffWaveConfig; load: (path: string) => Sound }): SamplingTask {
  const { config, load } = options;
  const verb = verbOf(flags);
  const mel = melBy(flags, options);
  const sampler = {
    sampler: flags.sampler ?? (verb === 'denoise' ? 'ddim' : undefined),
    steps: flags.steps,
    spacing: flags.spacing,
    variance: flags.variance,
    eta: flags.eta,
    betas: flags.betas.length > 0 ? flags.betas.map(readBeta) : undefined,
  };
  const schedule = scheduleOf(config);
  const { levels } = chooseSampler(sampler, schedule); // refuses what these contradict each other in
  const { make, ...made } = verb === undefined ? fresh(flags, config, mel?.L) : MAKERS[verb](flags, { config, load });
  if (mel && made.L !== mel.L) throw new UserError(`the spectrogram makes ${mel.L} samples, ${typed(flags.mel === undefined ? 'like' : 'mel')} and ${typed(verb!)} must be of the same length: that has ${made.L}`);
  if (mel && flags.loop) throw new UserError('--loop cannot be: a sound made of a spectrogram begins and ends with it');
  make({ schedule, levels, shaping: shapingOf(config) }); // and what the verb cannot do
  const told = toldBy(flags, config) ?? mel?.told;
  const common = { clamp: flags.clamp ? 1 : undefined, loop: flags.loop, tileSamples: flags.tileSamples, ...(told && { told }) };
  return { ...made, note: made.note ?? mel?.note, options: { ...sampler, ...common, verb: make } };
}

function verbOf(flags: SamplingFlags): VerbKey | undefined {
  const isGiven = (key: Key): boolean => flags[key] !== undefined && flags[key] !== false && !(Array.isArray(flags[key]) && flags[key].length === 0);
  const verbs = verbKeys.filter(isGiven);
  if (verbs.length > 1) throw new UserError(`${verbs.map(typed).join(' and ')} are different things to do: give one of them`);
  if (isGiven('seconds') && isGiven('length')) throw new UserError('--seconds and --length say the same thing twice: give one of them');
  const verb = verbs[0];
  const allowed: readonly Key[] = verb ? VERBS[verb] : ['seconds', 'length'];
  const others = [...new Set<Key>([...verbKeys.flatMap((key) => [...VERBS[key]]), 'seconds', 'length'])];
  const stray = others.find((key) => isGiven(key) && !allowed.includes(key));
  if (stray === undefined) return verb;
  if (verb && (stray === 'seconds' || stray === 'length')) {
    throw new UserError(`${typed(stray)} has no meaning with ${typed(verb)}: the result is as long as the sound`);
  }
  const wanted = verbKeys.filter((key) => (VERBS[key] as readonly Key[]).includes(stray)).map(typed).join(' or ');
  throw new UserError(`${typed(stray)} has a meaning only with ${wanted}`);
}

interface Made extends Omit<SamplingTask, 'options'> {
  readonly make: Verb;
}

type Context = { readonly config: DiffWaveConfig; readonly load: (path: string) => Sound };

function fresh(flags: SamplingFlags, config: DiffWaveConfig, ofSpectrogram?: number): Made {
  const stray = (['seconds', 'length'] as const).find((key) => flags[key] !== undefined);
  if (ofSpectrogram !== undefined && stray) throw new UserError(`${typed(stray)} has no meaning with a spectrogram: the sound is as long as that says`);
  return { name: 'sample', L: ofSpectrogram ?? newSamples(flags, config, 5), make: create };
}

const MAKERS: Record<VerbKey, (flags: SamplingFlags, context: Context) => Made> = {
  variationOf({ variationOf, strength = usualStrength }, { load }) {
    const sound = load(variationOf!);
    return { name: 'variation', sound, L: sound.samples.length, make: variation({ audio: sound.samples, strength }) };
  },
  between({ between: paths, mix = 0.5, strength = usualStrength }, { load }) {
    if (paths.length !== 2) throw new UserError(`--between takes two sounds, got ${paths.length}`);
    const [sound, other] = paths.map(load) as [Sound, Sound];
    const L = Math.min(sound.samples.length, other.samples.length);
    const audio = [sound.samples.slice(0, L), other.samples.slice(0, L)] as const;
    return { name: 'between', sound, L, make: between({ audio, mix, strength }) };
  },
  continue(flags, { config, load }) {
    const sound = load(flags.continue!);
    const samples = newSamples(flags, config, 5);
    const make = continuation({ audio: sound.samples, samples, ...repaintOf(flags) });
    return { name: 'continuation', sound, L: sound.samples.length + samples, make };
  },
  inpaint(flags, { config, load }) {
    const { from, to } = flags;
    if (from === undefined || to === undefined) throw new UserError('--inpaint needs --from and --to, in seconds');
    if (from >= to) throw new UserError(`--from ${from} is not before --to ${to}`);
    const sound = load(flags.inpaint!);
    const L = sound.samples.length;
    const seconds = L / config.sampleRate;
    if (to > seconds + 1 / config.sampleRate) throw new UserError(`--to ${to} lies behind the end of ${flags.inpaint}, which has ${seconds.toFixed(3)} s`);
    const gap = { from: Math.round(from * config.sampleRate), to: Math.min(L, Math.round(to * config.sampleRate)) };
    return { name: 'inpainting', sound, L, make: inpaint({ audio: sound.samples, ...gap, ...repaintOf(flags) }) };
  },
  denoise({ denoise: path, strength }, { load }) {
    const sound = load(path!);
    const audio = sound.samples;
    const note = strength === undefined
      ? `white noise in the sound: RMS about ${noiseFloor(audio).toPrecision(2)}; sound that fills the whole band counts as noise, --strength overrules`
      : undefined;
    return { name: 'denoised', sound, note, L: audio.length, make: denoise({ audio, strength }) };
  },
};

function newSamples({ seconds, length }: SamplingFlags, { sampleRate }: DiffWaveConfig, usualSeconds: number): number {
  return length ?? Math.max(1, Math.round((seconds ?? usualSeconds) * sampleRate));
}

function repaintOf({ resamplings, jump }: SamplingFlags): { resamplings: number; jump: number } {
  return { resamplings: resamplings ?? usualRepaint.resamplings, jump: jump ?? usualRepaint.jump };
}

function readBeta(text: string): number {
  const beta = Number(text);
  if (beta > 0 && beta < 1) return beta;
  throw new UserError(`--betas must be numbers above 0 and below 1, got '${text}'`);
}
