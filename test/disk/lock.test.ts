/** One process writes into a folder; what died holding the lock blocks nobody, wherever it was. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { explain } from '../../scripts/lib/cli/command.ts';
import { FolderLock, lockName } from '../../src/disk/lock.node.ts';
import type { LockOptions } from '../../src/disk/lock.node.ts';
import { UserError } from '../../src/errors.ts';
import { temporaryFolder } from '../audio/helpers.ts';
import { refusing } from '../faults.ts';

const test = suite('lock of a folder');

const times = { renewEvery: 20, watchFor: 400 };
const take = (folder: string, options: Partial<LockOptions> = {}) => FolderLock.take(folder, { what: 'the run', times, ...options });
const holderOf = (folder: string) => JSON.parse(readFileSync(join(folder, lockName), 'utf8'));
const write = (folder: string, holder: object | string): void =>
  writeFileSync(join(folder, lockName), typeof holder === 'string' ? holder : JSON.stringify(holder));

async function refused(folder: string, options?: Partial<LockOptions>): Promise<string> {
  const error = await take(folder, options).then((lock) => { lock.release(); return undefined; }, (reason: unknown) => reason);
  assert.instance(error, UserError, String(error));
  return (error as Error).message;
}

/** Another process that takes the lock of `folder`, and says so. */
async function other(folder: string) {
  const script = `
    const { FolderLock } = await import(${JSON.stringify(new URL('../../src/disk/lock.node.ts', import.meta.url).href)});
    const lock = await FolderLock.take(${JSON.stringify(folder)}, { what: 'the run', times: { renewEvery: 20, watchFor: 400 } });
    console.log('held');
    process.stdin.once('data', () => { lock.release(); process.exit(); });`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    cwd: fileURLToPath(new URL('../../', import.meta.url)), stdio: ['pipe', 'pipe', 'inherit'],
  });
  await new Promise((held) => child.stdout.once('data', held));
  return { pid: child.pid!, kill: () => new Promise((gone) => { child.once('close', gone); child.kill('SIGKILL'); }), child };
}

test('the second is told who has it, and gets it when that is done; nothing stays behind', async () => {
  const folder = join(temporaryFolder(), 'new', 'run');
  const lock = await take(folder);
  assert.match(await refused(folder), new RegExp(`^${folder} is in use: process ${process.pid} on ${hostname()} is writing into the run; wait for it`));
  lock.expectHeld();
  const lines: string[] = [];
  const waiting = take(folder, { wait: true, log: (line) => lines.push(line) });
  setTimeout(() => lock.release(), 60);
  const next = await waiting;
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, `waiting for process ${process.pid}`);
  next.release();
  assert.equal(readdirSync(folder), []);
});

test('of many at once one has it', async () => {
  const folder = temporaryFolder();
  const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => take(folder)));
  const locks = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  assert.is(locks.length, 1);
  locks[0]!.release();
});

if (process.platform !== 'win32') {
  test('a process that runs has it, a killed one blocks nobody', async () => {
    const folder = temporaryFolder();
    const { pid, kill } = await other(folder);
    assert.match(await refused(folder), `process ${pid} on ${hostname()}`);
    assert.ok(existsSync(join(folder, lockName)));
    await kill();
    assert.ok(existsSync(join(folder, lockName)), 'as a kill leaves it');
    // The system says that it is gone: watching for so long would end this test.
    const lock = await take(folder, { times: { renewEvery: 20, watchFor: 600_000 } });
    assert.is(holderOf(folder).pid, process.pid);
    lock.release();
  });
}

if (process.platform === 'linux') {
  test('a number that another process has by now blocks nobody, nor does a process that nobody cleared away', async () => {
    const folder = temporaryFolder();
    const lock = await take(folder);
    const own = holderOf(folder);
    lock.release();
    const never = { renewEvery: 20, watchFor: 600_000 }; // known at once: watching would end this test
    for (const stale of [{ began: '1' }, { pid: 2 ** 22 + 1 }]) {
      write(folder, { ...own, token: 'other', ...stale });
      (await take(folder, { times: never })).release();
    }
    write(folder, { ...own, token: 'other' }); // this very process
    assert.match(await refused(folder), `process ${process.pid}`);
    // One that ended, and that nobody cleared away, as in containers without an init.
    const parent = spawn('sh', ['-c', 'sleep 0.01 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const zombie = Number(String(await new Promise((line) => parent.stdout.once('data', line))));
    const stat = (): string => readFileSync(`/proc/${zombie}/stat`, 'utf8');
    const began = stat().split(') ')[1]!.split(' ')[19];
    while (!stat().includes(') Z')) await new Promise((wake) => setTimeout(wake, 5));
    write(folder, { ...own, token: 'other', pid: zombie, began });
    (await take(folder, { times: never })).release();
    parent.kill('SIGKILL');
  });
}

test('on another host, in another container, or before a restart: who renews the lock has it, and who does not blocks nobody', async () => {
  const folder = temporaryFolder();
  const elsewhere = { token: 'other', host: 'elsewhere', pid: 7, beats: 3 };
  const first = await take(folder);
  const own = { ...holderOf(folder), ...elsewhere, host: hostname() };
  first.release();
  for (const foreign of [elsewhere, { ...own, space: 'pid:[1]' }, { ...own, boot: 'of yesterday' }]) {
    write(folder, foreign);
    const beating = setInterval(() => write(folder, { ...foreign, beats: Math.random() }), 30);
    assert.match(await refused(folder), 'process 7 on ');
    clearInterval(beating);
    const lines: string[] = [];
    const lock = await take(folder, { log: (line) => lines.push(line) });
    assert.match(lines.join(), /is of process 7 on .*: looking for up to 0\.4 s whether that still runs/);
    lock.expectHeld();
    lock.release();
  }
  // One that goes away meanwhile, and files that a crash left half-written.
  write(folder, elsewhere);
  setTimeout(() => rmSync(join(folder, lockName)), 100);
  (await take(folder)).release();
  for (const half of ['', '{"token":']) {
    write(folder, half);
    (await take(folder)).release();
  }
});

test('a holder that slept while another one took over finds out before it writes, and leaves the other one\'s lock alone', async () => {
  const folder = temporaryFolder();
  const lock = await take(folder);
  write(folder, { token: 'other', host: 'elsewhere', pid: 7, beats: 3 });
  await new Promise((wake) => setTimeout(wake, 100)); // several beats
  assert.throws(() => lock.expectHeld(), (error: unknown) => error instanceof UserError && /^process 7 on elsewhere has taken over the run/.test(error.message));
  lock.release();
  assert.is(holderOf(folder).token, 'other');
});

if (process.platform !== 'win32') {
  test('what stands in the place of a lock and is none ends in a line', async () => {
    const folder = temporaryFolder();
    symlinkSync(join(folder, 'nowhere'), join(folder, lockName));
    assert.is(await refused(folder), `${join(folder, lockName)} can neither be made nor read: delete it`);
    rmSync(join(folder, lockName));
    mkdirSync(join(folder, lockName));
    const error = await take(folder).then(() => undefined, (reason: unknown) => reason);
    assert.match(explain(error).text, /lock\.json: is a folder, not a file \(EISDIR\)$/);
  });
}

test('a lock that is deleted by hand comes back, and where there are no links a file will do', async () => {
  const folder = temporaryFolder();
  const lock = await refusing('linkSync', { code: 'EPERM', hits: (path) => path.includes(folder) }, () => take(folder));
  rmSync(join(folder, lockName));
  lock.expectHeld();
  await new Promise((wake) => setTimeout(wake, 100));
  assert.is(holderOf(folder).pid, process.pid);
  await refusing('linkSync', { code: 'EPERM', hits: (path) => path.includes(folder) }, async () => assert.match(await refused(folder), 'is in use'));
  lock.release();
  assert.equal(readdirSync(folder), []);
});

test.run();
