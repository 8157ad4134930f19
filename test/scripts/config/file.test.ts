import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { differsLine } from '../../../scripts/lib/config/differences.ts';
import type { Wanted } from '../../../scripts/lib/config/file.ts';
import { readConfigFile, refuseOther, withFile } from '../../../scripts/lib/config/file.ts';
import type { RunConfig } from '../../../src/diffwave/files/run.node.ts';
import { PRESETS } from '../../../src/diffwave/presets.ts';
import { UserError } from '../../../src/errors.ts';
import { temporaryFolder } from '../../audio/helpers.ts';

const test = suite('--config');

const { tiny, gtzan } = PRESETS;
const fileOf = (content: unknown): string =>
  join(temporaryFolder({ 'c.json': typeof content === 'string' ? content : JSON.stringify(content) }), 'c.json');
const read = (content: unknown) => readConfigFile(fileOf(content));
const refuses = (call: () => unknown, message: RegExp, what?: string) =>
  assert.throws(call, (error: unknown) => error instanceof UserError && message.test(error.message) && !error.message.includes('\n'), what);

const run: RunConfig = {
  format: 1, preset: 'tiny', model: { ...tiny.model, layers: 6 }, training: { ...tiny.training, batchSize: 2 }, data: 'music',
  preparation: { ...tiny.data, downsample: 6 }, validationTracks: 1, memoryLimit: 1e9,
};

test('what a file says takes the place of what the preset says', () => {
  const file = read({ model: { layers: 6, kernelSize: 5 }, training: { clipNorm: 1 }, preparation: { clipSeconds: 2 } });
  assert.equal(withFile(tiny, file), {
    model: { ...tiny.model, layers: 6, kernelSize: 5 },
    training: { ...tiny.training, clipNorm: 1 },
    data: { sampleRate: 22050, seconds: null, downsample: 3, clipSeconds: 2 },
  });
  assert.is(withFile(tiny, undefined), tiny);
  assert.equal(withFile(gtzan, read({})), gtzan);
});

test("a run's config.json will do, whole", () => {
  const { path, ...file } = read(run);
  const { format, ...rest } = run;
  assert.equal([file, format], [rest, 1]);
});

test('what runs of earlier versions lack is what it was then; elsewhere it is the preset\'s', () => {
  const { emaDecay, warmupSteps, ...training } = run.training;
  const { preparation, ...rest } = run;
  const old = read({ ...rest, preset: 'diffwave-sc09', training });
  assert.equal([old.training.emaDecay, old.training.warmupSteps], [0, 0]);
  assert.equal(old.preparation, { sampleRate: 22050, seconds: 30, downsample: 1, splits: 1 });
  assert.is(withFile(tiny, read({ training })).training.emaDecay, tiny.training.emaDecay);
});

test('fields that are unknown or wrong are named, with the file', () => {
  for (const [content, message] of [
    [{ modle: {} }, /^\S+c\.json: the file has no field modle, did you mean model\?$/],
    [{ model: { layer: 6 } }, /^\S+c\.json: model has no field layer, did you mean layers\?$/],
    [{ training: { momentum: 1 } }, /^\S+c\.json: training has no field momentum; there are batchSize, cropSamples, /],
    [{ model: { toString: 1 } }, /model has no field toString/],
    [{ preparation: { split: 2 } }, /preparation has no field split, did you mean splits\?$/],
    [{ model: { kernelSize: 4 } }, /^\S+c\.json: kernelSize must be an odd whole number from 1, not 4\.$/],
    [{ training: { batchSize: '2' } }, /batchSize must be a whole number from 1, not "2"\.$/],
    [{ preparation: { seconds: -1 } }, /seconds must be a number above 0, or null, not -1\.$/],
    [{ model: [] }, /model must be an object, not \[\]\.$/],
    [{ preset: 'jazz' }, /preset must be "music" or "gtzan" or "tiny" or .*, not "jazz"\.$/],
    [{ data: 5 }, /data must be a path, not 5\.$/],
    [{ format: 2 }, /format must be 1, or left out, not 2\.$/],
    [[], /wanted an object/],
    ['{"model":', /c\.json is damaged: it is not valid JSON$/],
  ] as const) refuses(() => read(content), message, JSON.stringify(content));
  refuses(() => readConfigFile('nowhere.json'), /^nowhere\.json: there is no such file/);
  // Right one by one, not together.
  refuses(() => withFile(tiny, read({ model: { betaStart: 0.5 } })), /^\S+c\.json: betaStart 0\.5 must not be above betaEnd 0\.2\.$/);
});

test('a file that says something else than the run is refused, unless a flag has said it before', () => {
  const at = { path: 'runs/a', config: run };
  const refuse = (content: object, flags: Partial<Wanted> = {}) => {
    const file = read(content);
    const made = withFile(tiny, file);
    refuseOther(file, { preset: file.preset, validationTracks: file.validationTracks, model: made.model, training: made.training, ...flags }, at);
  };
  refuse(run);
  refuse({ model: { layers: 6 }, training: { batchSize: 2 }, validationTracks: 1 });
  for (const [content, message] of [
    [{ preset: 'gtzan' }, /^\S+c\.json: preset "gtzan" contradicts the run in runs\/a, which has "tiny": leave it out, or choose another --out$/],
    [{ model: { layers: 7 } }, /layers 7 contradicts .* which has 6: /],
    [{ training: { clipNorm: 1 } }, /clipNorm 1 contradicts .* which has null: /],
    [{ validationTracks: 2 }, /validationTracks 2 contradicts .* which has 1: /],
  ] as const) refuses(() => refuse(content), message);
  refuse({ model: { layers: 7 } }, { model: run.model });
  refuse({ training: { batchSize: 3 } }, { training: run.training });
  refuse({ training: { cropSamples: null } });
});

test('what differs from the preset is said by the fields\' names', () => {
  assert.is(differsLine(tiny, tiny), undefined);
  assert.is(differsLine({ ...tiny, model: { ...tiny.model, scale: 5.5 } }, tiny), undefined, 'found in the data');
  const model = { ...tiny.model, layers: 6, schedule: 'list', betas: [0.1, 0.2], diffusionSteps: 2 } as const;
  const training = { ...tiny.training, cropSamples: null, learningRateSchedule: 'step', decaySteps: 9 } as const;
  assert.is(differsLine({ model, training }, tiny),
    'differs   layers 6 instead of 8, diffusionSteps 2 instead of 50, betaSchedule list instead of linear, ' +
    'betas 2 numbers instead of none, cropSamples none instead of 2048, learningRateSchedule step instead of cosine, decaySteps 9 instead of none');
});

test.run();
