/** A run for the tests of `sample`. */
import { join } from 'node:path';
import type { DiffWaveConfig } from '../../../src/diffwave/model/config.ts';
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import { RunFolder } from '../../../src/diffwave/files/run.node.ts';
import { initialWeights } from '../../../src/diffwave/model/weights.ts';
import { temporaryFolder } from '../../audio/helpers.ts';
import { gpuForTests } from '../../gpuForTests.ts';
import { classic } from '../../diffwave/classic.ts';

const config: DiffWaveConfig = {
  ...classic.model,
  layers: 2,
  channels: 8,
  dilationCycle: 2,
  encodingWidth: 16,
  embeddingWidth: 16,
  diffusionSteps: 3,
};

/** The run of a network that has learned nothing, but of data of this spectrum. */
export async function makeRun(spectrum?: Float32Array): Promise<RunFolder> {
  const model = DiffWave.create(await gpuForTests(), config, { seed: 1 });
  model.spectrum = spectrum;
  const run = RunFolder.create(join(temporaryFolder(), 'run'), {
    preset: 'tiny', model: config, training: classic.training, data: 'music',
  });
  const [m, v, average] = [2, 3, 4].map((seed) => initialWeights(config, seed));
  await run.save(model, { step: 1, seconds: 1, m: m!, v: v!, average });
  model.destroy();
  return run;
}
