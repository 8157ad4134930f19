/** `npm run bench:recipes`: ways to train, each with the same floating-point operations, by the yardstick of `evaluate`. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadDataset } from '../src/dataset/dataset.node.ts';
import { rootMeanSquare } from '../src/audio/level.ts';
import { logSpectrumDistance, meanLogSpectrum } from '../src/audio/spectrogram.ts';
import { splitByTrack } from '../src/diffwave/data/split.ts';
import { presetNamed } from '../src/diffwave/presets.ts';
import { command } from '../scripts/lib/cli/command.ts';
import { openGpu } from '../scripts/lib/adapter/openGpu.ts';
import { trainingFlops } from './lib/flops.ts';
import { recipeNamed } from './recipes/list.ts';
import { sample } from '../src/diffwave/sampling/sampling.ts';
import { trainRecipe } from './recipes/run.ts';

await command({
  name: 'bench:recipes',
  summary: 'compares ways to train at equal compute',
  flags: {
    data: { type: 'string', placeholder: '<folder>', required: true, help: 'prepared data set' },
    recipes: { type: 'string', default: 'tiny', help: 'names, with commas between' },
    seeds: { type: 'string', default: '0', help: 'numbers, with commas between' },
    budget: { type: 'number', default: 600, above: 0, help: 'updates of the preset tiny' },
    out: { type: 'string', default: '/tmp/recipes', help: 'folder for sounds and rows' },
    samplers: { type: 'boolean', help: 'also other samplers' },
    count: { type: 'integer', default: 16, min: 1, help: 'samples' },
  },
}).does(async ({ flags }) => {
  const dataset = loadDataset(flags.data);
  const split = splitByTrack(dataset, { tracks: 8, seed: 0, leastClips: 4 });
  const gpu = await openGpu({ tune: false, model: presetNamed('tiny').model });
  const tiny = presetNamed('tiny');
  const flop = flags.budget * trainingFlops(tiny.model) * tiny.training.batchSize * tiny.training.cropSamples!;
  mkdirSync(flags.out, { recursive: true });
  const mean = (clips: Float32Array[]) => { const all = clips.map((c) => meanLogSpectrum(c)); return all[0]!.map((_, k) => all.reduce((s, a) => s + a[k]!, 0) / all.length); };
  const heldOut = Array.from({ length: split.validation!.clipCount }, (_, i) => split.validation!.clip(i));
  const wanted = mean(heldOut);
  const L = Math.round(2.5 * dataset.sampleRate);
  for (const seed of flags.seeds.split(',').map(Number)) {
    for (const name of flags.recipes.split(',')) {
      const recipe = recipeNamed(name);
      const { model, updates, loss, seconds } = await trainRecipe(gpu, recipe, { preset: tiny, clips: { ...split.training, sampleRate: dataset.sampleRate }, flop, seed });
      const samplers: [string, object][] = [['', {}]];
      if (flags.samplers) samplers.push(['+ddim', { sampler: 'ddim', variance: undefined }], ['+dpm20', { sampler: 'dpm++', variance: undefined, steps: 20 }], ['+beta', { variance: 'beta' }]);
      for (const [suffix, sampling] of samplers) {
        const start = performance.now();
        const { audio } = await sample(model, { shape: [flags.count, L], seed: 1000 + seed, ...recipe.sampling, ...sampling });
        const sampled = (performance.now() - start) / 1000;
        const flat = new Float32Array(flags.count * L);
        audio.forEach((clip, i) => flat.set(clip, i * L));
        writeFileSync(join(flags.out, `${name}${suffix}.${flags.budget}.${seed}.f32`), new Uint8Array(flat.buffer));
        const rms = Math.sqrt(audio.reduce((s, c) => s + rootMeanSquare(c) ** 2, 0) / audio.length);
        const row = { name: name + suffix, budget: flags.budget, seed, updates, loss: Number(loss.toFixed(4)), seconds: Number(seconds.toFixed(1)), sampled: Number(sampled.toFixed(1)), rms: Number(rms.toFixed(3)), lsd: Number(logSpectrumDistance(mean(audio), wanted).toFixed(2)) };
        console.log(JSON.stringify(row));
        appendFileSync(join(flags.out, 'rows.jsonl'), `${JSON.stringify(row)}\n`);
      }
      model.destroy();
    }
  }
  gpu.close();
}).run();
