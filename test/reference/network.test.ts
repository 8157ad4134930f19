/** The whole network: its gradients against finite differences, all of it against PyTorch's golden files. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parameterShapes } from '../../src/diffwave/model/shapes.ts';
import type { DiffWaveConfig } from '../../src/diffwave/model/config.ts';
import { noiseSchedule } from '../../src/diffwave/schedule/schedule.ts';
import { adam } from '../../src/reference/adam.ts';
import { diffuse } from '../../src/reference/diffuse.ts';
import { loss, lossBackward } from '../../src/reference/loss.ts';
import { networkBackward, networkForward } from '../../src/reference/network.ts';
import { assertClose, largest } from '../close.ts';
import { assertGradient, random } from './differences.ts';
import { GOLDEN_FILES, readGolden } from './golden.ts';
import { classic } from '../diffwave/classic.ts';

const test = suite('reference network');

const UGLY: { config: Partial<DiffWaveConfig>; B: number; L: number; t: number[] }[] = [
  {
    config: { layers: 1, channels: 1, kernelSize: 1, dilationCycle: 1, encoding: 'transformer' },
    B: 1, L: 1, t: [0],
  },
  {
    config: { layers: 5, channels: 3, kernelSize: 3, dilationCycle: 4, encoding: 'diffwave' },
    B: 2, L: 5, t: [3, 1.5],
  },
];

test('every parameter: gradients against finite differences', () => {
  for (const { config: part, B, L, t } of UGLY) {
    const config = { ...classic.model, embeddingWidth: 5, encodingWidth: 8, ...part };
    const parameters = new Map(parameterShapes(config).map(({ name, diskShape }) =>
      [name, random(diskShape.reduce((product, size) => product * size, 1))]));
    const input = { config, parameters, noisy: random(B * L), t, B, L };
    const target = random(B * L);
    const value = () => loss({ kind: 'mse', predicted: networkForward(input).predicted, target });

    const trace = networkForward(input);
    const dPredicted = lossBackward({ kind: 'mse', predicted: trace.predicted, target });
    const gradients = networkBackward({ ...input, trace, dPredicted });
    assert.equal([...gradients.keys()].sort(), [...parameters.keys()].sort());
    for (const [name, at] of parameters) {
      const analytic = gradients.get(name)!;
      assertGradient({ analytic, at, value, what: `${config.layers} layers, ${name}`, tolerance: 1e-6 });
    }
  }
});

test('a missing parameter is named', () => {
  const config = classic.model;
  const input = { config, parameters: new Map(), noisy: random(3), t: [0], B: 1, L: 3 };
  assert.throws(() => networkForward(input), /wants diffusion_embedding.projection1.weight/);
});

// PyTorch computed in float64 and stored float32: that one rounding, 2^-24 = 6e-8 relative, is all that may lie between,
// with a hundredth of it left for the order of float64 sums.
const STORED = 1.01 * 2 ** -24;

for (const file of GOLDEN_FILES) {
  const golden = readGolden(file);
  const { config, B, L } = golden;
  const t = golden.tensor('step');
  const target = golden.tensor('noise');
  /** The loss and every gradient at these parameters, for the golden file's batch. */
  const evaluate = (parameters: Map<string, Float64Array>) => {
    const input = { config, parameters, noisy: golden.tensor('noisy'), t, B, L };
    const trace = networkForward(input);
    const pair = { kind: config.loss, predicted: trace.predicted, target };
    const gradients = networkBackward({ ...input, trace, dPredicted: lossBackward(pair) });
    return { predicted: trace.predicted, loss: loss(pair), gradients };
  };
  const relativeToLargest = (want: Float64Array) => ({ atol: STORED * largest(want) });

  test(`${file}: the forward process`, () => {
    const { sqrtAlphaBar, sqrtOneMinusAlphaBar } = noiseSchedule({ ...config, steps: config.diffusionSteps });
    const noisy = diffuse({
      audio: golden.tensor('audio'),
      noise: target,
      signalLevel: t.map((step) => sqrtAlphaBar[step]!),
      noiseLevel: t.map((step) => sqrtOneMinusAlphaBar[step]!),
      B,
      L,
    });
    const want = golden.tensor('noisy');
    assertClose(noisy, want, { ...relativeToLargest(want), what: 'noisy' });
  });

  test(`${file}: prediction, loss and every gradient`, () => {
    const got = evaluate(golden.group('weights'));
    const predicted = golden.tensor('predicted');
    assertClose(got.predicted, predicted, { ...relativeToLargest(predicted), what: 'predicted' });
    assertClose([got.loss], golden.tensor('loss'), { rtol: STORED, what: 'loss' });
    const want = golden.group('grads');
    assert.is(got.gradients.size, want.size);
    for (const [name, gradient] of want) {
      assertClose(got.gradients.get(name)!, gradient, { ...relativeToLargest(gradient), what: name });
    }
  });

  test(`${file}: ten steps of Adam`, () => {
    const parameters = golden.group('weights');
    const moments = new Map([...parameters].map(([name, { length }]) =>
      [name, { m: new Float64Array(length), v: new Float64Array(length) }]));
    const losses: number[] = [];
    for (let step = 1; step <= golden.adam.steps; step++) {
      const { loss, gradients } = evaluate(parameters);
      losses.push(loss);
      for (const [name, value] of parameters) {
        adam({ value, gradient: gradients.get(name)!, ...moments.get(name)!, step, ...golden.adam });
      }
      if (step === 1 || step === golden.adam.steps) {
        for (const [name, want] of golden.group(`adam${step}`)) {
          assertClose(parameters.get(name)!, want, { ...relativeToLargest(want), what: `adam${step} ${name}` });
        }
      }
    }
    assertClose(losses, golden.tensor('losses'), { rtol: STORED, what: 'losses' });
  });
}

test.run();
