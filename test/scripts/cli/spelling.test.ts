/** The library names its options and functions; the command line spells them as flags and commands. */
import { readFileSync, readdirSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { explain } from '../../../scripts/lib/cli/command.ts';
import { spelled } from '../../../scripts/lib/cli/spelling.ts';
import { UserError } from '../../../src/errors.ts';

const test = suite('spelling');

test('options become flags, functions commands', () => {
  assert.is(spelled('use shorter `cropSamples` or a smaller `batchSize`'), 'use shorter --crop-samples or a smaller --batch-size');
  assert.is(spelled('`train()` makes one, `prepareDataset()` the other'), 'npm run train makes one, npm run dataset the other');
  assert.is(spelled('`a b` and `` stay'), '`a b` and `` stay');
  assert.is(explain(new UserError('leave out `seed`')).text, 'leave out --seed');
});

test('nothing under src/ speaks of flags or commands', () => {
  const folder = new URL('../../../src/', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  // apt-get has flags of its own.
  const guilty = files.filter((file) => !file.endsWith('software.node.ts')).flatMap((file) => {
    const code = readFileSync(new URL(file.replaceAll('\\', '/'), folder), 'utf8')
      .replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
    return [...code.matchAll(/['"`][^'"`\n]*(?:--[a-z][a-z-]*\b(?! ===)|npm run|npx )[^'"`\n]*/g)].map(([text]) => `${file}: ${text}`);
  });
  assert.ok(files.length > 100);
  assert.equal(guilty, []);
});

test.run();
