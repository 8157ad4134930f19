import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { completeOptions } from '../../src/dataset/options.ts';
import { UserError } from '../../src/errors.ts';

const test = suite('options of a data set');

const refuses = (call: () => unknown, message: RegExp) =>
  assert.throws(call, (error: unknown) => error instanceof UserError && message.test(error.message));

test('options that make no sense are refused by name', () => {
  refuses(
    () => completeOptions({ downsample: 4 }),
    /22050 Hz divided by 4 is not a whole number of Hz; try 1, 2, 3, 5/,
  );
  refuses(() => completeOptions({ splits: 0 }), /splits of a data set must be a whole number of at least 1, not 0/);
  refuses(() => completeOptions({ sampleRate: 1.5 }), /sample rate .* not 1.5/);
  refuses(() => completeOptions({ seconds: NaN }), /seconds .* not NaN/);
  refuses(() => completeOptions({ seconds: 0.001, splits: 100 }), /0.001 s at 7350 Hz cannot be split into 100 clips/);
});

test.run();
