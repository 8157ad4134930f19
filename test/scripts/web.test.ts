import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../audio/helpers.ts';
import { refuses, succeeds } from './program.ts';

const test = suite('npm run web');

test('writes static files that ask nobody else for anything', async () => {
  const out = join(temporaryFolder(), 'site');
  assert.match(await succeeds('web', ['--out', out]), /^built {5}\d+ files, \d+ kB compressed at first load\nwrote/m);
  const html = readFileSync(join(out, 'index.html'), 'utf8');
  assert.match(html, /Content-Security-Policy" content="default-src 'none'/);
  for (const [, address] of html.matchAll(/(?:src|href)="([^"#]+)"/g)) assert.not.match(address!, /^(\/|[a-z]+:)/, 'relative');
  const hash = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
  for (const name of JSON.parse(readFileSync(join(out, 'music/list.json'), 'utf8')) as string[]) {
    const genre = name.split('.')[0]!;
    assert.is(hash(join(out, 'music', name)), hash(join('music/genres_original', genre, name)));
  }
  const scripts = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'));
  assert.not.ok(scripts.some((name) => /faad2?/i.test(readFileSync(join(out, name), 'utf8'))), 'nothing under the GPL');
  assert.match(await succeeds('web', ['--out', out]), 'wrote', 'a second time over the first');
});

test('refuses what it cannot mean', async () => {
  await refuses('web', ['--out', temporaryFolder({ 'letter.txt': 'mine' })], ['has other files in it', '--out']);
  await refuses('web', ['--out', 'site', '--port', '1'], ['--port is for serving']);
});

test.run();
