/** The whole project under the TypeScript compiler, as `npm run typecheck` does it. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('types');

test('the compiler has nothing to say', () => {
  const compiler = fileURLToPath(new URL('../node_modules/typescript/lib/tsc.js', import.meta.url));
  const project = fileURLToPath(new URL('..', import.meta.url));
  for (const each of [project, `${project}/web`]) { // pages see other names than Node
    const { status, stdout } = spawnSync(process.execPath, [compiler, '--noEmit', '-p', each], { encoding: 'utf8' });
    assert.is(stdout, '');
    assert.is(status, 0);
  }
});

test.run();
