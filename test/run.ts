/**
 * `npm test [-- name…]`: runs every `*.test.ts` below this folder, or those whose path contains one of the names, on an adapter that it
 * provides itself if need be: as many files at once as there are processors, up to four, or `--jobs N`. With `--long`, which is
 * `npm run test:long`, also every `*.long.ts`: what takes minutes. The last line is `N passed, N failed`; the exit code is 1 unless
 * something passed and nothing failed. Nothing may be skipped: a test that did not run has failed.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { endProcess } from '../scripts/lib/cli/command.ts';
import { ensureAdapter } from '../scripts/lib/adapter/gpu.ts';
import { runPool, sayThrough, served, serveFiles, usualJobs } from './pool.ts';
import { findChromium } from './web/chromium.ts';

/** A suite that `test.run()` queued: runs it, prints a dot a test, and resolves to what happened. */
type Suite = () => Promise<[errors: string | true, passed: number, skipped: number, total: number]>;

// What `uvu/run` sets for its own loop: tests are queued instead of run. That loop gives no figures back.
const uvu = globalThis as unknown as { UVU_DEFER: number; UVU_QUEUE: Suite[][] };
uvu.UVU_DEFER = 1;

const folder = fileURLToPath(new URL('.', import.meta.url));
const isServed = process.argv.includes(served);
let isPageLeftOut = false;
let passed = 0;
let failed = 0;

process.on('uncaughtException', (error) => endWith(error));
process.on('beforeExit', () => endWith('a test waits for something that can no longer happen'));
await main().catch(endWith);
if (!isServed) await end();

async function main(): Promise<void> {
  if (isServed) {
    await ensureAdapter();
    return serveFiles(async (file) => {
      [passed, failed] = [0, 0];
      await runFile(file);
      return { passed, failed };
    });
  }
  const { values: { long, jobs: wanted }, positionals: names } = parseArgs({
    options: { long: { type: 'boolean' }, jobs: { type: 'string', default: String(usualJobs) } }, allowPositionals: true,
  });
  const jobs = Number(wanted);
  if (!(Number.isInteger(jobs) && jobs > 0)) throw new Error(`--jobs must be a whole number from 1 on, not ${wanted}`);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => (long ? /\.(test|long)\.ts$/ : /\.test\.ts$/).test(file) && (names.length === 0 || names.some((name) => file.includes(name))))
    .sort((a, b) => Number(b.endsWith('.long.ts')) - Number(a.endsWith('.long.ts')) || (a < b ? -1 : 1)); // the longest must not be last
  if (findChromium() === undefined) leaveOutPage(files);
  if (files.length === 0) throw new Error(`no test file has ${names.join(' or ')} in its path`);
  await ensureAdapter();
  if (jobs === 1 || files.length === 1) {
    for (const file of files) await runFile(file);
  } else {
    ({ passed, failed } = await runPool(files, jobs));
  }
}

/** Takes the tests of the page off the list. */
function leaveOutPage(files: string[]): void {
  const others = files.filter((file) => !file.startsWith('web/'));
  isPageLeftOut = others.length < files.length;
  files.splice(0, files.length, ...others);
}

async function runFile(file: string): Promise<void> {
  const start = performance.now();
  console.log(file);
  uvu.UVU_QUEUE = [[]];
  try {
    await import(pathToFileURL(join(folder, file)).href);
    if (uvu.UVU_QUEUE[0]!.length === 0) throw new Error(`${file} queued no test: is test.run() missing?`);
    for (const suite of uvu.UVU_QUEUE[0]!) await runSuite(suite);
  } catch (error) {
    console.error(error);
    failed++;
  }
  console.log(`  ${((performance.now() - start) / 1000).toFixed(2)} s\n`);
}

async function runSuite(suite: Suite): Promise<void> {
  const [errors, ran, skipped, total] = await suite();
  passed += ran;
  failed += total - ran + skipped;
  if (errors !== true) console.log(`\n${errors}`);
  // uvu swallows what a `before` hook throws.
  else if (ran < total) console.error(`  ${total - ran} tests did not run: a hook threw`);
  if (skipped > 0) console.error(`  ${skipped} tests were skipped (test.skip or test.only)`);
}

async function endWith(problem: unknown): Promise<never> {
  const isForUser = problem instanceof Error && problem.name === 'UserError';
  console.error(isForUser ? problem.message : problem);
  failed++;
  return end();
}

async function end(): Promise<never> {
  if (isServed) {
    sayThrough({ passed, failed, over: true });
    return endProcess(1);
  }
  if (isPageLeftOut) console.log('note: no Chromium was found, so the page was not tested: install one, or name it in DIFFWAVE_CHROMIUM');
  console.log(`${passed} passed, ${failed} failed`);
  return endProcess(passed > 0 && failed === 0 ? 0 : 1);
}
