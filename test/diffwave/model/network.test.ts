/** The network on the GPU: against PyTorch's golden files in all variants, and on ugly sizes against float64. */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Executable } from '../../../src/autograd/executable.ts';
import { Parameters } from '../../../src/autograd/parameters.ts';
import { planTape } from '../../../src/autograd/plan.ts';
import { Tape } from '../../../src/autograd/tape.ts';
import type { DiffWaveConfig } from '../../../src/diffwave/model/config.ts';
import { network, parameterSpecs } from '../../../src/diffwave/model/network.ts';
import type { Gpu } from '../../../src/gpu/device/gpu.ts';
import type { VariantSettings } from '../../../src/gpu/device/variant.ts';
import { loss } from '../../../src/ops/loss.ts';
import { lossBackward } from '../../../src/reference/loss.ts';
import { networkBackward, networkForward } from '../../../src/reference/network.ts';
import { checkGolden } from '../../../src/verify/golden.ts';
import { variantsOf } from '../../../src/verify/run.ts';
import { assertClose, largest } from '../../close.ts';
import { gpuForTests } from '../../gpuForTests.ts';
import { GOLDEN_FILES } from '../../reference/golden.ts';
import { clip, tinyConfig, tinyWeights } from '../tiny.ts';

const test = suite('network');

for (const file of GOLDEN_FILES) {
  test(`${file}: prediction, loss, every gradient, ten updates`, async () => {
    const gpu = await gpuForTests();
    const bytes = readFileSync(new URL(`../../golden/${file}`, import.meta.url));
    for (const variant of variantsOf(gpu)) {
      const rows = await checkGolden(gpu, { bytes, file, variant });
      assert.ok(rows.length > 40);
      const failed = rows.filter(({ ok }) => !ok);
      assert.equal(failed, [], variant.variant);
    }
  });
}

/** Runs the network with its loss and gradients on the GPU. */
async function onGpu(
  { config, settings, B, L, t }: {
    config: DiffWaveConfig; settings: VariantSettings | undefined; B: number; L: number; t: number[];
  },
  gpu: Gpu,
) {
  const parameters = new Parameters(gpu, parameterSpecs(config));
  parameters.write(parameters.values, tinyWeights(config));
  const tape = new Tape({ parameters, variant: settings });
  const input = { noisy: tape.input('noisy', [B, L]), t: tape.input('t', [B]) };
  const wanted = tape.input('wanted', [B, L]);
  const predicted = tape.keep(network(tape, config, input));
  tape.backward(loss(tape, { predicted, wanted, kind: 'mse' }));
  const executable = await Executable.build(gpu, planTape(tape));
  executable.write(input.noisy, clip(B * L, 1));
  executable.write(wanted, clip(B * L, 2));
  executable.write(input.t, Float32Array.from(t));
  executable.run();
  const prediction = await executable.read(predicted);
  const gradients = await parameters.read(parameters.gradients);
  executable.destroy();
  parameters.destroy();
  return { predicted: prediction, gradients };
}

const UGLY: { config: Partial<DiffWaveConfig>; B: number; L: number; t: number[] }[] = [
  { config: { layers: 1, channels: 1, kernelSize: 1, embeddingWidth: 1, encodingWidth: 4 }, B: 1, L: 1, t: [0] },
  { config: { layers: 5, channels: 3, dilationCycle: 4, encoding: 'diffwave' }, B: 2, L: 5, t: [3, 1.5] },
  { config: { layers: 2, channels: 52, kernelSize: 7, embeddingWidth: 7 }, B: 3, L: 67, t: [4, 0, 2.25] },
];

/**
 * Relative to a tensor's largest value. The network is some thirty operations deep, each within 1e-6 of its terms; a
 * wrong term would be 1e-2. As for the golden files.
 */
const tolerance = 1e-4;

for (const { config: part, ...sizes } of UGLY) {
  test(`${JSON.stringify({ ...part, ...sizes })}: as in float64`, async () => {
    const gpu = await gpuForTests();
    const config = { ...tinyConfig, ...part };
    const { B, L, t } = sizes;
    const parameters = new Map([...tinyWeights(config)].map(([name, values]) => [name, Float64Array.from(values)]));
    const input = { config, parameters, noisy: Float64Array.from(clip(B * L, 1)), t, B, L };
    const trace = networkForward(input);
    const { predicted } = trace;
    const target = Float64Array.from(clip(B * L, 2));
    const dPredicted = lossBackward({ kind: 'mse', predicted, target });
    const gradients = networkBackward({ ...input, trace, dPredicted });
    for (const settings of [undefined, gpu.variant]) {
      const variant = settings?.variant ?? 'naive';
      const got = await onGpu({ config, settings, ...sizes }, gpu);
      assertClose(got.predicted, predicted, { atol: tolerance * largest(predicted), what: `${variant} prediction` });
      for (const [name, want] of gradients) {
        assertClose(got.gradients.get(name)!, want, { atol: tolerance * largest(want), what: `${variant} ${name}` });
      }
    }
  });
}

test.run();
