/** `npm run prove`: that it runs here at small size, and that it goes on whatever a part does. No timing. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { comparedUpdates, firstFault, referenceCurves, toleranceAt } from '../../../bench/prove/curve.ts';
import { secondsOf } from '../../../bench/prove/duration.ts';
import type { PartContext } from '../../../bench/prove/part.ts';
import { parts } from '../../../bench/prove/parts.ts';
import { timeSteps } from '../../../bench/prove/parts/sampling.ts';
import { golden } from '../../../bench/prove/parts/verify.ts';
import type { PartResult } from '../../../bench/prove/run.ts';
import { isBad, runPart } from '../../../bench/prove/run.ts';
import { summaryPage } from '../../../bench/prove/summary.ts';
import { appendRows } from '../../../bench/lib/report.ts';
import { repetitionsWithin } from '../../../bench/step/measure.ts';
import { sizesOf } from '../../../bench/lib/work.ts';
import { temporaryFolder } from '../../audio/helpers.ts';
import { ownGpu } from '../../gpuForTests.ts';

const test = suite('npm run prove');
const root = fileURLToPath(new URL('../../../', import.meta.url));

function prove(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'bench/prove.ts', ...args], { cwd: root, encoding: 'utf8' });
  return { status, stdout, stderr };
}

/** All but those whose kernels take long to compile on a software adapter, which test/long/prove.long.ts has. */
const quick = parts.map(({ name }) => name).filter((name) => name !== 'tuning' && name !== 'mixed');

test('runs at small size, with a row for everything, and a page', () => {
  const out = temporaryFolder();
  const { status, stdout } = prove(...quick, '--small', '--budget', '1h', '--python', '/nonexistent/python', '--out', out);
  assert.is(status, 0, stdout);
  assert.match(stdout, /^PASS: \d+ parts right, \d+ not possible here, 0 not finished; /m);
  const [rowFile] = readdirSync(out).filter((file) => file.endsWith('.jsonl'));
  const rows = readFileSync(join(out, rowFile!), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  const count = (bench: string) => rows.filter((row) => row.bench === bench).reduce((sum, row) => sum + (row.cases?.length ?? 1), 0);
  assert.equal([count('adapter'), count('golden'), count('verify'), count('step'), count('sampling'), count('curve'), count('recovery')], [1, 1, 4, 2, 1, 1, 1]);
  for (const row of rows) assert.ok(row.small && row.adapter && row.date && row.driver && row.versions.webgpu, JSON.stringify(row));
  assert.ok(rows.find((row) => row.bench === 'adapter').limits.maxBufferSize > 0);
  const page = readFileSync(join(out, rowFile!.replace('.jsonl', '.md')), 'utf8');
  for (const { name, title } of parts) assert.is(page.includes(`| ${title} |`), quick.includes(name), title);
  assert.match(page, /--python names a Python that has PyTorch/);
  assert.equal(readdirSync(out).length, 2);
});

test('step times in every precision come within three minutes of eight, whatever a part does', () => {
  const shareUpTo = (name: string): number => parts.slice(0, parts.findIndex((part) => part.name === name) + 1).reduce((sum, { share }) => sum + share, 0);
  for (const name of ['step', 'matrix', 'mixed']) {
    assert.ok(parts.some((part) => part.name === name), name);
    assert.ok(shareUpTo(name) * 8 < 3.01, `${name} may come after ${8 * shareUpTo(name)} minutes`);
  }
});

test('a budget that is over leaves parts out, and that is no failure', () => {
  const out = temporaryFolder();
  const { status, stdout } = prove('adapter', 'recovery', '--small', '--budget', '0.01s', '--out', out);
  assert.is(status, 0, stdout);
  assert.match(stdout, /^PASS: 0 parts right, 0 not possible here, 2 not finished; /m);
});

test('refuses parts and times that are none, in one line', () => {
  for (const [args, text] of [[['nothing'], "there is no part 'nothing'"], [['--budget', 'long'], "--budget wants a time such as 8min, 90s or 1h, not 'long'"]] as const) {
    const { status, stderr } = prove(...args);
    assert.is(status, 1);
    assert.match(stderr, new RegExp(`^prove: ${text}[^\\n]*\\n$`));
  }
  assert.equal(['8min', '90s', '1.5h', '480', '2 m'].map((text) => secondsOf(text, '')), [480, 90, 5400, 480, 120]);
  for (const wrong of ['', '-1s', '0s', '5 days', 'NaN']) assert.throws(() => secondsOf(wrong, '--budget'), /--budget wants a time/);
});

async function run(part: string, seconds = 60): Promise<Omit<PartResult, 'title'> & { rows: object[] }> {
  const rows: object[] = [];
  const listener = { onAdapter() {}, onLine() {}, onTile() {}, onRow: (bench: string, row: object) => void rows.push({ bench, ...row }) };
  const options = { part, small: true, seconds, python: '' };
  return { ...(await runPart(options, listener, 'test/bench/prove/badPart.ts').result), rows };
}

test('whatever a part does, what it had found out before is there, and its end has a name', async () => {
  const wanted = {
    fine: ['right', []], wrong: ['wrong', ['y is off', 'so is x']], absent: ['absent', ['there is no such thing here']],
    unfinished: ['cut off', []],
  } as const;
  for (const [part, [outcome, problems]] of Object.entries(wanted)) {
    const result = await run(part);
    assert.equal([result.outcome, result.problems, result.rows], [outcome, problems, [{ bench: part, before: true }]], part);
    assert.is(result.lines[0], 'a line');
  }
  for (const [part, reason] of [['throws', /the pipeline was refused/], ['aborts', /assertion failed/], ['ends', /exit code 0 and said nothing/]] as const) {
    const result = await run(part);
    assert.is(result.outcome, 'crashed', part);
    assert.match(result.problems.join(), reason);
    assert.equal(result.rows, [{ bench: part, before: true }]);
  }
  assert.is((await run('large')).rows.length, 201);
});

test('a part that hangs is ended when its time is over, with all that it started', async () => {
  let seconds = 4; // on a busy machine a process may not have begun by then
  let { outcome, lines, rows } = await run('hangs', seconds);
  while (rows.length === 0 && (seconds *= 2) < 100) ({ outcome, lines, rows } = await run('hangs', seconds));
  assert.is(outcome, 'cut off');
  assert.is(rows.length, 1);
  const child = Number(/child (\d+)/.exec(lines.join())![1]);
  for (let turn = 0; turn < 100 && isAlive(child); turn++) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.not(isAlive(child));
});

/** Whether a process runs; one that has ended and that nobody has asked for counts as ended. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync(`/proc/${pid}/stat`) || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

test('a kernel that computes something else is found', async () => {
  const text = readFileSync(join(root, 'shaders/loss.wgsl'), 'utf8');
  const broken = text.replace('d * d', '1.001 * d * d');
  assert.is.not(broken, text);
  const found = { wrong: [] as string[], rows: [] as object[] };
  const gpu = await ownGpu({ loss: broken });
  const context = {
    small: true, left: 1e9, sizes: sizesOf('tiny', { B: 1, L: 16 }), machine: async () => ({ gpu }),
    wrong: (line: string) => void found.wrong.push(line), row: (_: string, row: object) => void found.rows.push(row), details() {}, line() {},
  } as unknown as PartContext;
  await golden(context);
  gpu.close();
  assert.match(found.wrong.join('\n'), / loss, value: off by /);
  assert.ok((found.rows[0] as { cases: { wrong: number }[] }).cases[0]!.wrong > 0);
});

test('losses that leave the reference curve are found, and so is NaN', () => {
  const { losses } = referenceCurves().small;
  assert.ok(losses.length >= 200 && losses.length >= comparedUpdates);
  assert.is(firstFault(losses, losses, 'float32'), undefined);
  const changed = (at: number, factor: number) => losses.map((loss, i) => (i === at ? loss * factor : loss));
  assert.match(firstFault(changed(5, 1.001), losses, 'float32')!, /^the loss of update 6 is .* off by 1\.0e-3/);
  assert.is(firstFault(changed(5, 1.001), losses, 'mixed'), undefined);
  assert.match(firstFault(changed(3, NaN), losses, 'mixed')!, /update 4 is NaN/);
  assert.match(firstFault(changed(0, 1.01), losses, 'mixed')!, /update 1 /);
  assert.ok(toleranceAt(11, 'float32') > toleranceAt(0, 'float32') && toleranceAt(11, 'float32') < 1e-3);
});

test('a slow adapter repeats less, and once in any case', () => {
  const of = (within: number, seconds: number) => repetitionsWithin(within, { most: 5, seconds });
  assert.equal([of(Infinity, 1), of(100, 1), of(3.5, 1), of(0.5, 1), of(-10, 1)], [5, 5, 3, 1, 1]);
});

test('what there is no time for is extrapolated, and said to be', async () => {
  const timed = async (each: number, seconds: number) => {
    const taken: number[] = [];
    let left = seconds;
    const take = async (count: number): Promise<number> => {
      taken.push(count);
      left -= count * each;
      return count * each;
    };
    return { ...(await timeSteps(take, { steps: 200, left: () => left })), taken };
  };
  assert.equal(await timed(1, 300), { seconds: 200, taken: [1, 4, 200] });
  assert.equal(await timed(1, 100), { seconds: 200, extrapolatedFrom: 4, taken: [1, 4] });
  assert.equal(await timed(50, 100), { seconds: 10_000, extrapolatedFrom: 1, taken: [1] });
});

test('the page names what is wrong first, and what was not reached', () => {
  const part = (name: string, outcome: PartResult['outcome'], problems: string[] = []): PartResult =>
    ({ name, title: `The ${name}`, outcome, seconds: 1, lines: ['a | b'], details: [], problems });
  const results = [part('one', 'right'), part('two', 'wrong', ['y is off']), part('three', 'not reached'), part('four', 'crashed', ['lost'])];
  const page = summaryPage({ from: undefined, small: false, budget: 480, seconds: 33, results });
  assert.match(page, /33 s of 480\. \*\*2 parts are wrong: The two, The four\*\* Not finished: The three\./);
  assert.match(page, /\| The two \| \*\*wrong\*\* \| 1\.0 \| \*\*y is off\*\*<br>a \\\| b \|/);
  assert.equal(results.filter(isBad).map(({ name }) => name), ['two', 'four']);
});

test('rows are appended whole, behind those that are there', () => {
  const file = join(temporaryFolder(), 'deep', 'rows.jsonl');
  appendRows(file, [{ a: 1 }]);
  appendRows(file, [{ b: 2 }, { c: 3 }]);
  assert.is(readFileSync(file, 'utf8'), '{"a":1}\n{"b":2}\n{"c":3}\n');
});

test.run();
