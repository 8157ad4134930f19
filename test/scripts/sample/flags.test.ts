/** From the flags of `sample` to what the library is asked for, and what is refused. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { unshaped } from '../../../src/audio/shaping.ts';
import { parse } from '../../../scripts/lib/cli/flags.ts';
import type { Sound } from '../../../scripts/lib/sample/input.ts';
import type { SamplingTask } from '../../../scripts/lib/sample/flags.ts';
import { samplingFlags, taskOf } from '../../../scripts/lib/sample/flags.ts';
import type { Journey } from '../../../src/diffwave/sampling/moves.ts';
import { chooseSampler } from '../../../src/diffwave/sampling/samplers/choose.ts';
import { scheduleOf } from '../../../src/diffwave/schedule/schedule.ts';
import { UserError } from '../../../src/errors.ts';
import { noise } from '../../audio/helpers.ts';
import { classic } from '../../diffwave/classic.ts';

const test = suite('flags of sampling');

const config = classic.model; // 7,350 Hz, T = 50
const SOUNDS: Record<string, Float32Array<ArrayBuffer>> = {
  'a.wav': new Float32Array(14_700).fill(0.5), // two seconds
  'b.wav': new Float32Array(9000).fill(-0.25),
  'noise.wav': Float32Array.from(noise(9000), (value) => value / 2),
};

const load = (path: string): Sound =>
  ({ samples: SOUNDS[path]!, sourceRate: 22_050, warnings: [], restore: (audio) => audio });

function ask(words: string): SamplingTask {
  const { flags } = parse({ name: 'sample', summary: '', flags: samplingFlags }, words.split(' ').filter(Boolean));
  return taskOf(flags, { config, load });
}

function journeyOf({ options }: SamplingTask): Journey {
  const schedule = scheduleOf(config);
  return options.verb!({ schedule, levels: chooseSampler(options, schedule).levels, shaping: unshaped });
}

/** The network's t, from the start to the end. */
const stepsOf = (task: SamplingTask): number[] =>
  journeyOf(task).moves.flatMap((move) => (move.kind === 'denoise' ? [move.from.t] : []));

test('nothing said: five seconds through all steps, ancestral', () => {
  const task = ask('');
  assert.equal([task.name, task.L, task.sound, task.options.sampler], ['sample', 36_750, undefined, undefined]);
  assert.is(stepsOf(task).length, 50);
  assert.equal([ask('--seconds 0.5').L, ask('--length 77').L], [3675, 77]);
});

test('samplers and their options', () => {
  const { options } = ask('--sampler ddim --steps 10 --spacing log-snr --eta 0.5 --clamp --loop --tile-samples 512');
  const { sampler, steps, spacing, eta, clamp, loop, tileSamples } = options;
  assert.equal([sampler, steps, spacing, eta, clamp, loop, tileSamples], ['ddim', 10, 'log-snr', 0.5, 1, true, 512]);
  assert.is(stepsOf(ask('--sampler fast')).length, 6);
  assert.is(stepsOf(ask('--sampler fast --betas 0.001 0.1 0.3')).length, 3);
});

test('each verb is its journey', () => {
  const varied = ask('--variation-of a.wav --strength 0.4');
  assert.equal([varied.name, varied.L, stepsOf(varied)[0]], ['variation', 14_700, 19]);

  const mixed = ask('--between a.wav b.wav --mix 0.25 --strength 1');
  const { start } = journeyOf(mixed);
  assert.equal([mixed.L, stepsOf(mixed)[0]], [9000, 49]);
  assert.is(start !== 'noise' && start.audio[8999], 0.75 * 0.5 + 0.25 * -0.25);

  const continued = ask('--continue a.wav --seconds 1 --resamplings 1');
  assert.equal([continued.L, journeyOf(continued).known!.gap], [22_050, [14_700, 22_050]]);

  const repaired = ask('--inpaint a.wav --from 0.5 --to 1.5 --resamplings 2 --jump 10 --sampler ddim --steps 20');
  assert.equal(journeyOf(repaired).known!.gap, [3675, 11_025]);
  assert.is(stepsOf(repaired).length, 30); // the first ten twice, the last ten once
  assert.is(journeyOf(ask('--inpaint a.wav --from 0 --to 2')).known!.gap[1], 14_700);

  const denoised = ask('--denoise a.wav --strength 0.2');
  assert.equal([denoised.options.sampler, stepsOf(denoised)[0], denoised.note], ['ddim', 9, undefined]);
  assert.match(ask('--denoise noise.wav').note!, /white noise in the sound: RMS about 0\.[23]/);
});

test('what contradicts itself is refused in one line', () => {
  const refused: [words: string, pattern: RegExp][] = [
    ['--seconds 1 --length 5', /--seconds and --length say the same thing twice/],
    ['--variation-of a.wav --denoise b.wav', /--variation-of and --denoise are different things to do/],
    ['--strength 0.5', /--strength has a meaning only with --variation-of or --between or --denoise/],
    ['--inpaint a.wav --from 0 --to 1 --mix 0.5', /--mix has a meaning only with --between/],
    ['--variation-of a.wav --seconds 2', /--seconds has no meaning with --variation-of: the result is as long as the sound/],
    ['--continue a.wav --from 1', /--from has a meaning only with --inpaint/],
    ['--between a.wav', /--between takes two sounds, got 1/],
    ['--inpaint a.wav --from 1', /--inpaint needs --from and --to/],
    ['--inpaint a.wav --from 1 --to 1', /--from 1 is not before --to 1/],
    ['--inpaint a.wav --from 1 --to 3', /--to 3 lies behind the end of a.wav, which has 2.000 s/],
    ['--sampler dpm\+\+ --eta 0.5', /'eta' has no meaning for the sampler dpm\+\+/],
    ['--sampler fast --steps 6', /'steps' has no meaning for the sampler fast/],
    ['--steps 51', /wanted 1 to 50 steps/],
    ['--sampler fast --betas 0.1 x', /--betas must be numbers above 0 and below 1, got 'x'/],
    ['--sampler fast --betas 0.1 0.9999', /the network was trained from/],
    ['--sampler ddim --resamplings 3', /--resamplings has a meaning only with --continue or --inpaint/],
  ];
  for (const [words, pattern] of refused) {
    assert.throws(() => ask(words.replaceAll('\\', '')), (error: Error) => error instanceof UserError && pattern.test(error.message), words);
  }
});

test.run();
