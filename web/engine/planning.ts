/** What a training would take of the GPU's memory: planned before there is one. */
import type { Dataset, DiffWaveConfig, Gpu, MemoryPlan, TrainingConfig } from '../../src/web.ts';
import {
  Model, diffWaveNetwork, fittingPlans, formatBytes, largestOnTheWay, misfit, recordedOf, samplingMemory, shapingOf, trainingOver, validationBytes,
} from '../../src/web.ts';
import { labelsWanted } from './labels.ts';
import type { TrainingWish } from './protocol.ts';


/** Bytes beside training on crops of L samples: validation with a place for the weights meanwhile, and a sound on the way with a copy of them. */
export function besideTraining(model: Model, { config, validates, sounds }: { config: DiffWaveConfig; validates: boolean; sounds: boolean }): (L: number) => number {
  const { network, parameters, gpu: { variant }, diffusion: { prediction } } = model;
  const sampling = sounds ? samplingMemory(model, largestOnTheWay(config)) : undefined;
  const forSounds = sampling ? sampling.clips + sampling.tile + parameters.size : 0;
  return (L) => forSounds + (validates ? validationBytes({ network, prediction, parameters, variant, L }) + parameters.size : 0);
}

/** A line about the plan of this wish, or what is in its way: a `UserError`. Nothing of it stays allocated. */
export function planOf(wish: TrainingWish, { gpu, dataset }: { gpu: Gpu; dataset: Dataset }): string {
  const config: DiffWaveConfig = { ...wish.model, ...labelsWanted(wish, dataset), sampleRate: dataset.sampleRate, ...(wish.model.scale === 'unit' && { scale: 1 }) }; // memory is the same
  const network = diffWaveNetwork(config);
  using model = new Model(gpu, { network, diffusion: config, shaping: shapingOf(config), lossKind: config.loss, weights: zeros(network.specs) });
  const training = trainingOver(wish.steps, wish.training);
  const L = training.cropSamples ?? dataset.clipSamples;
  const { memoryLimit, soundEvery } = wish;
  const beside = besideTraining(model, { config, validates: dataset.manifest.trackCount > 1, sounds: soundEvery > 0 });
  const options = { ...recordedOf({ model, training, L }), limits: gpu.device.limits, memoryLimit, beside };
  const [plan] = fittingPlans(options);
  if (!plan) throw misfit(options);
  return planLine(plan, { parameters: model.parameters.count, training });
}

/** How the step is worked through, and what of the memory is for what. */
export function planLine({ choice, forecast }: MemoryPlan, { parameters, training: { batchSize } }: { parameters: number; training: TrainingConfig }): string {
  const batch = choice.microBatches === 1 ? 'the whole batch at once' : `the batch of ${batchSize} in ${choice.microBatches} parts`;
  const activations = choice.recompute ? 'activations computed again for the gradients' : 'activations kept';
  const { total, beside, ...parts } = forecast;
  const shares = Object.entries({ ...parts, 'validation and sounds': beside }).map(([name, bytes]) => `${name} ${formatBytes(bytes)}`).join(', ');
  return `${parameters.toLocaleString('en')} parameters, ${batch}, ${activations}; ${formatBytes(total)} of GPU memory (${shares})`;
}

/** In the place of weights where only their sizes matter; those of one size share theirs. */
function zeros(specs: Model['network']['specs']): Map<string, Float32Array<ArrayBuffer>> {
  const bySize = new Map<number, Float32Array<ArrayBuffer>>();
  return new Map(specs.map(({ name, shape }) => {
    const size = shape.reduce((product, length) => product * length, 1);
    if (!bySize.has(size)) bySize.set(size, new Float32Array(size));
    return [name, bySize.get(size)!];
  }));
}
