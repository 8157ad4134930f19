/** A golden file with one number changed must be found out; one that is none must say what is missing. */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Safetensors } from '../../src/formats/safetensors.ts';
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors.ts';
import { UserError } from '../../src/errors.ts';
import { checkGolden } from '../../src/verify/golden.ts';
import { gpuForTests } from '../gpuForTests.ts';

const test = suite('golden files');
const file = 'transformer-4x16.safetensors';
const original = readFileSync(new URL(`../golden/${file}`, import.meta.url));

/** The golden file after `change`. */
function changed(change: (stored: Safetensors) => void): Uint8Array {
  const stored = readSafetensors(original, file);
  change(stored);
  return writeSafetensors(stored);
}

function numbers(stored: Safetensors, name: string): Float32Array {
  return stored.tensors.get(name)!.data as Float32Array;
}

async function failures(bytes: Uint8Array): Promise<string[]> {
  const rows = await checkGolden(await gpuForTests(), { bytes, file: `some/folder/${file}` });
  assert.ok(rows.every(({ subject }) => subject === 'transformer-4x16'));
  return rows.filter(({ ok }) => !ok).map(({ name, direction }) => `${name} ${direction}`);
}

test('as it is', async () => assert.equal(await failures(changed(() => {})), []));

for (const [tensor, change, line] of [
  ['noisy', 1e-4, 'noisy value'],
  ['predicted', 1e-3, 'predicted value'],
  ['loss', 1e-4, 'loss value'],
  ['losses', 1e-4, 'losses value'],
  ['grads.residual_layers.2.dilated_conv.weight', 1e-3, 'residual_layers.2.dilated_conv.weight gradient'],
  ['adam1.skip_projection.weight', 1e-5, 'parameters, clear gradient adam1'],
  ['adam10.skip_projection.weight', 1e-4, 'parameters, clear gradient adam10'],
] as const) {
  test(`one number of ${tensor} is off by ${change}`, async () => {
    assert.equal(await failures(changed((stored) => (numbers(stored, tensor)[0]! += change))), [line]);
  });
}

test('NaN is a failure', async () => {
  assert.equal(await failures(changed((stored) => (numbers(stored, 'predicted')[0] = NaN))), ['predicted value']);
});

for (const [what, bytes, message] of [
  ['no safetensors file', new Uint8Array(100), /^my\.golden is not a safetensors file/],
  ['weights alone', writeSafetensors({ tensors: new Map() }), /^my\.golden has no "config" in its metadata/],
  ['no prediction', changed(({ tensors }) => tensors.delete('predicted')),
    /^my\.golden: the tensor 'predicted' is missing/],
  ['no gradient', changed(({ tensors }) => tensors.delete('grads.skip_projection.bias')),
    /^my\.golden: the tensor 'grads\.skip_projection\.bias' is missing/],
  ['no parameters after Adam', changed(({ tensors }) => tensors.delete('adam10.skip_projection.bias')),
    /^my\.golden: .*'adam10/],
  ['a step that does not exist', changed(({ tensors }) => (tensors.get('step')!.data[0] = 200)),
    /^my\.golden: 'step' has 200, wanted whole numbers from 0 to 199/],
  ['another shape', changed(({ tensors }) => tensors.set('noisy', tensors.get('loss')!)),
    /^my\.golden: 'noisy' has shape \(1\), wanted \(2, 211\)/],
  ['no learning rate', changed(({ metadata }) => forget(metadata, 'learningRate')),
    /^my\.golden: 'learningRate' .* must be a number/],
  ['no betas', changed(({ metadata }) => forget(metadata, 'adamBetas')),
    /^my\.golden: 'adamBetas\[0\]' .* must be a number/],
  ['no number of steps', changed(({ metadata }) => forget(metadata, 'adamSteps')),
    /^my\.golden: 'adamSteps' .* whole number/],
] as const) {
  test(`${what}: refused with the reason`, async () => {
    const gpu = await gpuForTests();
    const checked = checkGolden(gpu, { bytes, file: 'my.golden' });
    const error = await checked.then(() => undefined, (reason: unknown) => reason);
    assert.instance(error, UserError);
    assert.match((error as UserError).message, message);
  });
}

function forget(metadata: Record<string, string>, field: string): void {
  metadata.config = JSON.stringify({ ...JSON.parse(metadata.config!), [field]: undefined });
}

test.run();
