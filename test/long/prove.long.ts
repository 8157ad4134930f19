/** `npm run prove -- --small` with every part, tuning and mixed precision too, whose kernels a software adapter compiles slowly. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../audio/helpers.ts';

const test = suite('npm run prove, all of it');

test('every part comes to its end, and nothing is wrong', () => {
  const out = temporaryFolder();
  const args = ['--import', 'tsx', 'bench/prove.ts', '--small', '--budget', '1h', '--out', out];
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: fileURLToPath(new URL('../../', import.meta.url)), encoding: 'utf8' });
  assert.is(status, 0, stdout);
  assert.match(stdout, /^PASS: .* 0 not finished; /m);
  assert.is(readdirSync(out).length, 2);
});

test.run();
