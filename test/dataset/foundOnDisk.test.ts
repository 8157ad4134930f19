/** What lies among music and is none: links to themselves, pipes, what may not be read, what is gone, names of any kind. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadDataset, prepareDataset } from '../../src/dataset/dataset.node.ts';
import { findSoundFiles, fingerprint } from '../../src/dataset/sources.node.ts';
import { UserError } from '../../src/errors.ts';
import { sine, temporaryFolder } from '../audio/helpers.ts';
import { refusing } from '../faults.ts';

const test = suite('what is found on the disk');

const tone = sine({ hertz: 440, sampleRate: 22050, samples: 22050 });
const half = { sampleRate: 7350, seconds: 0.5, downsample: 1, splits: 1 };

/** Files that were used, those left out with their reasons, and what was logged beside. */
async function prepared(source: string) {
  const lines: string[] = [];
  const out = join(temporaryFolder(), 'set');
  const { manifest } = await prepareDataset({ source, out, log: (line) => lines.push(line), ...half });
  assert.ok(lines.every((line) => !line.includes('\n')));
  return {
    used: manifest.clips.map(({ file }) => file),
    leftOut: manifest.leftOut.map(({ file, reason }) => `${file} ${reason}`),
    others: lines.filter((line) => !line.startsWith('left out: ')),
    out,
  };
}

async function messageOf(work: () => unknown): Promise<string> {
  const error = await Promise.resolve().then(work).then(() => undefined, (reason: unknown) => reason);
  assert.instance(error, UserError, String(error));
  return (error as Error).message;
}

if (process.platform !== 'win32') {
  test('links that lead to themselves, in circles or nowhere cost a line at most', async () => {
    const source = temporaryFolder({ 'a.wav': tone });
    for (const [name, target] of [['loop', 'loop'], ['loop.wav', 'loop.wav'], ['one', 'two'], ['two', 'one'], ['gone', 'nowhere'], ['gone.wav', 'nowhere'], ['under.wav', 'a.wav/b.wav']] as const) {
      symlinkSync(join(source, target), join(source, name));
    }
    const { used, leftOut } = await prepared(source);
    assert.equal(used, ['a.wav']);
    const circle = 'cannot be read: a link that leads to itself, or too many links (ELOOP)';
    assert.equal(leftOut, [
      'gone.wav cannot be read: no such file or folder (ENOENT)', `loop ${circle}`, `loop.wav ${circle}`, `one ${circle}`, `two ${circle}`,
      'under.wav cannot be read: not a folder (ENOTDIR)',
    ]);
    const loop = join(source, 'loop');
    assert.is(await messageOf(() => findSoundFiles(loop)), `${loop} cannot be looked at: a link that leads to itself, or too many links (ELOOP)`);
  });

  test('pipes, sockets and devices are not opened, nor are folders that are called like files', async () => {
    const source = temporaryFolder({ 'a.wav': tone });
    execFileSync('mkfifo', [join(source, 'p.wav')]);
    symlinkSync('/dev/zero', join(source, 'zero.mp3'));
    mkdirSync(join(source, 'folder.wav'));
    writeFileSync(join(source, 'folder.wav', 'b.wav'), readFileSync(join(source, 'a.wav')));
    const { used, leftOut } = await prepared(source);
    assert.equal(used, ['a.wav', 'folder.wav/b.wav']);
    assert.equal(leftOut, ['p.wav is a named pipe (FIFO)', 'zero.mp3 is a device']);
    rmSync(join(source, 'a.wav'));
    rmSync(join(source, 'folder.wav'), { recursive: true });
    assert.match(await messageOf(() => findSoundFiles(source)), /^There is no sound file .*; (p\.wav is a named pipe|zero\.mp3 is a device)/);
    assert.is(await messageOf(() => findSoundFiles(join(source, 'p.wav'))), `${join(source, 'p.wav')} is a named pipe (FIFO), but a folder is needed`);
  });

  test('names that are not UTF-8 are read, and shown with what their bytes are', async () => {
    const source = temporaryFolder({ 'a.wav': tone });
    const folder = Buffer.concat([Buffer.from(`${source}/Caf`), Buffer.of(0xe9)]);
    try {
      mkdirSync(folder);
    } catch {
      return; // macOS has no such names
    }
    for (const byte of [0xe8, 0xe9]) writeFileSync(Buffer.concat([folder, Buffer.from('/b'), Buffer.of(byte), Buffer.from('.wav')]), readFileSync(join(source, 'a.wav')));
    const { used, leftOut } = await prepared(source);
    assert.equal([used, leftOut], [['Caf\\xe9/b\\xe8.wav', 'Caf\\xe9/b\\xe9.wav', 'a.wav'], []]);
    // Node gives a program its arguments as text; what the name may be is found where one entry alone looks so.
    assert.equal(findSoundFiles(`${source}/Caf\ufffd`).map(({ path }) => path), ['b\\xe8.wav', 'b\\xe9.wav']);
  });
}

test('folders and files that may not be read, or vanish, cost a line each', async () => {
  const source = temporaryFolder({ 'a.wav': tone, 'closed/b.wav': tone, 'c.wav': tone, 'open/d.wav': tone });
  const under = (name: string) => (path: string): boolean => path.endsWith(name);
  const closed = await refusing('readdirSync', { code: 'EACCES', hits: under('closed') }, () => prepared(source));
  assert.equal([closed.used, closed.leftOut], [['a.wav', 'c.wav', 'open/d.wav'], ['closed cannot be searched: permission denied (EACCES)']]);
  const hidden = await refusing('statSync', { code: 'EACCES', hits: under('c.wav') }, () => prepared(source));
  assert.equal(hidden.leftOut, ['c.wav cannot be read: permission denied (EACCES)']);
  for (const [code, reason] of [['EACCES', 'permission denied (EACCES)'], ['ENOENT', 'no such file or folder (ENOENT)'], ['EIO', 'the disk reports an error (EIO)'], ['ESTALE', 'it is gone from the network file system (ESTALE)'], ['ENAMETOOLONG', 'the name is too long (ENAMETOOLONG)'], ['ETIMEDOUT', 'connection timed out (ETIMEDOUT)']] as const) {
    const { used, leftOut } = await refusing('openSync', { code, hits: under('c.wav') }, () => prepared(source));
    assert.equal([used, leftOut], [['a.wav', 'closed/b.wav', 'open/d.wav'], [`c.wav cannot be read: ${reason}`]]);
  }
  const gone = await refusing('readdirSync', { code: 'ENOENT', hits: under('open') }, () => prepared(source));
  assert.equal(gone.leftOut, ['open cannot be searched: no such file or folder (ENOENT)']);
  assert.is(
    await refusing('readdirSync', { code: 'EACCES', hits: (path) => path === source }, () => messageOf(() => findSoundFiles(source))),
    `${source} cannot be searched: permission denied (EACCES)`,
  );
});

if (process.platform === 'linux') {
  test('a path that is too long costs a line', async () => {
    const source = temporaryFolder({ 'a.wav': tone });
    // Deeper than a path may be: made from within.
    const part = 'x'.repeat(250);
    const made = spawnSync(process.execPath, ['-e', `const fs = require('fs'); for (let i = 0; i < 20; i++) { fs.mkdirSync('${part}'); process.chdir('${part}'); } fs.writeFileSync('b.wav', '')`], { cwd: source });
    assert.is(made.status, 0, String(made.stderr));
    const { used, leftOut } = await prepared(source);
    assert.equal([used, leftOut.length], [['a.wav'], 1]);
    assert.match(leftOut[0]!, /the name is too long \(ENAMETOOLONG\)$/);
    // Moved up part by part, so that it can be deleted.
    renameSync(join(source, part), join(source, 'y'));
    execFileSync('rm', ['-rf', join(source, 'y')]);
  });
}

test('what systems leave beside music is one line, and none of it is read', async () => {
  const clutter = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`._${i}.wav`, 'Mac OS X        ']));
  const files = { 'a.wav': tone, ...clutter, '__MACOSX/a.wav': 'x', '.Trash-1000/files/b.wav': tone, '$RECYCLE.BIN/c.mp3': 'x', 'sub/@eaDir/a.wav/x.mp3': 'x', '.hidden.wav': tone };
  const source = temporaryFolder(files);
  const { used, leftOut, others, out } = await prepared(source);
  assert.equal([used, leftOut], [['.hidden.wav', 'a.wav'], []]);
  assert.equal(others, ['ignored 44 files that systems leave beside music (._* of macOS, waste baskets and the like)']);
  assert.is(loadDataset(out).manifest.clutter, 44);
  assert.match(await messageOf(() => findSoundFiles(temporaryFolder({ '._a.wav': 'x' }))), /^There is no sound file/);
  // Data sets of before are found again: what is ignored counts in what tells folders apart.
  const known = findSoundFiles(source).map(({ path }) => path);
  assert.is(known.length, 46);
  assert.not.equal(fingerprint(findSoundFiles(source)), fingerprint(findSoundFiles(source).filter(({ isClutter }) => !isClutter)));
});

test('of two that prepare one data set at once the second waits, and uses what the first has made', async () => {
  const source = temporaryFolder({ 'a.wav': tone });
  const out = join(temporaryFolder(), 'set');
  const lines: string[] = [];
  const reports = await Promise.all([0, 1].map(() => prepareDataset({ source, out, log: (line) => lines.push(line), ...half })));
  assert.equal(reports.map(({ reused }) => reused).sort(), [false, true]);
  assert.is(lines.filter((line) => line.startsWith(`waiting for process ${process.pid} on `)).length, 1);
  assert.equal(readdirSync(out).sort(), ['clips.f32', 'manifest.json']);
  // What one leaves that is killed while it prepares the folder in another way goes, although the data set is used as it is.
  for (const left of ['clips.f32.77-ab12.tmp', 'lock.json.77-ab12.tmp', 'manifest.json.77.tmp']) writeFileSync(join(out, left), 'x');
  writeFileSync(join(out, 'lock.json'), JSON.stringify({ token: 'x', host: hostname(), pid: 2 ** 22 + 1, beats: 0, ...here() }));
  assert.is((await prepareDataset({ source, out, ...half })).reused, true);
  assert.equal(readdirSync(out).sort(), ['clips.f32', 'manifest.json']);
});

/** What a lock says of this machine, where it says so. */
function here(): object {
  if (process.platform !== 'linux') return {};
  return { boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(), space: readlinkSync('/proc/self/ns/pid') };
}

test.run();
