/** The processes that share the test files: what dies, hangs or throws costs its own file, and is counted. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runPool } from './pool.ts';

const test = suite('pool of tests');
const here = fileURLToPath(new URL('.', import.meta.url));
const uvu = import.meta.resolve('uvu');

const bodies: Record<string, string> = {
  passes: `test('one', () => {}); test('two', () => {});`,
  fails: `test('good', () => {}); test('bad', () => { throw new Error('as it must'); });`,
  dies: `test('killed', () => process.kill(process.pid, 'SIGKILL'));`,
  hangs: `test('for ever', () => new Promise(() => {}));`,
  throwsLater: `test('later', async () => { setTimeout(() => { throw new Error('too late'); }, 1); await new Promise(() => {}); });`,
  queuesNone: '',
  passesAgain: `test('three', () => {});`,
};

test('every file counts, whatever became of the process', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'diffwave-test-'));
  try {
    const files = Object.entries(bodies).map(([name, body]) => {
      const path = join(folder, `${name}.mjs`);
      writeFileSync(path, `import { suite } from ${JSON.stringify(uvu)};\nconst test = suite(${JSON.stringify(name)});\n${body}\n${body && 'test.run();'}\n`);
      return relative(here, path);
    });
    const printed: string[] = [];
    const count = await runPool(files, 2, (text) => printed.push(text));
    assert.equal(count, { passed: 4, failed: 5 });
    const of = (name: string): string => printed.find((text) => text.includes(`${name}.mjs`)) ?? '';
    assert.is(printed.length, files.length);
    assert.match(of('fails'), /as it must/);
    assert.match(of('dies'), /ended by SIGKILL in the middle/);
    assert.match(of('hangs'), /waits for something that can no longer happen/);
    assert.match(of('throwsLater'), /too late/);
    assert.match(of('queuesNone'), /queued no test/);
    assert.not.match(of('passes'), /\u0001/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
