/** `npm run web` as a program: the page as static files. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../audio/helpers.ts';

const test = suite('npm run web');
const root = fileURLToPath(new URL('../..', import.meta.url));

function web(...flags: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [join(root, 'scripts/launch.mjs'), 'scripts/diffwave.ts', 'web', ...flags], { encoding: 'utf8' });
}

function succeeds(...flags: string[]): string {
  const { status, stdout, stderr } = web(...flags);
  assert.equal({ status, stderr }, { status: 0, stderr: '' });
  return stdout;
}

test('writes static files that ask nobody else for anything', () => {
  const out = join(temporaryFolder(), 'site');
  assert.match(succeeds('--out', out), /^page {6}\d+ files, \d+ kB compressed at first load\nwrote/m);
  const html = readFileSync(join(out, 'index.html'), 'utf8');
  assert.match(html, /Content-Security-Policy" content="default-src 'none'/);
  for (const [, address] of html.matchAll(/(?:src|href)="([^"#]+)"/g)) assert.not.match(address!, /^(\/|[a-z]+:)/, 'relative');
  const hash = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
  for (const name of JSON.parse(readFileSync(join(out, 'music/list.json'), 'utf8')) as string[]) {
    assert.match(name, /^(classical|country)\//, 'with the folder that is its label');
    assert.is(hash(join(out, 'music', name)), hash(join(root, 'music/genres_original', name)));
  }
  const scripts = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'));
  assert.not.ok(scripts.some((name) => /faad2?/i.test(readFileSync(join(out, name), 'utf8'))), 'nothing under the GPL');
  assert.match(succeeds('--out', out), 'wrote', 'a second time over the first');
});

test('refuses what it cannot mean', () => {
  for (const [flags, reason] of [
    [['--out', temporaryFolder({ 'letter.txt': 'mine' })], 'has other files in it'], [['--out', 'site', '--port', '1'], '--port is for serving'],
  ] as const) {
    const { status, stderr } = web(...flags);
    assert.is(status, 1);
    assert.match(stderr, /^web: [^\n]+\n$/);
    assert.match(stderr, reason);
  }
});

test.run();
