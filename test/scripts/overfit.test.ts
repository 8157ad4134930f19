/** npm run overfit: a network that was hardly trained fails, says why, and leaves what can be looked at and listened to. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { overfitModel, overfitTraining, recipeFor, stepsFor } from '../../scripts/lib/overfit/recipe.ts';
import { adviceLine, recognitionTable, verdictLine } from '../../scripts/lib/overfit/report.ts';
import { receptiveField } from '../../src/diffwave/model/shapes.ts';
import { validateConfig } from '../../src/diffwave/model/config.ts';
import { presetNamed } from '../../src/diffwave/presets.ts';
import { validateTraining } from '../../src/diffwave/training/config.ts';
import { verdictOf } from '../../src/evaluation/overfit.ts';
import type { Recognition } from '../../src/evaluation/recognise.ts';
import { decodeSound } from '../../src/formats/sound.ts';
import { temporaryFolder } from '../audio/helpers.ts';
import { refuses, runScript } from './program.ts';

const test = suite('npm run overfit');

const out = join(temporaryFolder(), 'overfit');

test('two updates are not enough: FAIL, exit code 1, advice, and everything to look at', async () => {
  const { status, stdout, stderr } = await runScript('overfit', ['--out', out, '--steps', '2', '--count', '3', '--clip-samples', '512']);
  assert.equal([status, stderr], [1, ''], stdout);
  assert.match(stdout, /^clips {5}4 of 512 samples \(0\.14 s\) at 3675 Hz, scaled to RMS 1/m);
  assert.is(stdout.match(/^ {2}clip \d {2}\S+\.wav at /gm)?.length, 4);
  assert.is(new Set(stdout.match(/^ {2}clip \d {2}\S+/gm)?.map((line) => line.slice(10))).size, 4, 'one of every track');
  assert.match(stdout, /^FAIL: 0 of 3 samples recognised \(clip 1 0 ×, clip 2 0 ×, clip 3 0 ×, clip 4 0 ×\)/m);
  assert.match(stdout, /^rule: every sample correlates/m);
  assert.match(stdout, /^advice: the loss went from \d\.\d\d to \d\.\d\d in 2 updates: that is too early/m);
  assert.equal(readdirSync(out).sort(), ['clips', 'dataset', 'loss.png', 'overfit.json', 'pairs.png', 'samples']);
  assert.equal(readdirSync(join(out, 'samples')), ['1.wav', '2.wav', '3.wav']);
});

test('the record has the figures, and samples have the level of the clip they are like', async () => {
  const record = JSON.parse(readFileSync(join(out, 'overfit.json'), 'utf8'));
  assert.equal([record.preset, record.seed, record.verdict.passed, record.recognitions.length], ['tiny', 0, false, 3]);
  assert.equal(record.log.map(({ step }: { step: number }) => step), [1, 2]);
  const rms = async (path: string): Promise<number> => {
    const { samples } = await decodeSound(new Uint8Array(readFileSync(path)), path, {});
    return Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
  };
  for (const [i, clip] of record.clips.entries()) {
    assert.ok(Math.abs(await rms(join(out, 'clips', `${i + 1}.wav`)) - clip.rms) < 1e-4);
  }
  // An untrained network that predicts v = 0 leaves Gaussian noise of about RMS 1, times the level of the clip.
  const { clip } = record.recognitions[0];
  const level = await rms(join(out, 'samples', '1.wav'));
  assert.ok(level > record.clips[clip].rms / 20 && level < 2 * record.clips[clip].rms, `${level}`);
});

test('refuses what it cannot do, and folders that are not its own', async () => {
  await refuses('overfit', ['--out', out, '--clip-samples', '99999999'], ['a clip of the data set has', '--clip-samples']);
  await refuses('overfit', ['--out', out, '--clip-samples', '511'], ['too short', '--clip-samples must be at least 512 at 3675 Hz']);
  await refuses('overfit', ['--out', out, '--preset', 'none'], ['"none"', 'tiny']);
  const foreign = temporaryFolder({ 'thesis.txt': 'mine' });
  await refuses('overfit', ['--out', foreign], ['thesis.txt', 'choose another folder']);
  assert.equal(readdirSync(foreign), ['thesis.txt']);
});

test('every preset becomes a network that sees both ends of its clips, trained on all of them', () => {
  for (const [name, L] of [['tiny', 1024], ['gtzan', 36750], ['diffwave-base', 16000], ['diffwave-sc09', 16000]] as const) {
    const preset = presetNamed(name);
    const recipe = recipeFor(name);
    const model = overfitModel(preset, { recipe, L });
    validateConfig(model, name);
    const field = receptiveField({ ...model, layers: model.dilationCycle });
    assert.ok(field >= L && field < 4 * L, `${name} sees ${field} of ${L}`);
    assert.equal([model.channels, model.diffusionSteps], [preset.model.channels, preset.model.diffusionSteps]);
    assert.ok(stepsFor(recipe, 4 * L) >= stepsFor(recipe, L) && stepsFor(recipe, 2) === recipe.steps);
    validateTraining(overfitTraining(preset, { recipe, steps: 5, seed: 3, batchSize: 4 }), name);
  }
});

const sample = (clip: number, best: number): Recognition =>
  ({ clip, best, bestWrong: 0.1, lag: 0.004, likeness: [0, 1].map((i) => (i === clip ? best : 0.1)), isRecognised: best > 0.7 });

test('what it says at the end', () => {
  const good = [sample(0, 0.95), sample(1, 0.91)];
  assert.is(recognitionTable([...good, sample(1, 0.5)]), [
    'sample    is clip  correlation  with the next     late',
    '     1          1         0.95           0.10     4 ms',
    '     2          2         0.91           0.10     4 ms',
    '     3  none (2?)         0.50           0.10     4 ms',
  ].join('\n'));
  assert.match(verdictLine(verdictOf(good), 2), /^PASS: 2 of 2 samples recognised \(clip 1 1 ×, clip 2 1 ×\); mean correlation 0\.93 with the clip, 0\.10 with the next\n/);
  const advice = (samples: Recognition[], lastLoss: number, updates = 2000): string =>
    adviceLine(verdictOf(samples), { updates, firstLoss: 1, lastLoss, count: samples.length, verify: 'npm run verify' });
  assert.match(advice([sample(0, 0.1)], 0.9, 100), /in 100 updates: that is too early/);
  assert.match(advice([sample(0, 0.1)], 0.9), /no lack of training, but an error; `npm run verify` finds/);
  assert.match(advice([sample(0, 0.1)], NaN), /npm run verify/);
  assert.match(advice([sample(0, 0.15), sample(1, 0.2)], 0.3), /a spectrum and nothing else/);
  assert.match(advice([sample(0, 0.95), sample(1, 0.5)], 0.1), /not trained enough/);
  assert.match(advice([sample(1, 0.95), sample(1, 0.9)], 0.1), /none is clip 1:/);
});

test.run();
