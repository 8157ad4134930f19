/**
 * `npm run bench:recipes -- --data <folder>`: ways to train, each with the same floating-point operations, by the yardstick of
 * `evaluate` on tracks that none of them was trained on. Rows go to `--json` as they come, so that runs add up.
 */
import { appendFileSync } from 'node:fs';
import { datasetFrom } from '../src/dataset/dataset.node.ts';
import { splitByTrack } from '../src/diffwave/data/split.ts';
import { presetNamed } from '../src/diffwave/presets.ts';
import { sample } from '../src/diffwave/sampling/sampling.ts';
import { UserError } from '../src/errors.ts';
import type { ScaledFigure } from '../src/evaluation/yardstick.ts';
import { Yardstick } from '../src/evaluation/yardstick.ts';
import { command } from '../scripts/lib/cli/command.ts';
import { openGpu } from '../scripts/lib/adapter/openGpu.ts';
import { trainingFlops } from '../src/roofline/flops.ts';
import { table } from './lib/report.ts';
import { CLASSIC, FACTORS, recipeNamed } from './recipes/list.ts';
import { trainRecipe } from './recipes/run.ts';

interface Row {
  readonly recipe: string;
  readonly seed: number;
  /** Which tracks were held out; 0 where it is not said. */
  readonly split?: number;
  /** Floating-point operations of the training, of which each recipe has as many. */
  readonly flop: number;
  readonly updates: number;
  readonly loss: number;
  readonly frechet: ScaledFigure;
  readonly modulation: ScaledFigure;
  readonly logSpectrum: number; // dB
  readonly level: number; // dB against the held-out tracks
}

await command({
  name: 'bench:recipes',
  summary: 'compares ways to train at equal compute, by what held-out tracks say of their samples',
  flags: {
    data: { type: 'string', placeholder: '<folder>', required: true, help: 'data set, or folder of music' },
    heldOut: { type: 'integer', default: 8, min: 1, help: 'tracks that are not trained on' },
    split: { type: 'integer', default: 0, min: 0, help: 'which tracks these are: a choice by one number is confirmed by another' },
    recipes: { type: 'string', default: 'classic,tiny', help: `names with commas between, each "classic" or "tiny" and factors with dots before: ${Object.keys(FACTORS).join(', ')}` },
    seeds: { type: 'string', default: '0,1,2', help: 'of weights, crops, noise and samples; numbers with commas between' },
    budget: { type: 'number', default: 1170, above: 0, help: 'of each: as many operations as so many updates of `classic` take (the demo: 1170)' },
    count: { type: 'integer', default: 16, min: 2, help: 'samples of each' },
    seconds: { type: 'number', default: 2.5, above: 0, help: 'of each sample' },
    json: { type: 'string', placeholder: '<file>', help: 'append a row of JSON for each training' },
  },
}).does(async ({ flags }) => {
  const recipes = flags.recipes.split(',').map((name) => ({ name, recipe: recipeNamed(name) }));
  const seeds = flags.seeds.split(',').map(Number);
  if (!seeds.every((seed) => Number.isSafeInteger(seed) && seed >= 0)) throw new UserError(`--seeds must be whole numbers with commas between, got ${flags.seeds}`);
  const { data } = presetNamed('tiny');
  const dataset = await datasetFrom(flags.data, data, console.log);
  const split = splitByTrack(dataset, { tracks: flags.heldOut, seed: flags.split, leastClips: 8 });
  const { sampleRate } = dataset;
  const yardstick = Yardstick.of({ training: split.training, heldOut: split.validation!, sampleRate });
  const gpu = await openGpu({ tune: true, model: CLASSIC.model });
  const flop = flags.budget * trainingFlops(CLASSIC.model) * CLASSIC.training.batchSize * CLASSIC.training.cropSamples!;
  const L = Math.round(flags.seconds * sampleRate);
  const rows: Row[] = [];
  for (const seed of seeds) {
    for (const { name, recipe } of recipes) {
      const clips = { ...split.training, sampleRate };
      const { model, updates, loss } = await trainRecipe(gpu, recipe, { clips, flop, seed });
      const { audio } = await sample(model, { shape: [flags.count, L], seed, ...recipe.sampling });
      model.destroy();
      const { frechet, modulation, logSpectrum, level } = yardstick.measure(audio);
      const row = { recipe: name, seed, ...(flags.split > 0 && { split: flags.split }), flop, updates, loss, frechet, modulation, logSpectrum: logSpectrum.samples, level: level.samples - level.heldOut };
      rows.push(row);
      if (flags.json !== undefined) appendFileSync(flags.json, `${JSON.stringify(row)}\n`);
      console.log(`${name}, seed ${seed}: ${updates} updates, loss ${loss.toFixed(4)}, ${shown([row]).slice(1).join(', ')}`);
    }
  }
  console.log(`\n${split.tracks} tracks held out; ${(flop / 1e12).toPrecision(3)} TFLOP each; mean ± standard error of ${seeds.length} seeds; 0 % other music of this set, 100 % only a spectrum`);
  console.log(table(['recipe', 'Fréchet', 'modulation', 'log spectrum', 'level'], recipes.map(({ name }) => shown(rows.filter(({ recipe }) => recipe === name)))));
  gpu.close();
}).run();

/** A recipe's line of the table. */
function shown(rows: readonly Row[]): string[] {
  const over = (unit: string, digits: number, of: (row: Row) => number): string => {
    const values = rows.map(of);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    if (values.length < 2) return `${mean.toFixed(digits)} ${unit}`;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
    return `${mean.toFixed(digits)} ± ${Math.sqrt(variance / values.length).toFixed(digits)} ${unit}`;
  };
  return [
    rows[0]!.recipe,
    over('%', 0, ({ frechet }) => frechet.percent),
    over('%', 0, ({ modulation }) => modulation.percent),
    over('dB', 1, ({ logSpectrum }) => logSpectrum),
    over('dB', 1, ({ level }) => level),
  ];
}
