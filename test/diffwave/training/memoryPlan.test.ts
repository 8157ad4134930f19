/** Fitting a step into memory: what is chosen, what is predicted and what it takes, and that the result does not change. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Parameters } from '../../../src/autograd/parameters.ts';
import { BatchSource } from '../../../src/diffwave/training/batches.ts';
import type { DiffWaveConfig } from '../../../src/diffwave/model/config.ts';
import type { TrainingConfig } from '../../../src/diffwave/training/config.ts';
import { presetNamed } from '../../../src/diffwave/presets.ts';
import type { MemoryOptions } from '../../../src/diffwave/training/memoryPlan.ts';
import { choicesFor, fitCrop, fittingPlans, longestCrop, misfit } from '../../../src/diffwave/training/memoryPlan.ts';
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import { diffWaveNetwork } from '../../../src/diffwave/model/network.ts';
import { Trainer } from '../../../src/diffwave/training/trainer.ts';
import type { MemoryChoice } from '../../../src/diffwave/training/step.ts';
import { partsOf } from '../../../src/diffwave/training/step.ts';
import { UserError } from '../../../src/errors.ts';
import type { VariantSettings } from '../../../src/gpu/device/variant.ts';
import { variantNamed } from '../../../src/gpu/device/variant.ts';
import { allVariants } from '../../../src/verify/coverage.ts';
import { assertClose, largest } from '../../close.ts';
import { gpuForTests } from '../../gpuForTests.ts';
import { config, dataset, training as trialTraining } from '../trial.ts';
import { classic } from '../classic.ts';

const test = suite('memory plan');

const whole: MemoryChoice = { microBatches: 1, recompute: false };
const training: TrainingConfig = { ...trialTraining, batchSize: 5, minSnr: 5 };

async function optionsFor(config: DiffWaveConfig, training: TrainingConfig, L: number): Promise<MemoryOptions> {
  const gpu = await gpuForTests();
  const network = diffWaveNetwork(config);
  const parameters = new Parameters(gpu, network.specs);
  const { prediction, loss } = config;
  return { network, prediction, loss, parameters, variant: gpu.variant, training, L, limits: { maxStorageBufferBindingSize: 2 ** 27 } };
}

test('a batch is cut into parts as equal as can be', () => {
  assert.equal(partsOf(5, 1), [{ first: 0, count: 5 }]);
  assert.equal(partsOf(5, 2), [{ first: 0, count: 3 }, { first: 3, count: 2 }]);
  assert.equal(partsOf(3, 3).map(({ count }) => count), [1, 1, 1]);
});

test('the whole batch comes first; parts come before recomputing while they keep a GPU busy', () => {
  const long = choicesFor(diffWaveNetwork(presetNamed('gtzan').model), { B: 4, L: 36_750 });
  assert.equal(long[0], whole);
  assert.equal(long.slice(1, 3), [{ microBatches: 2, recompute: false }, { microBatches: 4, recompute: false }]);
  const short = choicesFor(diffWaveNetwork(classic.model), { B: 4, L: 2048 });
  assert.equal(short.slice(0, 2), [whole, { microBatches: 1, recompute: true }]);
  assert.is(new Set(choicesFor(diffWaveNetwork(config), { B: 5, L: 10 }).map((choice) => JSON.stringify(choice))).size, 2 * 4); // 1, 2, 4 and 5 parts
});

test('where memory is scarce, partial sums do not wait for others, and small tensors do not take large buffers', async () => {
  const { model, training } = presetNamed('gtzan');
  const options = await optionsFor(model, { ...training, batchSize: 4 }, 36_750);
  const MiB = (variant: VariantSettings, memory: MemoryChoice): number => {
    const [plan] = fittingPlans({ ...options, variant, memory, limits: { maxStorageBufferBindingSize: 2 ** 31 } });
    return plan!.forecast.total / 2 ** 20;
  };
  for (const variant of allVariants.filter((each) => each.variant === 'tile' || each.variant === 'broadcast')) {
    const [parts, both] = [false, true].map((recompute) => MiB(variant, { microBatches: 4, recompute }));
    assert.ok(both! < 200, `${variant.variant}: ${both} MiB`); // 174 and 179; with six layers' sums it was 246 and 301
    assert.ok(parts! < 470, `${variant.variant}: ${parts} MiB`);
  }
});

/** Weights, and the norms and losses, after three updates. */
async function updates(memory: MemoryChoice, variant: 'naive' | 'tile' | 'broadcast') {
  const gpu = await gpuForTests();
  const usual = gpu.variant;
  gpu.variant = variantNamed(variant, gpu.device, gpu.info)!;
  try {
    const model = DiffWave.create(gpu, config, { seed: 5 });
    const L = training.cropSamples!;
    const batches = new BatchSource(dataset, { ...training, B: training.batchSize, L, T: config.diffusionSteps });
    const trainer = await Trainer.create({ model, training, L, memory });
    for (let step = 0; step < 3; step++) trainer.update(batches.at(step));
    const result = {
      weights: await model.weights(), gradients: await model.parameters.read(model.parameters.gradients),
      losses: await trainer.losses(3), norms: await trainer.norms(3),
    };
    trainer.destroy();
    model.destroy();
    return result;
  } finally {
    gpu.variant = usual;
  }
}

for (const variant of ['naive', 'tile', 'broadcast'] as const) {
  test(`${variant}: recomputing changes no bit, parts change roundings alone`, async () => {
    const plain = await updates(whole, variant);
    assert.equal(await updates({ ...whole, recompute: true }, variant), plain);
    for (const microBatches of [2, 5]) {
      const parts = await updates({ microBatches, recompute: false }, variant);
      assertClose(parts.losses, plain.losses, { rtol: 1e-5, what: `losses in ${microBatches} parts` });
      assertClose(parts.norms, plain.norms, { rtol: 1e-4, what: `norms in ${microBatches} parts` });
      for (const [name, gradient] of parts.gradients) {
        // Of the third update: Adam may have moved a weight whose gradient is near 0 elsewhere by up to its learning rate.
        assertClose(gradient, plain.gradients.get(name)!, { atol: 5e-3 * largest(plain.gradients.get(name)!), what: `d ${name}` });
      }
      const both = await updates({ microBatches, recompute: true }, variant);
      assert.equal(both, parts);
    }
  });
}

for (const [name, memory, crop, parts = null] of [
  ['tiny', whole, 2048],
  ['tiny', { microBatches: 1, recompute: true }, 2048],
  ['tiny', { microBatches: 4, recompute: false }, 2048],
  ['tiny', whole, 2048, 2],
  ['gtzan', whole, 36_750],
  ['gtzan', { microBatches: 1, recompute: true }, 36_750],
] as const) {
  const B = name === 'gtzan' ? 1 : 4;
  test(`${name}, batch ${B}, ${JSON.stringify(memory)}, parts ${parts}: the peak is within 5 % of what was predicted`, async () => {
    const gpu = await gpuForTests();
    const { model: preset, training } = presetNamed(name);
    const config = { ...preset, scale: 1 };
    gpu.buffers.trim();
    const before = gpu.buffers.liveBytes;
    const model = DiffWave.create(gpu, config);
    const trainer = await Trainer.create({ model, training: { ...training, batchSize: B, parts }, L: crop, memory });
    await trainer.optimizerState(); // as for a checkpoint
    if (parts !== null) await trainer.update({ audio: new Float32Array(B * crop), t: Array<number>(B).fill(0) });
    const actual = gpu.buffers.peakBytes - before;
    const { forecast: { total, ...uses } } = trainer.memory;
    assert.is(Object.values(uses).reduce((sum, bytes) => sum + bytes), total);
    assert.ok(Math.abs(actual / total - 1) < 0.05, `${actual} bytes, ${total} predicted`);
    trainer.destroy();
    model.destroy();
  });
}

test('a limit makes the plan smaller, step by step, down to what names the longest crop', async () => {
  const L = 3000; // long enough for activations to matter more than uniforms
  const options = await optionsFor(config, training, L);
  const plans = [...fittingPlans(options)];
  assert.is(plans.length, 8);
  for (const { choice, forecast: { total } } of plans) {
    const [first] = fittingPlans({ ...options, memoryLimit: total });
    assert.ok(first!.forecast.total <= total);
    const cheaper = plans.slice(0, plans.findIndex((plan) => plan.choice === choice));
    assert.equal(first, cheaper.find((plan) => plan.forecast.total <= total) ?? { choice, forecast: first!.forecast });
  }
  const least = Math.min(...plans.map(({ forecast }) => forecast.total));
  const memoryLimit = least - 1;
  assert.equal([...fittingPlans({ ...options, memoryLimit })], []);
  const longest = longestCrop({ ...options, memoryLimit })!;
  assert.ok(longest < L && longest > L / 2, `${longest}`);
  assert.is(fitCrop({ ...options, memoryLimit }), longest);
  assert.is([...fittingPlans({ ...options, L: longest, memoryLimit })].length > 0, true);
  assert.equal([...fittingPlans({ ...options, L: longest + 1, memoryLimit, memory: { microBatches: 5, recompute: true } })], []);
  assert.match(misfit({ ...options, memoryLimit }).message, new RegExp(`iB may be used: use shorter crops \\(\`cropSamples\`, at most ${longest}\\)`));
  assert.match(misfit({ ...options, memory: whole, memoryLimit }).message, /^the training step does not fit: \S+ .iB of GPU memory are needed/);
  assert.throws(() => fitCrop({ ...options, memoryLimit: 1000 }), (error: unknown) => error instanceof UserError && /use a smaller network/.test(error.message));
  options.parameters.destroy();
});

test('crops that are told frames of a spectrogram are shortened by whole ones', async () => {
  const options = await optionsFor({ ...config, conditioner: 'mel', melBands: 4, hopSamples: 64 }, training, 64 * 40);
  const least = Math.min(...[...fittingPlans(options)].map(({ forecast }) => forecast.total));
  const longest = longestCrop({ ...options, memoryLimit: least - 1 })!;
  assert.ok(longest % 64 === 0 && longest < options.L && longest > options.L / 2, `${longest}`);
  assert.equal([...fittingPlans({ ...options, L: longest + 64, memoryLimit: least - 1, memory: { microBatches: 5, recompute: true } })], []);
  options.parameters.destroy();
});

test('the large presets are planned for an adapter that binds 128 MiB at once, on every variant', async () => {
  const gpu = await gpuForTests();
  for (const [name, B] of [['gtzan', 4], ['diffwave-sc09', 16], ['diffwave-base', 16]] as const) {
    const { model: preset, training } = presetNamed(name);
    const config = { ...preset, scale: 1 };
    const L = training.cropSamples ?? 36_750;
    const options = await optionsFor(config, { ...training, batchSize: B }, L);
    for (const variant of ['naive', 'tile', 'broadcast'] as const) {
      const settings = variantNamed(variant, gpu.device, gpu.info)!;
      const [plan] = fittingPlans({ ...options, variant: { ...settings, maxStorageBytes: 2 ** 27 }, memoryLimit: 8 * 2 ** 30 });
      assert.ok(plan, `${name} with ${variant}`);
    }
    options.parameters.destroy();
  }
});

test('an adapter that runs out of memory while the step is built gets the next smaller plan', async () => {
  const gpu = await gpuForTests();
  const model = DiffWave.create(gpu, config, { seed: 5 });
  const { device } = gpu;
  const [createBuffer, popErrorScope] = [device.createBuffer, device.popErrorScope];
  let refused = 0;
  let refuse = false;
  // A software adapter does not run out of buffers of this size: from 40 KiB on, this one pretends to.
  device.createBuffer = (descriptor) => {
    refuse = descriptor.size > 40 * 1024;
    return createBuffer.call(device, descriptor);
  };
  device.popErrorScope = async () => {
    const [pretend, real] = [refuse, popErrorScope.call(device)];
    refuse = false;
    if (pretend) refused++;
    return (await real) ?? (pretend ? ({ message: 'out of memory' } as GPUError) : null);
  };
  try {
    const small: TrainingConfig = { ...training, batchSize: 8 };
    gpu.buffers.trim();
    const trainer = await Trainer.create({ model, training: small, L: 100 });
    assert.ok(refused > 0);
    assert.is.not(trainer.memory.choice.microBatches, 1);
    trainer.destroy();
    gpu.buffers.trim();
    await assertRejects(() => Trainer.create({ model, training: small, L: 2000 }), /the GPU has no memory left for '/);
  } finally {
    device.createBuffer = createBuffer;
    device.popErrorScope = popErrorScope;
  }
  gpu.buffers.trim();
  (await Trainer.create({ model, training, L: 61 })).destroy(); // nothing is left of the shortage
  model.destroy();
});

async function assertRejects(run: () => Promise<unknown>, pattern: RegExp): Promise<void> {
  const error = await run().then(() => undefined, (reason: unknown) => reason);
  assert.instance(error, UserError);
  assert.match((error as UserError).message, pattern);
}

test.run();
