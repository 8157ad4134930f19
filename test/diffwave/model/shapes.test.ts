import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { configFromMetadata } from '../../../src/diffwave/model/config.ts';
import { dilationOf, parameterShapes, receptiveField } from '../../../src/diffwave/model/shapes.ts';
import { PRESETS } from '../../../src/diffwave/presets.ts';
import { readSafetensors } from '../../../src/formats/safetensors.ts';

const test = suite('shapes');
const { model } = PRESETS.gtzan;

test('dilations start over after a cycle; the receptive field counts them all', () => {
  const config = { ...model, layers: 5, dilationCycle: 3 };
  assert.equal([0, 1, 2, 3, 4].map((layer) => dilationOf(config, layer)), [1, 2, 4, 1, 2]);
  assert.is(receptiveField(config), 1 + 2 * 10);
  assert.is(receptiveField({ ...config, kernelSize: 1 }), 1);
  assert.is(receptiveField(PRESETS['diffwave-base'].model), 6139); // three cycles: 1 + 2·3·(2^10 − 1)
});

for (const file of ['transformer-4x16.safetensors', 'diffwave-6x8-l1.safetensors']) {
  test(`${file}: its parameters in their order`, () => {
    const { metadata, tensors } = readSafetensors(readFileSync(new URL(`../../golden/${file}`, import.meta.url)), file);
    const config = configFromMetadata(metadata.config, file);
    const stored = [...tensors].filter(([name]) => name.startsWith('weights.'));
    assert.equal(parameterShapes(config).map(({ name, diskShape }) => [`weights.${name}`, diskShape]),
      stored.map(([name, { shape }]) => [name, shape]));
  });
}

test('parameters are laid out by what they are', () => {
  const layouts = new Map(parameterShapes(model).map(({ name, layout }) => [name, layout]));
  assert.is(layouts.get('residual_layers.9.dilated_conv.weight'), 'conv');
  assert.is(layouts.get('skip_projection.weight'), 'conv');
  assert.is(layouts.get('diffusion_embedding.projection1.weight'), 'linear');
  assert.is(layouts.get('residual_layers.0.diffusion_projection.bias'), 'vector');
  assert.is(layouts.size, 2 * (3 + 3 * 10 + 2));
});

test.run();
