/** npm run evaluate: how much the sounds of a network are like music that it has not heard. */
import { existsSync } from 'node:fs';
import { RunFolder } from '../src/diffwave/files/run.node.ts';
import { Yardstick } from '../src/evaluation/yardstick.ts';
import { UserError, escaped } from '../src/errors.ts';
import { ensureAdapter } from './lib/adapter/gpu.ts';
import { noTuneFlag } from './lib/adapter/openGpu.ts';
import { command } from './lib/cli/command.ts';
import { typed } from './lib/cli/flags.ts';
import { packageVersion } from './lib/cli/invocation.ts';
import { evaluationFile, recordVersion, writeEvaluation } from './lib/evaluate/record.ts';
import { rowsOf, tableText } from './lib/evaluate/rows.ts';
import { setsFrom } from './lib/evaluate/sets.ts';
import { makeSounds, makingFlags, makingOf, readSounds } from './lib/evaluate/sounds.ts';
import { classesText } from './lib/evaluate/classes.ts';
import { inWords } from './lib/evaluate/verdict.ts';

/** Sets of samples that are drawn for the intervals: their ends are steady to about a tenth of their width. */
const bootstrapDraws = 400;

const cli = command({
  name: 'evaluate',
  summary: 'Says how much samples are like music: distances from held-out tracks beside those of music and noise, copies, variety.',
  flags: {
    run: { type: 'string', placeholder: '<run>', help: 'folder of a training run, to make samples with' },
    samples: { type: 'string', placeholder: '<folder>', help: 'WAV files to evaluate, instead of making some' },
    data: { type: 'string', placeholder: '<folder>', help: "data set, or folder of music (the run's)" },
    heldOut: { type: 'string', placeholder: '<folder>', help: 'music that was not trained on, to measure from (the tracks that the run kept back)' },
    count: { type: 'integer', default: 64, min: 2, help: 'samples to make: few make wide intervals' },
    ...makingFlags,
    seed: { type: 'integer', default: 0, min: 0, help: 'of the samples, and of what they are compared with' },
    out: { type: 'string', placeholder: '<folder>', help: 'keep the samples there' },
    json: { type: 'string', placeholder: '<file>', help: 'the figures (evaluation.json in --run, or in --samples)' },
    noTune: noTuneFlag,
  },
});

export default cli.does(async ({ flags, given }) => {
  const print = (line: string): void => console.log(line);
  if (flags.run === undefined && flags.samples === undefined) throw new UserError('--run <run> is required, or --samples <folder>');
  if (flags.samples !== undefined) {
    const stray = [...Object.keys(makingFlags), 'count', 'out', 'noTune'].find((key) => given.has(key as keyof typeof flags));
    if (stray !== undefined) throw new UserError(`${typed(stray)} has no meaning with --samples: they are made already`);
    if (!existsSync(flags.samples)) throw new UserError(`${flags.samples}: there is no such folder (samples wanted)`);
  }
  const run = flags.run === undefined ? undefined : RunFolder.open(flags.run);
  if (run && flags.samples === undefined) {
    makingOf(flags, { run, clipSeconds: 1 }); // refuses what contradicts itself, before work
    await ensureAdapter(); // it may start the process again, which would say and prepare everything twice
  }
  const { training, heldOut, files, sampleRate, options } = await setsFrom({ run, data: flags.data, heldOut: flags.heldOut, print });
  const yardstick = Yardstick.of({ training, heldOut, sampleRate, seed: flags.seed }); // refuses clips that are too short
  print(`held out  ${heldOut.clipCount} clips of ${files.length} ${files.length === 1 ? 'file' : 'files'}, ${namesOf(files)}; trained on ${training.clipCount} clips`);

  const typedFlags = Object.fromEntries([...given].map((key) => [typed(key), flags[key]]));
  const made = flags.samples !== undefined
    ? { sounds: await readSounds(flags.samples, { sampleRate, downsample: options.downsample }, print) }
    : await makeSounds({ run: run!, flags, given: Object.fromEntries([...given].map((key) => [key, flags[key]])), clipSeconds: heldOut.clipSamples / sampleRate });
  const { sounds } = made;
  const seconds = Math.min(...sounds.map(({ length }) => length)) / sampleRate;
  print(`measuring ${sounds.length} samples of ${seconds.toFixed(2)} s`);
  const measurement = yardstick.measure(sounds, { draws: bootstrapDraws });
  print('looking for copies of training clips');
  const copies = yardstick.copies(sounds);
  if (copies.seconds.searched < copies.seconds.all) {
    print(`note: ${Math.round(copies.seconds.searched / 60)} of ${Math.round(copies.seconds.all / 60)} minutes were searched, spread evenly`);
  }
  const { labels, names = [] } = { names: run?.config.model.labels, ...('labels' in made && { labels: made.labels }) };
  const classes = labels && yardstick.classes(sounds, labels);
  const verdict = inWords(measurement, copies);
  print(`\n${tableText(rowsOf(measurement, copies))}${classes ? `\n\n${classesText(classes, names)}` : ''}\n\n${verdict}`);
  const file = flags.json ?? evaluationFile(flags.samples ?? flags.run!);
  writeEvaluation(file, {
    format: recordVersion, version: packageVersion(), count: sounds.length, seconds, sampleRate,
    step: 'weights' in made ? made.weights.step : null,
    flags: typedFlags, heldOut: { clips: heldOut.clipCount, files }, measurement, copies, ...(classes && { labels: names, classes }), verdict,
  });
  print(`figures   ${file}`);
});

function namesOf(files: readonly string[]): string {
  const shown = 3;
  const more = files.length > shown ? ` and ${files.length - shown} more` : '';
  return `${files.slice(0, shown).map(escaped).join(', ')}${more}`;
}
