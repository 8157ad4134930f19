/** The flags of `train` that are fields of the network's and the training's configuration, under the same names. */
import type { DiffWaveConfig } from '../../../src/diffwave/model/config.ts';
import type { TrainingConfig } from '../../../src/diffwave/training/config.ts';
import type { Preset } from '../../../src/diffwave/presets.ts';
import { trainingOver } from '../../../src/diffwave/training/learningRate.ts';
import { UserError } from '../../../src/errors.ts';
import type { CommandSpec, Parsed } from '../cli/flags.ts';
import { typed } from '../cli/flags.ts';
import type { scheduleFlags } from '../schedule/flags.ts';
import { scheduleAsFlags, scheduleFrom } from '../schedule/flags.ts';

/** The network; its noise schedule has flags of its own. Without a default: what is not given is the preset's. */
export const networkFlags = {
  layers: { type: 'integer', min: 1, help: "residual layers (the preset's)" },
  channels: { type: 'integer', min: 1, help: "of the residual stream (the preset's)" },
  kernelSize: { type: 'integer', min: 1, help: "taps of the dilated convolutions, an odd number (the preset's)" },
  dilationCycle: { type: 'integer', min: 1, max: 24, help: "layers after which dilations begin at 1 again (the preset's)" },
  dilationBase: { type: 'integer', min: 1, max: 16, help: "factor from a layer's dilation to the next one's (the preset's)" },
  embeddingWidth: { type: 'integer', min: 1, help: "of the diffusion step's embedding (the preset's)" },
  scale: { type: 'string', placeholder: '<factor>', help: "samples are multiplied by it for the network; unit: by what gives the data an RMS of 1 (the preset's)" },
  emphasis: { type: 'number', min: 0, below: 1, help: "a of the filter x[n] − a·x[n−1] before that, undone in what is made; 0: none (the preset's)" },
  melBands: { type: 'integer', min: 1, help: "of a network for spectrograms, as of diffwave-vocoder: bands of them (the preset's)" },
  hopSamples: { type: 'integer', min: 1, help: "the same: samples between two of their frames, a product of two numbers, such as 200 or 256 (the preset's)" },
  loss: { type: 'string', choices: ['mse', 'l1'], help: "mean of squares or of absolute values (the preset's)" },
} as const satisfies CommandSpec['flags'];

/** The network that the flags make of `base`. Throws a `UserError` if they contradict each other, or a kernel has no middle. */
export function modelFrom(flags: FlagsOf<typeof networkFlags & typeof scheduleFlags>, base: DiffWaveConfig): DiffWaveConfig {
  const { kernelSize } = flags;
  if (kernelSize !== undefined && kernelSize % 2 === 0) throw new UserError(`--kernel-size must be an odd number, got ${kernelSize}`);
  const given = Object.entries(flags).filter(([name, value]) => name in networkFlags && value !== undefined);
  const scale = flags.scale === undefined ? base.scale : scaleFrom(flags.scale);
  return { ...base, ...Object.fromEntries(given), ...scheduleFrom(flags, base), scale };
}

function scaleFrom(text: string): DiffWaveConfig['scale'] {
  const scale = text === 'unit' ? text : Number(text.trim() || NaN);
  if (scale === 'unit' || (scale > 0 && scale < Infinity)) return scale;
  throw new UserError(`--scale must be a number above 0, or unit, got ${JSON.stringify(text)}`);
}

/** What a run's network would be as flags, for `refuseContradictions`. */
export function modelAsFlags(model: DiffWaveConfig, flags: Parameters<typeof scheduleAsFlags>[1] & { readonly scale?: string }): Readonly<Record<string, unknown>> {
  const names = Object.keys(networkFlags) as (keyof typeof networkFlags)[];
  const scale = flags.scale !== undefined && scaleFrom(flags.scale) === model.scale ? flags.scale : model.scale;
  return { ...Object.fromEntries(names.map((name) => [name, model[name]])), scale, ...scheduleAsFlags(model, flags) };
}

/** Without a default: what is not given is the preset's. */
export const trainingFlags = {
  batchSize: { type: 'integer', min: 1, help: "clips per update (the preset's)" },
  cropSamples: { type: 'integer', min: 1, help: "samples of each clip that an update sees (the preset's, or whole clips)" },
  learningRate: { type: 'number', above: 0, help: "of Adam (the preset's)" },
  warmupSteps: { type: 'integer', min: 0, help: 'updates in which the learning rate rises to its value (0)' },
  learningRateSchedule: { type: 'string', choices: ['constant', 'cosine', 'step'], help: 'what it does after that (constant)' },
  decaySteps: { type: 'integer', min: 1, help: 'cosine: updates until its end (--steps), with --resume a later one; step: updates between two drops' },
  decayFactor: { type: 'number', min: 0, below: 1, help: 'cosine: part of the rate at its end; step: factor of a drop (0.1)' },
  weightDecay: { type: 'number', min: 0, help: 'of AdamW, per update and learning rate (0: Adam)' },
  clipNorm: { type: 'number', above: 0, help: 'largest norm of the gradient; larger ones are scaled down (no limit)' },
  emaDecay: { type: 'number', min: 0, below: 1, help: "largest decay of the weights' running mean, which is sampled from; 0: none (0.9999)" },
  minSnr: { type: 'number', above: 0, help: 'γ of min-SNR loss weights, 5 in the paper (all weigh the same)' },
  timesteps: { type: 'string', choices: ['uniform', 'stratified'], help: 'how t is drawn; stratified makes a calmer loss curve (uniform)' },
  polarityFlip: { type: 'boolean', help: 'turn half of the crops upside down' },
  gainDb: { type: 'number', min: 0, help: 'make crops up to so many dB louder or quieter, within full scale (0)' },
  labelDropout: { type: 'number', min: 0, max: 1, help: '--labels: share of the items that the network is not told the label of, so that samples can be guided (0.1)' },
  precision: {
    type: 'string', choices: ['float32', 'mixed', 'matrix'],
    help: "mixed stores activations as f16; matrix multiplies in subgroup matrices as well, an experiment of WebGPU's (float32)",
  },
  seed: { type: 'integer', min: 0, help: 'of weights, order, crops and noise (0)' },
  parts: { type: 'integer', min: 1, help: 'parts of a batch whose gradients are added in a fixed order: the same bits on any number of processes (one a clip where there are several)' },
} as const satisfies CommandSpec['flags'];

type FlagsOf<F extends CommandSpec['flags']> = Parsed<{ name: string; summary: string; flags: F }>['flags'];

/** The training that flags and file ask for. Throws a `UserError` if a schedule lacks its length. */
export function trainingFrom(flags: FlagsOf<typeof trainingFlags>, { preset, file = {}, clipSamples, hopSamples = 1, steps, ranks = 1 }: {
  preset: Preset; file?: Partial<TrainingConfig>; clipSamples: number; hopSamples?: number; steps: number; ranks?: number;
}): TrainingConfig {
  const { cropSamples } = preset.training;
  if (clipSamples < hopSamples) throw new UserError(`clips of ${clipSamples} samples are shorter than the hop of the spectrograms, ${hopSamples}: use longer clips`);
  // A switch that is not there is false, which is no wish to switch off what the file switches on.
  const given = Object.entries(flags).filter(([name, value]) => name in trainingFlags && value !== undefined && value !== false);
  const training: TrainingConfig = {
    ...preset.training,
    // The preset's crop is a wish: clips of a small data set may be shorter. What the user asks for is an order.
    cropSamples: cropSamples === null ? null : Math.floor(Math.min(cropSamples, clipSamples) / hopSamples) * hopSamples,
    ...file,
    ...Object.fromEntries(given),
  };
  if (training.learningRateSchedule === 'step' && training.decaySteps === null) {
    throw new UserError('--learning-rate-schedule step needs --decay-steps: the updates between two drops');
  }
  const shared = sharedBy(ranks, training);
  if (shared.parts !== null && shared.batchSize % shared.parts !== 0) {
    throw new UserError(`--batch-size ${shared.batchSize} must be a multiple of --parts ${shared.parts}: parts are of one size`);
  }
  if (shared.learningRateSchedule !== 'cosine' || shared.decaySteps !== null) return shared;
  // A warm-up that was asked for is an order, one of the preset a wish.
  const isOrdered = flags.warmupSteps !== undefined || file.warmupSteps !== undefined;
  return isOrdered ? { ...shared, decaySteps: steps } : trainingOver(steps, shared);
}

/** The training as so many ranks can share it: where nobody said how its batch is cut, a clip is a part. */
export function sharedBy(ranks: number, training: TrainingConfig): TrainingConfig {
  return ranks > 1 && training.parts === null ? { ...training, parts: training.batchSize } : training;
}

/** What was fixed when a run began cannot be given another value now: throws a `UserError` that names the flag. */
export function refuseContradictions(
  { path, fixed, flags, given }: {
    path: string; fixed: Readonly<Record<string, unknown>>; flags: Readonly<Record<string, unknown>>; given: ReadonlySet<string>;
  },
): void {
  for (const [name, value] of Object.entries(fixed)) {
    if (!given.has(name) || flags[name] === value) continue;
    const has = value ?? (name === 'cropSamples' ? 'whole clips' : 'none');
    const said = typeof flags[name] === 'boolean' ? typed(name) : `${typed(name)} ${flags[name]}`;
    throw new UserError(`${said} contradicts the run in ${path}, which has ${has}: leave it out, or choose another --out`);
  }
}
