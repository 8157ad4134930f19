/** PyTorch's network for spectrograms, in every variant of kernels; a number that is changed is found out. */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors.ts';
import { checkGolden } from '../../src/verify/golden.ts';
import { variantsOf } from '../../src/verify/run.ts';
import { gpuForTests } from '../gpuForTests.ts';

const test = suite('golden file of spectrograms');
const file = 'diffwave-mel-6x8.safetensors';
const bytes = readFileSync(new URL(`../golden/${file}`, import.meta.url));

test('as it is, in every variant', async () => {
  const gpu = await gpuForTests();
  for (const variant of variantsOf(gpu)) {
    const rows = await checkGolden(gpu, { bytes, file, variant });
    assert.equal(rows.filter(({ ok }) => !ok), [], variant.variant);
    assert.ok(rows.some(({ name, direction }) => name === 'upsampled' && direction === 'window'));
    assert.ok(rows.some(({ name, direction }) => name === 'spectrogram_upsampler.conv1.bias' && direction === 'gradient'));
    assert.ok(rows.some(({ name, direction }) => name === 'residual_layers.5.conditioner_projection.weight' && direction === 'gradient'));
  }
});

for (const [tensor, change, failed] of [
  ['upsampled', 1e-3, /^upsampled value$/],
  ['grads.spectrogram_upsampler.conv2.weight', 1e-3, /^spectrogram_upsampler.conv2.weight gradient$/],
  ['spectrogram', 1, /predicted value/],
] as const) {
  test(`one number of ${tensor} is off by ${change}`, async () => {
    const stored = readSafetensors(bytes, file);
    (stored.tensors.get(tensor)!.data as Float32Array)[0]! += change;
    const rows = await checkGolden(await gpuForTests(), { bytes: writeSafetensors(stored), file });
    assert.match(rows.filter(({ ok }) => !ok).map(({ name, direction }) => `${name} ${direction}`).join(), failed);
  });
}

test.run();
