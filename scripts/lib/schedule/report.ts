/** What the schedule doctor says, in words. */
import type { DiffWaveConfig } from '../../../src/diffwave/model/config.ts';
import { receptiveField } from '../../../src/diffwave/model/shapes.ts';
import type { DataDiagnosis, Diagnosis } from '../../../src/diffwave/schedule/doctor.ts';
import { diagnose, errorGain, sampledLevels, smallest, startKeeps, verdictDecibels } from '../../../src/diffwave/schedule/doctor.ts';
import type { Variance } from '../../../src/diffwave/schedule/schedule.ts';
import { scheduleOf } from '../../../src/diffwave/schedule/schedule.ts';
import type { ScheduleConfig } from '../../../src/diffwave/schedule/config.ts';
import { typedCommand } from '../cli/invocation.ts';

/** From here on a start from N(0, 1) is called as good as any: half a dB at the verdict's bin. */
const enough = 0.95;

/** A quiet bin that comes out so many dB too loud is heard as hiss. */
const hissDecibels = 2;

/** A step that multiplies an error by more than this is warned of; those of the presets stay below 1, cosine ones reach 32. */
const mostGain = 2;

/** Remedies are looked for among these. */
const stepsTried = Array.from({ length: 1000 }, (_, i) => 10 * (i + 1));
const betaEndsTried = Array.from({ length: 99 }, (_, i) => (i + 1) / 100);

/** 'linear β from 0.0001 to 0.02, T = 200, predicting ε'. */
export function scheduleName(config: ScheduleConfig): string {
  const { schedule, betaStart, betaEnd, diffusionSteps, zeroTerminalSnr, prediction } = config;
  const ends = `β from ${betaStart} to ${betaEnd}`;
  const shape = {
    linear: `linear ${ends}`,
    'scaled-linear': `linear ${ends}, times 1000/T`,
    cosine: 'cosine',
    list: 'list of β',
  }[schedule];
  return `${shape}, T = ${diffusionSteps}${zeroTerminalSnr ? ', zero terminal SNR' : ''}, predicting ${prediction === 'v' ? 'v' : 'ε'}`;
}

/** The line that training prints. */
export function scheduleLine(config: ScheduleConfig): string {
  const diagnosis = diagnose(scheduleOf(config), 'beta');
  const finding = startKeeps(diagnosis) >= enough
    ? `x_T is as good as noise (${snr(diagnosis)}), a bin ${verdictDecibels} dB over it comes out at ${diagnosis.verdict.noise.toFixed(2)} of its level`
    : `x_T still has ${percent(diagnosis.alphaBar)} of the signal's power, so that a bin ${verdictDecibels} dB over the noise ` +
      `comes out at ${diagnosis.verdict.noise.toFixed(2)} of its level: ${typedCommand('schedule').replace(/ --$/, '')} says what helps`;
  const gain = errorGain(scheduleOf(config), config.prediction);
  const warning = gain > mostGain ? `; a step of sampling multiplies errors of ε by ${gain.toFixed(0)}: use --prediction v` : '';
  return `schedule  ${scheduleName(config)}: ${finding}${warning}`;
}

/** All that `npm run schedule` prints about a model, but for its data. */
export function scheduleReport(model: DiffWaveConfig, variance: Variance): string {
  const diagnosis = diagnose(scheduleOf(model), variance);
  const sees = receptiveField(model);
  return [
    `schedule  ${scheduleName(model)}`,
    `x_T       ᾱ_T = ${Number(diagnosis.alphaBar.toPrecision(3))}: ${percent(diagnosis.alphaBar)} of the signal's power, ${snr(diagnosis)}`,
    `sees      ${sees} samples (${(sees / model.sampleRate).toFixed(2)} s at ${model.sampleRate} Hz)`,
    '',
    'Level at which ideal ancestral sampling returns a spectral bin, by its power over that of the noise: 1.000 is right.',
    'From N(0, 1), as sampling starts, and from the true x_T, where only the size of the steps costs something.',
    '',
    levelTable(diagnosis),
    '',
    ...advice(model, { diagnosis, variance }),
  ].join('\n');
}

/** Where both are asked for. */
export const minSnrLine =
  'min-SNR weights are 0 where there is no signal: the last step, with which sampling begins, is not trained itself.';

/** A line about the data. */
export function dataLine({ mean, loudest, loudestOfClip, level, kept }: DataDiagnosis): string {
  return (
    `data      mean power ${mean.toFixed(1)} dB over the noise, loudest bin of the mean spectrum ${loudest.toFixed(1)} dB, ` +
    `of a single clip ${loudestOfClip.toFixed(1)} dB:\n` +
    `          that one comes out at ${level.toFixed(2)} of its level; of all power, ${percent(kept)} come out`
  );
}

function levelTable({ bins }: Diagnosis): string {
  const rows = bins.map(({ decibels, noise, true: level }) => [`${decibels} dB`, noise.toFixed(3), level.toFixed(3)]);
  const table = [['bin', 'from N(0, 1)', 'true x_T'], ...rows];
  return table.map((row) => `  ${row.map((cell, i) => cell.padStart([7, 14, 10][i]!)).join('')}`).join('\n');
}

function advice(config: ScheduleConfig, { diagnosis, variance }: { diagnosis: Diagnosis; variance: Variance }): string[] {
  return [
    ...adviceOnStart(config, { diagnosis, variance }), ...adviceOnSteps(diagnosis),
    ...adviceOnHiss({ config, diagnosis, variance }), ...adviceOnErrors(config),
  ];
}

function adviceOnStart(config: ScheduleConfig, { diagnosis, variance }: { diagnosis: Diagnosis; variance: Variance }): string[] {
  const bin = `a bin ${verdictDecibels} dB over the noise comes out at ${diagnosis.verdict.noise.toFixed(2)} of its level`;
  if (startKeeps(diagnosis) >= enough) return [`x_T is as good as noise alone, so that nothing is lost at the start: ${bin}.`];
  const change = (fields: Partial<ScheduleConfig>): Diagnosis | undefined => {
    try {
      return diagnose(scheduleOf({ ...config, ...fields }), variance);
    } catch {
      return undefined; // such a schedule cannot be
    }
  };
  const helps = (fields: Partial<ScheduleConfig>): boolean => startKeeps(change(fields) ?? diagnosis) >= enough;
  const now = (fields: Partial<ScheduleConfig>): string => `the same bin at ${change(fields)!.verdict.noise.toFixed(2)}`;
  const { diffusionSteps: T, betaEnd } = config;
  const isLinear = config.schedule === 'linear' || config.schedule === 'scaled-linear';
  const steps = isLinear ? smallest(stepsTried.filter((n) => n > T), (diffusionSteps) => helps({ diffusionSteps })) : undefined;
  const end = isLinear ? smallest(betaEndsTried.filter((beta) => beta > betaEnd), (beta) => helps({ betaEnd: beta })) : undefined;
  const cosine = { schedule: 'cosine', betas: null, prediction: 'v' } as const;
  const zero = { zeroTerminalSnr: true, prediction: 'v' } as const;
  return [
    `Sampling starts from N(0, 1), but x_T should still have ${percent(diagnosis.alphaBar)} of the signal's power: ${bin}. What helps:`,
    '  a network that is trained already   sample --start shaped: as far as the bin is as loud in the data\'s mean spectrum',
    ...(steps === undefined ? [] : [`  more steps                          train --diffusion-steps ${steps}: ${now({ diffusionSteps: steps })}`]),
    ...(end === undefined ? [] : [`  more noise in each                  train --beta-end ${end}: ${now({ betaEnd: end })}`]),
    ...(helps(cosine) ? [`  another schedule                    train --beta-schedule cosine --prediction v: ${now(cosine)}`] : []),
    ...(helps(zero) ? [`  no signal at the end                train --zero-terminal-snr --prediction v: ${now(zero)}`] : []),
  ];
}

function adviceOnSteps({ verdict }: Diagnosis): string[] {
  if (verdict.true >= enough) return [];
  return [`Of that, the size of the steps costs a part: from the true x_T it would be ${verdict.true.toFixed(2)}; more steps (train --diffusion-steps) mend that.`];
}

function adviceOnHiss({ config, diagnosis, variance }: { config: ScheduleConfig; diagnosis: Diagnosis; variance: Variance }): string[] {
  const quiet = diagnosis.bins.filter(({ decibels }) => decibels < 0);
  const worst = quiet.reduce((a, b) => (b.true > a.true ? b : a));
  const excess = 20 * Math.log10(worst.true);
  if (excess < hissDecibels) return [];
  const said = `A bin ${-worst.decibels} dB under the noise comes out ${excess.toFixed(1)} dB too loud, as hiss`;
  if (variance === 'posterior') return [`${said}: more steps mend that.`];
  const [calmer] = sampledLevels({ schedule: scheduleOf(config), variance: 'posterior', start: 'true', decibels: [worst.decibels] });
  return [`${said}: with sample --variance posterior it is ${signed(20 * Math.log10(calmer!))} dB, of a network as good as that (others crackle with it); more steps bring both nearer to 0.`];
}

function adviceOnErrors(config: ScheduleConfig): string[] {
  const schedule = scheduleOf(config);
  const [gain, ofV] = [errorGain(schedule, config.prediction), errorGain(schedule, 'v')];
  if (gain <= mostGain) return [];
  return [
    `All this is what an ideal network does. Errors of a trained one in ε are multiplied by ${gain.toFixed(0)} in a single step of sampling,`,
    `where there is hardly any signal to be told from the noise; those of v by ${Number(ofV.toPrecision(1))} at most: train --prediction v.`,
  ];
}

const percent = (part: number): string => `${part > 0 && part < 0.001 ? '< 0.1' : Number((100 * part).toPrecision(2))} %`;

const signed = (value: number): string => `${value < 0 ? '' : '+'}${value.toFixed(1)}`;

const snr = ({ snrDecibels }: Diagnosis): string => (Number.isFinite(snrDecibels) ? `SNR ${snrDecibels.toFixed(1)} dB` : 'no signal at all');
