import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { play } from '../../../scripts/lib/cli/play.ts';
import type { Player } from '../../../scripts/lib/cli/play.ts';
import { temporaryFolder } from '../../audio/helpers.ts';

const test = suite('play');

const missing: Player = { program: 'no-such-player', args: (file) => [file] };
const node = (program: string): Player => ({ program: process.execPath, args: (file) => ['-e', program, file] });
const failing = node('process.exit(3)');
const working = node('require("fs").writeFileSync(process.argv[1] + ".heard", "yes")');

test('tries one player after the other until one works', async () => {
  const file = join(temporaryFolder(), "it's a clip.wav");
  assert.is(await play(file, [missing, failing, working]), true);
  assert.is(readFileSync(`${file}.heard`, 'utf8'), 'yes');
});

test('goes on with a line when nothing works', async () => {
  const file = join(temporaryFolder(), 'clip.wav');
  const printed: string[] = [];
  const log = console.log;
  console.log = (line) => printed.push(line);
  try {
    assert.is(await play(file, [missing, failing]), false);
  } finally {
    console.log = log;
  }
  assert.equal(printed, [
    `nothing here could play ${file} (tried no-such-player, ${process.execPath}); open it yourself`,
  ]);
  assert.not.ok(existsSync(`${file}.heard`));
});

test.run();
