/** Files and folders as they are made: step by step, whole or not at all, with the system's refusals in words. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { appendToFile, isTemporary, makeFolder, parseJsonFile, readFileOrExplain, syncFolder, temporaryName, writeFileAtomic } from '../../src/disk/files.node.ts';
import { systemReason } from '../../src/disk/systemErrors.node.ts';
import { UserError } from '../../src/errors.ts';
import { explain } from '../../scripts/lib/cli/command.ts';
import { temporaryFolder } from '../audio/helpers.ts';
import { refusing } from '../faults.ts';

const test = suite('files on the disk');

/** What a command would print. */
function said(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    const { text, code } = explain(error);
    assert.is(code, 1, text);
    assert.not.match(text, '\n');
    return text;
  }
  return 'nothing was thrown';
}

test('folders are made one in the other, and one that is there is fine', () => {
  const folder = join(temporaryFolder(), 'a', 'b', 'c');
  makeFolder(folder);
  makeFolder(folder);
  assert.ok(existsSync(folder));
  makeFolder('.');
  makeFolder('/');
});

test('a file system that is read-only is said to be that, and not a folder that is missing', async () => {
  const folder = temporaryFolder();
  const out = join(folder, 'a', 'b');
  const refusal = await refusing('mkdirSync', { code: 'EROFS', hits: (path) => path.startsWith(folder) }, () => said(() => writeFileAtomic(join(out, 'x'), 'x')));
  assert.is(refusal, `${join(folder, 'a')}: the file system is read-only (EROFS)`);
});

test('where a file or a link that leads nowhere stands, no folder can be', () => {
  const folder = temporaryFolder({ file: 'text' });
  assert.is(said(() => makeFolder(join(folder, 'file', 'a', 'b'))), `${join(folder, 'file')}: not a folder (ENOTDIR)`);
  if (process.platform === 'win32') return;
  symlinkSync(join(folder, 'nowhere'), join(folder, 'link'));
  assert.is(said(() => makeFolder(join(folder, 'link', 'a'))), `${join(folder, 'link')}: not a folder (ENOTDIR)`);
  assert.match(said(() => makeFolder(join(folder, 'x'.repeat(300), 'a'))), /the name is too long \(ENAMETOOLONG\)$/);
});

if (process.platform === 'linux') {
  test('below /proc it ends, with a line', () => {
    assert.is(said(() => writeFileAtomic('/proc/diffwave/run/config.json', '{}')), '/proc/diffwave cannot be made: /proc is of a kind in which there can be no new folders');
  });

  test('pipes and devices are not waited for, whoever reads', () => {
    const folder = temporaryFolder();
    const pipe = join(folder, 'config.json');
    execFileSync('mkfifo', [pipe]);
    assert.is(said(() => parseJsonFile(pipe)), `${pipe} is a named pipe (FIFO), wanted a file (JSON)`);
    assert.is(said(() => readFileOrExplain('/dev/zero', 'weights')), '/dev/zero is a device, wanted a file (weights)');
    assert.match(new TextDecoder().decode(readFileOrExplain('/proc/self/status', 'status')), /^Name:/, 'what has no length is read to its end');
  });
}

test('two writers of one file never meet in a temporary one, and names are never too long for it', () => {
  const path = join(temporaryFolder(), 'clips.f32');
  const names = Array.from({ length: 100 }, () => basename(temporaryName(path)));
  assert.is(new Set(names).size, 100);
  assert.ok(names.every((name) => isTemporary(name, 'clips.f32')));
  assert.ok(isTemporary('clips.f32.77.tmp', 'clips.f32'), 'those of earlier versions');
  assert.not.ok(isTemporary('clips.f32', 'clips.f32') || isTemporary('my.clips.f32.77.tmp', 'clips.f32') || isTemporary('clips.f32.mine.tmp', 'clips.f32'));
  const long = join(temporaryFolder(), 'ü'.repeat(127));
  writeFileAtomic(long, 'x');
  assert.is(readFileSync(long, 'utf8'), 'x');
});

test('what goes wrong leaves the file that was there, and no other', async () => {
  const folder = temporaryFolder({ 'a.json': 'old' });
  const path = join(folder, 'a.json');
  for (const [call, code] of [['openSync', 'EACCES'], ['fsyncSync', 'EIO'], ['renameSync', 'EPERM']] as const) {
    const hits = (target: string): boolean => call === 'fsyncSync' || target.includes('a.json');
    const text = await refusing(call, { code, hits }, () => said(() => writeFileAtomic(path, 'new')));
    assert.match(text, `${path}`);
    assert.equal([readdirSync(folder), readFileSync(path, 'utf8')], [['a.json'], 'old'], call);
  }
  assert.match(await refusing('openSync', { code: 'ENOSPC', hits: () => true }, () => said(() => appendToFile(path, 'x'))), /no space left on the disk/);
});

test('a file system that cannot sync a folder is no reason to fail, one that is broken is', async () => {
  const folder = temporaryFolder();
  await refusing('fsyncSync', { code: 'EINVAL', hits: () => true }, () => syncFolder(folder));
  await refusing('openSync', { code: 'EACCES', hits: () => true }, () => syncFolder(folder));
  if (process.platform !== 'win32') assert.match(await refusing('fsyncSync', { code: 'EIO', hits: () => true }, () => said(() => syncFolder(folder))), /the disk reports an error/);
});

test('whatever the system refuses is one line in words, and a bug of ours keeps its stack', () => {
  const error = (code: string, errno: number) => Object.assign(new Error('x'), { code, errno, syscall: 'open' });
  assert.is(systemReason(error('ELOOP', -40)), 'a link that leads to itself, or too many links (ELOOP)');
  if (process.platform === 'linux') assert.is(systemReason(error('EREMOTEIO', -121)), 'remote I/O error (EREMOTEIO)');
  assert.equal([systemReason(error('EINVAL', -22)), systemReason(new UserError('x')), systemReason(undefined)], [undefined, undefined, undefined]);
  assert.match(explain(error('EBADF', -9)).text, /this is a bug/);
  assert.is(explain(new UserError('two\nlines\u0007')).text, 'two lines?');
});

test('a name in another alphabet of bytes is found where one alone looks so', () => {
  const folder = temporaryFolder();
  const named = (...bytes: number[]): Buffer => Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from(bytes)]);
  try {
    writeFileSync(named(0xe9), 'text');
  } catch {
    return; // no such names here
  }
  if (!existsSync(named(0xe9)) || process.platform === 'win32' || process.platform === 'darwin') return;
  assert.is(new TextDecoder().decode(readFileOrExplain(`${folder}/caf\ufffd`, 'text')), 'text');
  mkdirSync(named(0xe8));
  assert.match(said(() => readFileOrExplain(`${folder}/caf\ufffd`, 'text')), 'there is no such file');
});

test.run();
