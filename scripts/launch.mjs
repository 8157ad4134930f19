/**
 * Starts a TypeScript program of this project on a machine that has only Node:
 *
 *     node scripts/launch.mjs scripts/train.ts --data …
 *
 * installs what package-lock.json names if it is not there yet, then runs the program in this same process, so that
 * signals, exit codes and standard streams are the program's own. Plain JavaScript without dependencies, and no
 * shell, because every npm script goes through it on Linux, macOS and Windows.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

const WANTED_NODE = [20, 11]; // as "engines" in package.json
const inProject = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const LOCK = inProject('npm-ci.tmp'); // holds the id of the process that is installing

checkNode();
await install();
const { register } = await import('tsx/esm/api');
register();
const [program, ...rest] = process.argv.slice(2);
process.argv = [process.argv[0], inProject(program), ...rest]; // as if Node had been given the program itself
await import(pathToFileURL(process.argv[1]).href);

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > WANTED_NODE[0] || (major === WANTED_NODE[0] && minor >= WANTED_NODE[1])) return;
  fail(`Node ${WANTED_NODE.join('.')} or newer is needed, this is ${process.versions.node}: see https://nodejs.org`);
}

/** Brings node_modules in line with package-lock.json. Of several launches at once one installs, the others wait. */
async function install() {
  while (!isInstalled()) {
    if (!takeLock()) {
      await sleep(200);
      continue;
    }
    try {
      if (!isInstalled()) runNpm(); // another launch may have finished between our look and the lock
    } finally {
      rmSync(LOCK, { force: true });
    }
  }
}

/** Whether npm's own note of what it installed names every package of the lock file in the same version. */
function isInstalled() {
  let installed;
  try {
    installed = JSON.parse(readFileSync(inProject('node_modules/.package-lock.json'), 'utf8')).packages;
  } catch {
    return false;
  }
  const { '': project, ...wanted } = JSON.parse(readFileSync(inProject('package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(([name, { version, optional }]) =>
    installed[name] ? installed[name].version === version : optional); // optional: the binaries of other platforms
}

function takeLock() {
  try {
    writeFileSync(LOCK, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') fail(`cannot write ${LOCK} (${error.code}): the project folder must be writable once`);
  }
  if (!isHolderAlive()) rmSync(LOCK, { force: true }); // its process was killed: the next try takes it
  return false;
}

function isHolderAlive() {
  try {
    process.kill(Number(readFileSync(LOCK, 'utf8')), 0); // signal 0 only asks; an empty file is 0, our own group
    return true;
  } catch (error) {
    return error.code === 'EPERM'; // alive, and somebody else's
  }
}

function runNpm() {
  console.error('diffwave-webgpu: installing dependencies with npm ci (once) …');
  // tsx and uvu are development dependencies, wanted here even where NODE_ENV says production.
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = process.env.npm_execpath ?? '';
  const options = { cwd: inProject('.'), stdio: ['ignore', 2, 2] }; // stdout belongs to the program
  const { status, error } = basename(npm).startsWith('npm-cli')
    ? spawnSync(process.execPath, [npm, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' }); // npm.cmd needs a shell
  if (status === 0 && isInstalled()) return;
  rmSync(LOCK, { force: true });
  fail(`npm ci failed (${error?.message ?? `exit ${status}`}): see above, or run npm ci by hand in ${inProject('.')}`);
}

function fail(message) {
  console.error(`diffwave-webgpu: ${message}`);
  process.exit(1);
}
