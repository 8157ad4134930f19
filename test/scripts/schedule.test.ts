import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { scheduleFlags, scheduleFrom } from '../../scripts/lib/schedule/flags.ts';
import { scheduleLine, scheduleReport } from '../../scripts/lib/schedule/report.ts';
import { parse } from '../../scripts/lib/cli/flags.ts';
import { PRESETS } from '../../src/diffwave/presets.ts';
import type { DiffWaveConfig } from '../../src/diffwave/model/config.ts';
import { RunFolder } from '../../src/diffwave/files/run.node.ts';
import { UserError } from '../../src/errors.ts';
import { sine, temporaryFolder } from '../audio/helpers.ts';
import { refuses, succeeds } from './program.ts';

const test = suite('npm run schedule');

const { gtzan, tiny } = PRESETS;

/** The schedule that these words on the command line make of a model. */
function typed(words: string, base: DiffWaveConfig = gtzan.model) {
  const { flags } = parse({ name: 'schedule', summary: '', flags: scheduleFlags }, words.split(' ').filter(Boolean));
  const { schedule, diffusionSteps, betaStart, betaEnd, betas, zeroTerminalSnr, prediction } = scheduleFrom(flags, base);
  return [schedule, diffusionSteps, betaStart, betaEnd, betas, zeroTerminalSnr, prediction];
}

test('the doctor on the paper\'s schedule: 0.63, and what helps', async () => {
  const stdout = await succeeds('schedule', ['--preset', 'gtzan']);
  assert.is(stdout, `${scheduleReport(gtzan.model, 'beta')}\n`);
  assert.match(stdout, /^schedule  linear β from 0.0001 to 0.02, T = 200, predicting ε$/m);
  assert.match(stdout, /^x_T       ᾱ_T = 0.132: 13 % of the signal's power, SNR -8.2 dB$/m);
  assert.match(stdout, /^sees      2047 samples \(0.28 s at 7350 Hz\)$/m);
  assert.match(stdout, /^ +14 dB +0.628 +0.999$/m);
  assert.match(stdout, 'a bin 14 dB over the noise comes out at 0.63 of its level. What helps:');
  for (const words of ['sample --start shaped', 'train --beta-schedule cosine --prediction v', 'train --zero-terminal-snr --prediction v']) assert.match(stdout, words);
});

test('what it advises does help', () => {
  const text = scheduleReport(gtzan.model, 'beta');
  const advised = [...text.matchAll(/ train (--[^:]+): the same bin at (\S+)/g)];
  assert.is(advised.length, 4);
  for (const [, flags, level] of advised) {
    assert.ok(Number(level) > 0.9, flags);
    const { flags: parsed } = parse({ name: 'schedule', summary: '', flags: scheduleFlags }, flags!.split(' '));
    const after = scheduleReport({ ...gtzan.model, ...scheduleFrom(parsed, gtzan.model) }, 'beta');
    assert.match(after, `nothing is lost at the start: a bin 14 dB over the noise comes out at ${level} of its level`);
  }
});

test('hiss of large steps, and steps that are too large', () => {
  assert.match(scheduleReport(tiny.model, 'beta'), /^A bin 40 dB under the noise comes out 10.2 dB too loud, as hiss: with sample --variance posterior it is -5.7 dB/m);
  assert.not.match(scheduleReport(tiny.model, 'posterior'), 'hiss');
  assert.match(scheduleReport({ ...gtzan.model, diffusionSteps: 15, schedule: 'scaled-linear' }, 'beta'), 'from the true x_T it would be 0.81; more steps');
  assert.not.match(scheduleReport(gtzan.model, 'beta'), 'hiss');
});

test('ε where hardly any signal is left is warned of', () => {
  const cosine = { ...gtzan.model, schedule: 'cosine' } as const;
  assert.match(scheduleReport(cosine, 'beta'), 'in ε are multiplied by 32 in a single step of sampling');
  assert.match(scheduleLine(cosine), /; a step of sampling multiplies errors of ε by 32: use --prediction v$/);
  for (const model of [gtzan.model, tiny.model, { ...cosine, prediction: 'v' as const }]) {
    assert.not.match(scheduleReport(model, 'beta') + scheduleLine(model), 'multiplie');
  }
});

test('training says it in one line', () => {
  assert.is(scheduleLine(gtzan.model),
    "schedule  linear β from 0.0001 to 0.02, T = 200, predicting ε: x_T still has 13 % of the signal's power, " +
    'so that a bin 14 dB over the noise comes out at 0.63 of its level: npm run schedule says what helps');
  assert.is(scheduleLine(tiny.model),
    'schedule  linear β from 0.0001 to 0.2, T = 50, predicting ε: x_T is as good as noise (SNR -23.3 dB), ' +
    'a bin 14 dB over it comes out at 0.96 of its level');
});

test('every flag has its field', () => {
  assert.equal(typed(''), ['linear', 200, 1e-4, 0.02, null, false, 'epsilon']);
  assert.equal(typed('--diffusion-steps 50 --beta-start 0.01 --beta-end 0.3'), ['linear', 50, 0.01, 0.3, null, false, 'epsilon']);
  assert.equal(typed('--beta-schedule cosine --prediction v', tiny.model), ['cosine', 50, 1e-4, 0.2, null, false, 'v']);
  // The preset's ends are meant for its own T; those of scaled-linear are meant for T = 1000.
  assert.equal(typed('--beta-schedule scaled-linear', tiny.model), ['scaled-linear', 50, 1e-4, 0.02, null, false, 'epsilon']);
  assert.equal(typed('--zero-terminal-snr --prediction v'), ['linear', 200, 1e-4, 0.02, null, true, 'v']);
  assert.equal(typed('--betas 0.1,.2,3e-1'), ['list', 3, 1e-4, 0.02, [0.1, 0.2, 0.3], false, 'epsilon']);
  const file = join(temporaryFolder({ 'b.json': '[0.5, 0.25]' }), 'b.json');
  assert.equal(typed(`--betas ${file}`).slice(0, 5), ['list', 2, 1e-4, 0.02, [0.5, 0.25]]);
  const listed: DiffWaveConfig = { ...gtzan.model, schedule: 'list', betas: [0.1, 0.2], diffusionSteps: 2 };
  assert.equal(typed('', listed).slice(0, 5), ['list', 2, 1e-4, 0.02, [0.1, 0.2]]);
  assert.equal(typed('--beta-schedule linear', listed).slice(0, 5), ['linear', 2, 1e-4, 0.02, null]);
});

test('flags that contradict each other are refused', () => {
  const folder = temporaryFolder({ 'object.json': '{"betas": [0.1]}', 'empty.json': '[]', 'text.json': '[0.1, "0.2"]' });
  const listed: DiffWaveConfig = { ...gtzan.model, schedule: 'list', betas: [0.1, 0.2], diffusionSteps: 2 };
  for (const [words, pattern, base] of [
    ['--zero-terminal-snr', /^--zero-terminal-snr needs --prediction v: /],
    ['--zero-terminal-snr --prediction epsilon', /^--zero-terminal-snr needs --prediction v: /],
    ['--zero-terminal-snr --prediction v --diffusion-steps 1', /cannot be stretched to zero terminal SNR/],
    ['--beta-start 0.5', /^--beta-start 0.5 must not be above --beta-end 0.02$/],
    ['--beta-schedule cosine --beta-end 0.1', /^a cosine schedule has no ends: leave out --beta-end/],
    ['--betas 0.1,0.2 --beta-schedule cosine', /^--betas says every β: leave out --beta-schedule$/],
    ['--betas 0.1,0.2 --beta-end 0.2', /^--betas says every β: leave out --beta-end$/],
    ['--betas 0.1,0.2 --diffusion-steps 3', /^--betas has 2 numbers, but --diffusion-steps is 3/],
    ['--betas 0.1,1', /^--betas: number 2 must be above 0 and below 1, got '1'$/],
    ['--betas 0.1,,0.2', /^--betas: number 2 must be above 0 and below 1, got ''$/],
    ['--betas nowhere.json', /^nowhere.json: there is no such file/],
    [`--betas ${join(folder, 'object.json')}`, /object.json: wanted a list of numbers$/],
    [`--betas ${join(folder, 'empty.json')}`, /empty.json: wanted a list of numbers$/],
    [`--betas ${join(folder, 'text.json')}`, /text.json: number 2 must be above 0 and below 1, got '"0.2"'$/],
    ['--diffusion-steps 5', /^the schedule is a list of 2 β: --diffusion-steps 5 needs another --betas or --beta-schedule$/, listed],
  ] as const) {
    assert.throws(() => typed(words, base), (error: Error) => error instanceof UserError && pattern.test(error.message), words);
  }
});

test('the schedule of a run, what would be if, and its data', async () => {
  const folder = join(temporaryFolder(), 'run');
  const model: DiffWaveConfig = { ...tiny.model, schedule: 'cosine', zeroTerminalSnr: true, prediction: 'v' };
  RunFolder.create(folder, { preset: 'tiny', model, training: { ...tiny.training, minSnr: 5 }, data: 'music' });
  const stdout = await succeeds('schedule', ['--run', folder]);
  assert.match(stdout, /^schedule  cosine, T = 50, zero terminal SNR, predicting v$/m);
  assert.match(stdout, /^x_T       ᾱ_T = 0: 0 % of the signal's power, no signal at all$/m);
  assert.match(stdout, /^min-SNR weights are 0 where there is no signal/m);

  const music = temporaryFolder({ 'a.wav': sine({ hertz: 440, sampleRate: 22050, samples: 22050 }) });
  const what = await succeeds('schedule', ['--run', folder, '--diffusion-steps', '20', '--data', music]);
  assert.match(what, /^schedule  cosine, T = 20, /m);
  assert.match(what, /^data      mean power -\d+\.\d dB over the noise, loudest bin of the mean spectrum -?\d+\.\d dB, of a single clip /m);
});

test('a file says of the network what flags do not', async () => {
  const file = join(temporaryFolder({ 'c.json': '{"preset": "tiny", "model": {"layers": 4, "diffusionSteps": 30, "schedule": "cosine"}}' }), 'c.json');
  const stdout = await succeeds('schedule', ['--config', file, '--diffusion-steps', '20']);
  assert.match(stdout, /^schedule  cosine, T = 20, predicting ε$/m);
  assert.match(stdout, /^sees      31 samples /m); // 1 + 2·(1 + 2 + 4 + 8)
});

test('what cannot work is refused in one line', async () => {
  await Promise.all([
    refuses('schedule', ['--run', 'nowhere'], ['nowhere', 'no such folder']),
    refuses('schedule', ['--run', 'nowhere', '--preset', 'tiny'], ['leave out --preset']),
    refuses('schedule', ['--run', 'nowhere', '--config', 'c.json'], ['leave out --config']),
    refuses('schedule', ['--preset', 'jazz'], ['There is no preset "jazz"']),
    refuses('schedule', ['--beta-schedule', 'sigmoid'], ['--beta-schedule must be linear or cosine or scaled-linear']),
    refuses('schedule', ['--diffusion-steps', '0'], ['--diffusion-steps must be at least 1']),
    refuses('schedule', ['--zero-terminal-snr'], ['--zero-terminal-snr needs --prediction v']),
  ]);
});

test.run();
