/** A run as one ZIP file: what is in it comes out again. */
import { unzipSync, zipSync } from 'fflate';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFAULT_OPTIONS } from '../../../src/dataset/options.ts';
import type { LogEntry } from '../../../src/diffwave/files/logEntries.ts';
import { archiveRun, readRunArchive } from '../../../src/diffwave/files/runArchive.ts';
import { formatVersion } from '../../../src/diffwave/files/runConfig.ts';
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import { initialWeights } from '../../../src/diffwave/model/weights.ts';
import { gpuForTests } from '../../gpuForTests.ts';
import { classic } from '../classic.ts';

const test = suite('run archive');

const model = { ...classic.model, layers: 1, channels: 4, dilationCycle: 1, encodingWidth: 8, embeddingWidth: 8 };
const config = { format: formatVersion, preset: 'tiny', model, training: { ...classic.training, emaDecay: 0 }, data: 'music', preparation: DEFAULT_OPTIONS };
const report = (step: number): LogEntry => ({ step, loss: 1 / step, gradientNorm: 1, learningRate: 1e-3, seconds: step });
const lost: LogEntry = { event: 'device lost', step: 7, resumedFrom: 4, reason: 'unplugged', seconds: 3 };
const otherData = (step: number): LogEntry => ({ event: 'new data', step, data: 'other', fingerprint: 'f' });
const validation = (step: number) => ({ step, loss: 0.5, bins: [{ from: 0, to: 9, loss: 0.5, wiener: 0.6, zero: 1 }] });

async function packed(): Promise<Uint8Array> {
  using network = DiffWave.create(await gpuForTests(), model);
  const state = { step: 5, seconds: 5, m: initialWeights(model, 1), v: initialWeights(model, 2) };
  return archiveRun(network, state, { config, log: [report(1), otherData(2), lost, report(5)], validations: [validation(4)] });
}

test('the log comes back with what else happened than updates, and so do validations', async () => {
  const run = await readRunArchive(await packed(), 'run.zip');
  assert.equal(run.log, [report(1), otherData(2), lost, report(5)]);
  assert.equal(run.validations, [validation(4)]);
});

test('what was told after the checkpoint, and lines that are none, are left out', async () => {
  const files = unzipSync(await packed());
  const lines = [report(1), otherData(5), report(6), { ...lost, resumedFrom: 6 }, { step: 3 }].map((line) => JSON.stringify(line));
  files['log.jsonl'] = new TextEncoder().encode(`${lines.join('\n')}\n{"step":2,"lo`);
  files['validation.jsonl'] = new TextEncoder().encode([validation(6), { step: 1, loss: 1, bins: [null] }, validation(3)].map((line) => JSON.stringify(line)).join('\n'));
  const run = await readRunArchive(zipSync(files), 'run.zip');
  assert.equal(run.log, [report(1)]);
  assert.equal(run.validations, [validation(3)]);
});

test.run();
