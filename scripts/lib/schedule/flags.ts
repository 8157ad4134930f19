/** The flags of the noise schedule, which `train` and `schedule` share. The learning rate's is `--learning-rate-schedule`. */
import type { DiffWaveConfig } from '../../../src/diffwave/model/config.ts';
import { scheduleOf } from '../../../src/diffwave/schedule/schedule.ts';
import type { ScheduleConfig } from '../../../src/diffwave/schedule/config.ts';
import { UserError } from '../../../src/errors.ts';
import { parseJsonFile } from '../../../src/disk/files.node.ts';
import type { CommandSpec, Parsed } from '../cli/flags.ts';
import { typed } from '../cli/flags.ts';

/** Without a default: what is not given is the preset's. */
export const scheduleFlags = {
  diffusionSteps: { type: 'integer', min: 1, help: "T (the preset's)" },
  betaSchedule: {
    type: 'string', choices: ['linear', 'cosine', 'scaled-linear'],
    help: 'how β rises; scaled-linear multiplies its ends by 1000/T (linear)',
  },
  betaStart: { type: 'number', above: 0, below: 1, help: "β of the first step (the preset's, 1e-4; scaled-linear: at T = 1000)" },
  betaEnd: { type: 'number', above: 0, below: 1, help: "β of the last step (the preset's; scaled-linear: at T = 1000, 0.02)" },
  betas: { type: 'string', placeholder: '<list>', help: 'every β instead: numbers with commas between, or a JSON file; T is their number' },
  zeroTerminalSnr: { type: 'boolean', help: 'stretch the schedule until x_T is noise alone; needs --prediction v' },
  prediction: { type: 'string', choices: ['epsilon', 'v'], help: 'what the network predicts: ε, or v = √ᾱ·ε − √(1−ᾱ)·x_0 (epsilon)' },
} as const satisfies CommandSpec['flags'];

type ScheduleFlags = Parsed<{ name: string; summary: string; flags: typeof scheduleFlags }>['flags'];

/** Ends of a scaled-linear schedule, at T = 1000 (Nichol and Dhariwal 2021, after Ho et al. 2020). */
const scaledEnds = { betaStart: 1e-4, betaEnd: 0.02 };

/** The schedule that the flags make of `base`. Throws a `UserError` if they contradict each other, or make none. */
export function scheduleFrom(flags: ScheduleFlags, base: ScheduleConfig): ScheduleConfig {
  const config = combined(flags, base);
  scheduleOf(config);
  return config;
}

function combined(flags: ScheduleFlags, base: ScheduleConfig): ScheduleConfig {
  const prediction = flags.prediction ?? base.prediction;
  // Who asks for ε does not want what goes with the preset's v alone.
  const zeroTerminalSnr = flags.zeroTerminalSnr || (base.zeroTerminalSnr && flags.prediction !== 'epsilon');
  if (zeroTerminalSnr && prediction !== 'v') {
    throw new UserError('--zero-terminal-snr needs --prediction v: x_T is noise alone then, and to predict that noise says nothing about the sound');
  }
  const rest = { zeroTerminalSnr, prediction };
  if (flags.betas !== undefined) {
    for (const name of ['betaSchedule', 'betaStart', 'betaEnd'] as const) {
      if (flags[name] !== undefined) throw new UserError(`--betas says every β: leave out ${typed(name)}`);
    }
    const betas = readBetas(flags.betas);
    if (flags.diffusionSteps !== undefined && flags.diffusionSteps !== betas.length) {
      throw new UserError(`--betas has ${betas.length} numbers, but --diffusion-steps is ${flags.diffusionSteps}: leave it out`);
    }
    return { betaStart: base.betaStart, betaEnd: base.betaEnd, ...rest, schedule: 'list', betas, diffusionSteps: betas.length };
  }

  const schedule = flags.betaSchedule ?? base.schedule;
  if (schedule === 'cosine' || schedule === 'list') {
    for (const name of ['betaStart', 'betaEnd'] as const) {
      if (flags[name] !== undefined) throw new UserError(`a ${schedule} schedule has no ends: leave out ${typed(name)}, or give --beta-schedule linear`);
    }
  }
  const diffusionSteps = flags.diffusionSteps ?? base.diffusionSteps;
  if (schedule === 'list' && diffusionSteps !== base.diffusionSteps) {
    throw new UserError(`the schedule is a list of ${base.diffusionSteps} β: --diffusion-steps ${diffusionSteps} needs another --betas or --beta-schedule`);
  }
  const ends = schedule === 'scaled-linear' && base.schedule !== 'scaled-linear' ? scaledEnds : base;
  const [betaStart, betaEnd] = [flags.betaStart ?? ends.betaStart, flags.betaEnd ?? ends.betaEnd];
  if (betaStart > betaEnd) throw new UserError(`--beta-start ${betaStart} must not be above --beta-end ${betaEnd}`);
  return { ...rest, schedule, diffusionSteps, betaStart, betaEnd, betas: schedule === 'list' ? base.betas : null };
}

/** What a run's schedule would be as flags, for `refuseContradictions`. */
export function scheduleAsFlags(model: DiffWaveConfig, flags: Pick<ScheduleFlags, 'betas'>): Record<keyof ScheduleFlags, unknown> {
  const { diffusionSteps, schedule: betaSchedule, betaStart, betaEnd, zeroTerminalSnr, prediction } = model;
  // A list may be long, and may stand in a file: the same numbers are the same flag.
  const isSame = flags.betas !== undefined && readBetas(flags.betas).join() === model.betas?.join();
  const betas = isSame ? flags.betas : model.betas && `${model.betas.length} others`;
  return { diffusionSteps, betaSchedule, betaStart, betaEnd, betas, zeroTerminalSnr, prediction };
}

function readBetas(text: string): number[] {
  const isList = /^[\d.][\d.,eE+-]*$/.test(text);
  const values: unknown = isList ? text.split(',').map((number) => (number === '' ? NaN : Number(number))) : parseJsonFile<object>(text);
  const where = isList ? '--betas' : `--betas ${text}`;
  if (!Array.isArray(values) || values.length === 0) throw new UserError(`${where}: wanted a list of numbers`);
  const wrong = values.findIndex((value) => !(typeof value === 'number' && value > 0 && value < 1));
  if (wrong >= 0) {
    const came = isList ? text.split(',')[wrong] : JSON.stringify(values[wrong]);
    throw new UserError(`${where}: number ${wrong + 1} must be above 0 and below 1, got '${came}'`);
  }
  return values as number[];
}
