import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { clipLength, completeOptions, withOptions } from '../../src/dataset/options.ts';
import { UserError } from '../../src/errors.ts';

const test = suite('options of a data set');

const refuses = (call: () => unknown, message: RegExp) =>
  assert.throws(call, (error: unknown) => error instanceof UserError && message.test(error.message));

test('clips are cut by splits or by their own length, whichever was given', () => {
  const digits = { sampleRate: 16000, seconds: null, downsample: 1, clipSeconds: 1 };
  assert.equal(completeOptions({}), { sampleRate: 22050, seconds: 30, downsample: 3, splits: 6 });
  assert.equal(completeOptions({ ...digits }), digits);
  assert.equal(completeOptions({ clipSeconds: 2 }), { sampleRate: 22050, seconds: null, downsample: 3, clipSeconds: 2 });
  assert.equal(completeOptions({ clipSeconds: 2, seconds: 9 }).seconds, 9);
  assert.equal(withOptions(digits, { sampleRate: 8000 }), { ...digits, sampleRate: 8000 });
  assert.equal(withOptions(digits, { seconds: 10, splits: 2 }), { sampleRate: 16000, seconds: 10, downsample: 1, splits: 2 });
  assert.equal(withOptions({ ...digits, duplicates: 'drop' }, {}).duplicates, 'drop');
  assert.equal(withOptions({ ...digits, duplicates: 'drop' }, { duplicates: 'keep' }), digits);
  assert.is(clipLength(digits), 16000);
  assert.is(clipLength({ ...digits, downsample: 2, clipSeconds: 0.5 }), 4000);
});

test('options that make no sense are refused by name', () => {
  refuses(
    () => completeOptions({ downsample: 4 }),
    /22050 Hz divided by 4 is not a whole number of Hz; try 1, 2, 3, 5/,
  );
  refuses(() => completeOptions({ splits: 0 }), /splits of a data set must be a whole number of at least 1, not 0/);
  refuses(() => completeOptions({ sampleRate: 1.5 }), /sample rate .* not 1.5/);
  refuses(() => completeOptions({ seconds: NaN }), /seconds .* not NaN/);
  refuses(() => completeOptions({ clipSeconds: 0 }), /seconds of a clip must be a number above 0, not 0/);
  refuses(() => completeOptions({ duplicates: 'maybe' as 'keep' }), /duplicates is one of keep, drop, not "maybe"/);
  refuses(() => completeOptions({ clipSeconds: 1, splits: 2 }), /2 splits and clips of 1 s both say how long a clip is/);
  refuses(() => completeOptions({ seconds: null }), /6 splits of files of any length .* say how many seconds/);
  refuses(() => completeOptions({ seconds: 1, clipSeconds: 2 }), /1 s used of each file are less than a clip of 2 s/);
  refuses(() => completeOptions({ clipSeconds: 1e-5 }), /A clip of 0.00001 s has not one sample at 7350 Hz/);
  refuses(() => completeOptions({ seconds: 0.001, splits: 100 }), /0.001 s at 7350 Hz cannot be split into 100 clips/);
});

test.run();
