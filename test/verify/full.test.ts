/** `verify --full` at shapes that take a moment: the variants agree with the naive kernels, and a broken one does not. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PRESETS } from '../../src/diffwave/presets.ts';
import { nodePlatform } from '../../src/platform/platform.node.ts';
import { compareWithNaive, fullCases } from '../../src/verify/full.ts';
import { variantsOf } from '../../src/verify/run.ts';
import { gpuForTests, ownGpu } from '../gpuForTests.ts';

const test = suite('verify --full');

const config = { ...PRESETS.gtzan.model, layers: 3, channels: 8, dilationCycle: 3, embeddingWidth: 12 };
const sizes = { B: 2, L: 131 };

test('all that a step is made of is compared, forward and backward, and agrees', async () => {
  const gpu = await gpuForTests();
  for (const variant of variantsOf(gpu).slice(1)) {
    const rows = [];
    for (const kernelCase of fullCases(config, sizes)) rows.push(...(await compareWithNaive(gpu, kernelCase, { config, sizes, variant })));
    assert.equal(rows.filter(({ ok }) => !ok), []);
    const subjects = new Set(rows.map(({ subject }) => subject));
    assert.equal([...subjects].sort(), ['adam', 'conv1d', 'linear', 'loss', 'residualLayer', 'reverse', 'stepProjections']);
    for (const direction of ['output', 'total', 'd x', 'd step', 'd dilatedWeight', 'd projectionBias']) {
      assert.ok(rows.some((row) => row.subject === 'residualLayer' && row.direction === direction), direction);
    }
    assert.ok(rows.some(({ error }) => error > 0), 'other kernels, other roundings');
  }
});

test('a kernel that is wrong at one place only is found', async () => {
  const stem = 'weightGradient.tile';
  const text = await (await nodePlatform()).shader(stem);
  assert.match(text, 'params.chunkRows');
  using gpu = await ownGpu({ [stem]: text.replace('params.chunkRows', '(params.chunkRows - 1u)') });
  const variant = variantsOf(gpu).find((each) => each.variant === 'tile')!;
  const [layer] = fullCases(config, sizes).filter((each) => each.stem === 'residualLayer');
  const failed = (await compareWithNaive(gpu, layer!, { config, sizes, variant })).filter(({ ok }) => !ok);
  assert.ok(failed.length > 0 && failed.every(({ direction }) => /^d (dilated|projection)/.test(direction)), JSON.stringify(failed));
});

test.run();
