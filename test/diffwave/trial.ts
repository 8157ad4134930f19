/** What the tests of training share: a network so small that a step takes milliseconds on any adapter, clips, a run. */
import type { ClipSource } from '../../src/diffwave/data/clips.ts';
import type { DiffWaveConfig } from '../../src/diffwave/model/config.ts';
import type { TrainingConfig } from '../../src/diffwave/training/config.ts';
import type { Checkpoint } from '../../src/diffwave/files/run.node.ts';
import { DiffWave } from '../../src/diffwave/model/model.ts';
import { streams } from '../../src/diffwave/streams.ts';
import { train } from '../../src/diffwave/training/loop.ts';
import type { Progress, TrainOptions } from '../../src/diffwave/training/loop.ts';
import { normals } from '../../src/reference/random.ts';
import { noise, sine } from '../audio/helpers.ts';
import { gpuForTests } from '../gpuForTests.ts';
import { classic } from './classic.ts';

export const config: DiffWaveConfig = {
  ...classic.model, layers: 2, channels: 8, dilationCycle: 2, encodingWidth: 16, embeddingWidth: 16,
};
export const training: TrainingConfig = { ...classic.training, batchSize: 2, cropSamples: 61, learningRate: 1e-3 };

/** Five clips of 100 samples, no two alike. */
export const dataset: ClipSource = {
  clipCount: 5,
  clipSamples: 100,
  clip: (i) => (i % 2 ? noise(100, i) : sine({ hertz: 300 + 100 * i, sampleRate: 7350, samples: 100 })),
};

/** What a run of `train` said, saved and threw. */
export async function trial(options: Partial<TrainOptions> & { steps: number }, model?: DiffWave) {
  const reports: Progress[] = [];
  const saved: Checkpoint[] = [];
  const trained = model ?? DiffWave.create(await gpuForTests(), config, { seed: 5 });
  let problem: unknown;
  const last = await train(trained, {
    dataset,
    training,
    onProgress: (progress) => reports.push(progress),
    onSave: (state) => void saved.push(state),
    ...options,
  }).catch((error: unknown) => { problem = error; });
  const weights = await trained.weights();
  trained.destroy();
  return { reports, saved, problem, last, weights };
}

/** ε of a training step, (B, L), out of the float64 reference. */
export function noiseOf({ step, B, L }: { step: number; B: number; L: number }): Float64Array {
  const place = { seed: training.seed, stream: streams.trainingNoise, step, length: L };
  return Float64Array.from(Array.from({ length: B }, (_, item) => [...normals({ ...place, item })]).flat());
}
