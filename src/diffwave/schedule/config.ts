/** The fields of a model's configuration that say how noise is added and what the network predicts of it. */
import { UserError } from '../../errors.ts';
import type { Prediction } from '../../ops/diffuse.ts';
import type { Rule } from '../rules.ts';
import { COUNT, FRACTION, oneOf } from '../rules.ts';

export interface ScheduleConfig {
  readonly diffusionSteps: number; // T
  readonly schedule: 'linear' | 'cosine' | 'scaled-linear' | 'list'; // of β over t, see betas.ts
  readonly betaStart: number; // linear: β of the first step; scaled-linear: what it is at T = 1000
  readonly betaEnd: number; // the same of the last step
  readonly betas: readonly number[] | null; // list: β of every step, so T of them
  readonly zeroTerminalSnr: boolean; // the schedule is stretched until x_T is noise alone (Lin et al. 2024)
  readonly prediction: Prediction; // ε or v
}

/** What models were like before there was a choice: a configuration that lacks these fields means this. */
export const SCHEDULE_BEFORE_CHOICE = {
  schedule: 'linear',
  betas: null,
  zeroTerminalSnr: false,
  prediction: 'epsilon',
} as const satisfies Partial<ScheduleConfig>;

const BETAS: Rule = {
  accepts: (value) => value === null || (Array.isArray(value) && value.length > 0 && value.every(FRACTION.accepts)),
  wanted: 'null or a list of numbers between 0 and 1',
};

export const SCHEDULE_RULES: Record<keyof ScheduleConfig, Rule> = {
  diffusionSteps: COUNT,
  schedule: oneOf('linear', 'cosine', 'scaled-linear', 'list'),
  betaStart: FRACTION,
  betaEnd: FRACTION,
  betas: BETAS,
  zeroTerminalSnr: { accepts: (value) => typeof value === 'boolean', wanted: 'true or false' },
  prediction: oneOf('epsilon', 'v'),
};

/** What fields that are right one by one must be together. Throws a `UserError`; `where` is the file or flags. */
export function validateSchedule(config: ScheduleConfig, where: string): void {
  const fail = (what: string): never => {
    throw new UserError(`${where}: ${what}.`);
  };
  const { diffusionSteps, schedule, betaStart, betaEnd, betas, zeroTerminalSnr, prediction } = config;
  if (betaStart > betaEnd) fail(`betaStart ${betaStart} must not be above betaEnd ${betaEnd}`);
  if ((schedule === 'list') !== (betas !== null)) fail('betas and the schedule "list" go together: give both or neither');
  if (betas !== null && betas.length !== diffusionSteps) {
    fail(`betas has ${betas.length} numbers, but diffusionSteps is ${diffusionSteps}: they must be as many`);
  }
  if (!zeroTerminalSnr) return;
  if (prediction !== 'v') {
    fail('zeroTerminalSnr needs the prediction "v": where x_T is noise alone, to predict ε says nothing about x_0');
  }
  if (diffusionSteps < 2) fail('zeroTerminalSnr needs two diffusion steps at least');
}
