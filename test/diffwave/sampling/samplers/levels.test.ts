/** Which levels are visited, and what of a choice is refused. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PRESETS } from '../../../../src/diffwave/presets.ts';
import type { SamplerOptions } from '../../../../src/diffwave/sampling/samplers/choose.ts';
import { chooseSampler } from '../../../../src/diffwave/sampling/samplers/choose.ts';
import { fastBetas, levelAt, levelsFromBetas, levelsOf } from '../../../../src/diffwave/sampling/samplers/levels.ts';
import type { Level } from '../../../../src/diffwave/schedule/level.ts';
import { noiseSchedule } from '../../../../src/diffwave/schedule/schedule.ts';
import { UserError } from '../../../../src/errors.ts';
import { alignBetas } from '../../../../src/reference/samplers.ts';
import { assertClose } from '../../../close.ts';
import { classic } from '../../classic.ts';

const test = suite('levels');

const gtzan = noiseSchedule({ steps: 200 });
const tiny = noiseSchedule({ steps: 50, betaEnd: 0.2 });
const spacings = ['time', 'log-snr'] as const;
const logSnr = ({ alphaBar }: Level): number => Math.log(alphaBar / (1 - alphaBar));
const isUserError = (pattern: RegExp) => (error: Error) => error instanceof UserError && pattern.test(error.message);

test('all T steps are all levels, in order, with the schedule\'s ᾱ', () => {
  for (const schedule of [gtzan, tiny]) {
    for (const spacing of spacings) {
      const levels = levelsOf(schedule, { steps: schedule.steps, spacing });
      assert.equal(levels.map(({ t }) => t), [...schedule.beta.keys()]);
      assert.equal(levels.map(({ alphaBar }) => alphaBar), [...schedule.alphaBar]);
    }
  }
});

test('a sub-sequence rises strictly and has both ends', () => {
  for (const schedule of [gtzan, tiny]) {
    for (const spacing of spacings) {
      for (let steps = 2; steps <= schedule.steps; steps++) {
        const t = levelsOf(schedule, { steps, spacing }).map((level) => level.t);
        assert.equal([t.length, t[0], t.at(-1)], [steps, 0, schedule.steps - 1], `${spacing}, ${steps} steps`);
        assert.ok(t.every((place, i) => i === 0 || place > t[i - 1]!), `${spacing}, ${steps} steps`);
      }
      assert.equal(levelsOf(schedule, { steps: 1, spacing }).map(({ t }) => t), [schedule.steps - 1]);
    }
  }
});

test('evenly in time: distances differ by rounding alone; evenly in log-SNR: to the nearest level', () => {
  assert.equal(levelsOf(gtzan, { steps: 5 }).map(({ t }) => t), [0, 50, 100, 149, 199]);
  const steps = 7;
  const levels = levelsOf(gtzan, { steps, spacing: 'log-snr' });
  const [first, last] = [logSnr(levels[0]!), logSnr(levels.at(-1)!)];
  levels.forEach((level, i) => {
    const target = first + (i / (steps - 1)) * (last - first);
    const distances = [...gtzan.alphaBar].map((alphaBar) => Math.abs(logSnr({ t: 0, alphaBar }) - target));
    assert.is(Math.abs(logSnr(level) - target), Math.min(...distances));
  });
});

test('a schedule that ends without any signal still has sub-sequences', () => {
  const zero = { ...gtzan, alphaBar: gtzan.alphaBar.map((value, t) => (t === 199 ? 0 : value)) };
  for (const steps of [2, 5, 200]) {
    const t = levelsOf(zero, { steps, spacing: 'log-snr' }).map((level) => level.t);
    assert.equal([t.length, t[0], t.at(-1)], [steps, 0, 199]);
  }
});

test('fast sampling is aligned as lmnt-com/diffwave aligns it', () => {
  for (const { betaStart, betaEnd, diffusionSteps: steps } of [PRESETS['diffwave-base'], classic].map(({ model }) => model)) {
    const schedule = noiseSchedule({ steps, betaStart, betaEnd });
    const levels = levelsFromBetas(schedule, fastBetas);
    const places = alignBetas(schedule.beta, fastBetas);
    assert.is(places.length, fastBetas.length);
    assertClose(levels.map(({ t }) => t), places, { atol: 1e-9, what: 'places' });
    let product = 1;
    const alphaBar = fastBetas.map((beta) => (product *= 1 - beta));
    assertClose(levels.map((level) => level.alphaBar), alphaBar, { rtol: 1e-12, what: 'ᾱ' });
  }
});

test('a list that leaves what was trained is refused, where theirs would be shorter', () => {
  const short = noiseSchedule({ steps: 50, betaEnd: 0.02 }); // ends at ᾱ = 0.6, the six steps at 0.38
  assert.is(alignBetas(short.beta, fastBetas).length, 5);
  assert.throws(() => levelsFromBetas(short, fastBetas), isUserError(/β 0.5 in place 6 of 6 the list's ᾱ is 0.3758.* down to 0.60/));
  assert.throws(() => levelsFromBetas(gtzan, [1e-6, 0.1]), isUserError(/place 1 of 2/));
  assert.throws(() => levelsFromBetas(gtzan, []), isUserError(/empty/));
  assert.throws(() => levelsFromBetas(gtzan, [0.1, 1]), isUserError(/below 1, got 1 in place 2/));
});

test('a level between two lies on the line in √ᾱ; a trained one is itself', () => {
  for (const t of [0, 1, 77, 199]) assertClose([levelAt(gtzan, gtzan.sqrtAlphaBar[t]!)!.t], [t], { atol: 1e-9, what: `t ${t}` });
  const between = 0.25 * gtzan.sqrtAlphaBar[8]! + 0.75 * gtzan.sqrtAlphaBar[9]!;
  assertClose([levelAt(gtzan, between)!.t], [8.75], { atol: 1e-9, what: 'between' });
  assert.is(levelAt(gtzan, 1), undefined);
  assert.is(levelAt(gtzan, 0.01), undefined);
});

test('what cannot be meant is refused', () => {
  const refuses = (options: SamplerOptions, pattern: RegExp) =>
    assert.throws(() => chooseSampler(options, gtzan), isUserError(pattern));
  refuses({ steps: 201 }, /wanted 1 to 200 steps.*, got 201/);
  refuses({ steps: 0 }, /got 0/);
  refuses({ sampler: 'dpm++', eta: 0 }, /'eta' has no meaning for the sampler dpm\+\+, only for ddim/);
  refuses({ sampler: 'ddim', variance: 'beta' }, /'variance' has no meaning for the sampler ddim/);
  refuses({ sampler: 'fast', steps: 6 }, /'steps' has no meaning for the sampler fast/);
  refuses({ betas: fastBetas }, /'betas' has no meaning for the sampler ddpm, only for fast/);
  refuses({ sampler: 'ddim', eta: 1.1 }, /eta must be from 0 to 1/);
});

test.run();
