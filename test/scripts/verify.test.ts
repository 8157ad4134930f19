/** `npm run verify` as a program: table, last line, exit code. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors.ts';

const test = suite('npm run verify');
const inProject = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

function verify(...argv: string[]) {
  const args = [inProject('scripts/launch.mjs'), 'scripts/diffwave.ts', 'verify', ...argv];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  return { status, stderr, lines: stdout.trimEnd().split('\n') };
}

test('everything: adapter, a table, PASS, exit code 0', () => {
  const { status, lines } = verify();
  assert.match(lines[0]!, /^adapter {3}\S/);
  assert.match(lines.find((line) => line.startsWith('kernel '))!, /^kernel +case +what +error +tolerance$/);
  const table = lines.filter((line) => line.endsWith(' ok'));
  assert.is(lines.at(-1), `PASS (${table.length} lines)`);
  for (const subject of ['conv1d', 'gate', 'adam', 'transformer-4x16', 'diffwave-6x8-l1']) {
    assert.ok(table.some((line) => line.startsWith(`${subject} `)), subject);
  }
  assert.is(status, 0);
});

test('a golden file that disagrees: its line, FAIL with the number, exit code 1', () => {
  const folder = mkdtempSync(join(tmpdir(), 'verify-'));
  try {
    const stored = readSafetensors(readFileSync(inProject('test/golden/transformer-4x16.safetensors')), 'golden');
    (stored.tensors.get('predicted')!.data as Float32Array)[7]! += 1;
    const path = join(folder, 'mine.safetensors');
    writeFileSync(path, writeSafetensors(stored));
    const { status, lines } = verify('relu', '--golden', path);
    assert.ok(lines.every((line) => !/^(gate|transformer)/.test(line)), 'only what was asked for');
    const failed = lines.filter((line) => line.endsWith(' FAIL'));
    assert.is(failed.length, 1);
    assert.match(failed[0]!, /^mine +predicted +value /);
    assert.match(lines.at(-1)!, /^FAIL \(1 of \d+ lines\)$/);
    assert.is(status, 1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a kernel or a file that is not there', () => {
  const unknown = verify('konv');
  assert.match(unknown.stderr, /verify: there is no kernel 'konv'; there are .*conv1d/);
  const missing = verify('--golden', 'no/such.safetensors');
  assert.match(missing.stderr, /verify: no\/such\.safetensors: there is no such file/);
  assert.equal([unknown.status, missing.status], [1, 1]);
});

test.run();
