/** What every peer gets: the same weights, the same x_t and noise, as files in a folder. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Executable } from '../../src/autograd/executable.ts';
import { planTape } from '../../src/autograd/plan.ts';
import { Tape } from '../../src/autograd/tape.ts';
import type { DiffWave } from '../../src/diffwave/model/model.ts';
import { scheduleOf } from '../../src/diffwave/schedule/schedule.ts';
import { streams } from '../../src/diffwave/streams.ts';
import { encodingTable } from '../../src/ops/encode.ts';
import { noise, noiseValues } from '../../src/ops/noise.ts';
import type { Sizes } from '../lib/work.ts';
import { batchOf, configured } from '../lib/work.ts';

/** Untrained, the last convolution is zero, and the loss would not depend on the rest of the network. */
export function makeLastLayerMatter(model: DiffWave): void {
  const { parameters } = model;
  const { buffer, offset, size } = parameters.range(parameters.values, 'output_projection.weight');
  const weights = Float32Array.from({ length: size / 4 }, (_, i) => 0.1 * Math.sin(i + 1));
  model.gpu.device.queue.writeBuffer(buffer, offset, weights);
  parameters.valuesChange();
}

/** Writes the case of the first training step on `batchOf(sizes)`. */
export async function writeCase(model: DiffWave, sizes: Sizes, folder: string): Promise<void> {
  const { B, L } = sizes;
  const { gpu, config } = model;
  const { training } = configured(sizes);
  const { audio, t } = batchOf(config, sizes);
  const wanted = await trainingNoise(model, sizes);
  const schedule = scheduleOf(config);
  const noisy = audio.map((x, i) => {
    const step = t[Math.floor(i / L)];
    return schedule.sqrtAlphaBar[step!]! * x + schedule.sqrtOneMinusAlphaBar[step!]! * wanted[i]!;
  });
  const { encodingWidth: width, diffusionSteps: steps, encoding: kind } = config;
  const table = encodingTable({ kind, steps, width });
  const encoding = Float32Array.from({ length: B * width }, (_, i) => table[t[Math.floor(i / width)]! * width + (i % width)]!);
  const { learningRate, beta1, beta2, epsilon } = training;

  const about = { config, B, L, software: gpu.isSoftware, adam: { learningRate, beta1, beta2, epsilon } };
  writeFileSync(join(folder, 'case.json'), JSON.stringify(about));
  writeFileSync(join(folder, 'weights.safetensors'), await model.toBytes());
  for (const [name, values] of Object.entries({ noisy, wanted, encoding })) {
    writeFileSync(join(folder, `${name}.f32`), new Uint8Array(values.buffer));
  }
}

/** ε of the first training step. */
async function trainingNoise({ gpu }: DiffWave, sizes: Sizes): Promise<Float32Array<ArrayBuffer>> {
  const { B, L } = sizes;
  const tape = new Tape();
  const drawn = tape.keep(noise(tape, { B, L, stream: streams.trainingNoise }));
  using executable = await Executable.build(gpu, planTape(tape));
  executable.run(noiseValues({ seed: configured(sizes).training.seed, step: 0 }));
  return await executable.read(drawn);
}
