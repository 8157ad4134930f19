/** The sounds that are evaluated: made with a run, or read from a folder. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../../../src/disk/files.node.ts';
import type { WeightsIdentity } from '../../../src/diffwave/files/run.node.ts';
import type { RunFolder } from '../../../src/diffwave/files/run.node.ts';
import { labelsTold } from '../../../src/diffwave/model/labels.ts';
import { sample } from '../../../src/diffwave/sampling/sampling.ts';
import { UserError } from '../../../src/errors.ts';
import { installedVersions } from '../../../src/tuning/tuning.node.ts';
import { openGpu } from '../adapter/openGpu.ts';
import type { CommandSpec, Parsed } from '../cli/flags.ts';
import { parse } from '../cli/flags.ts';
import type { SamplingTask } from '../sample/flags.ts';
import { samplingFlags, taskOf } from '../sample/flags.ts';
import type { SoundOptions } from '../sample/input.ts';
import { loadSounds } from '../sample/input.ts';
import { SampleOutput } from '../sample/output.ts';
import { SampleProgress } from '../sample/progress.ts';

/** Those of `sample` that say how new sound is made. */
const { seconds, length, sampler, steps, spacing, variance, eta, betas, clamp, guidance, tileSamples } = samplingFlags;
export const makingFlags = {
  seconds: { ...seconds, help: 'length of each (that of the clips, at most 5)' },
  length, sampler, steps, spacing, variance, eta, betas, clamp, tileSamples,
  guidance: { ...guidance, help: 'of a network with labels, which makes samples of all of them in turn: how far towards the label (1)' },
  start: { type: 'string', choices: ['white', 'shaped'], default: 'white', help: 'x_T, as in sample' },
  rawWeights: { type: 'boolean', help: 'the weights as they were trained last, not their running mean' },
} as const satisfies CommandSpec['flags'];

export type MakingFlags = Parsed<{ name: string; summary: string; flags: typeof makingFlags }>['flags'];

/** Flags of `sample` that have no meaning here, as if nobody had typed them. */
const untyped = parse({ name: 'sample', summary: '', flags: samplingFlags }, []).flags;

/** Longer samples take longer and say little more. */
const usualSeconds = 5;

/** What will be made. Throws a `UserError` on flags that contradict each other. */
export function makingOf(flags: MakingFlags, { run, clipSeconds }: { run: RunFolder; clipSeconds: number }): SamplingTask {
  const { start: _, rawWeights: __, guidance: ___, ...rest } = flags;
  if (flags.guidance !== undefined && !run.config.model.labels) throw new UserError('--guidance is for networks with labels, which this one has not');
  if (run.config.model.conditioner === 'mel') throw new UserError('this network makes sound out of spectrograms, and has none to make here: make some with sample --like, and give them as --samples');
  const seconds = rest.length === undefined ? rest.seconds ?? Math.min(usualSeconds, clipSeconds) : rest.seconds;
  const load = (): never => { throw new Error('new sound is made from nothing'); };
  return taskOf({ ...untyped, ...rest, seconds }, { config: run.config.model, load });
}

export interface MakeOptions {
  readonly run: RunFolder;
  readonly flags: MakingFlags & { readonly seed: number; readonly count: number; readonly out?: string; readonly noTune: boolean };
  readonly given: Readonly<Record<string, unknown>>;
  readonly clipSeconds: number;
}

/**
 * Makes the samples, numbers 0 … count − 1 of the seed: the same as those of `sample`. With `out` they are kept there. A network with
 * labels is told one label after the other; `labels` says which.
 */
export async function makeSounds({ run, flags, given, clipSeconds }: MakeOptions): Promise<{ sounds: Float32Array[]; weights: WeightsIdentity; labels?: number[] }> {
  const { L, options } = makingOf(flags, { run, clipSeconds });
  const progress = new SampleProgress({ clips: flags.count, terminal: process.stdout });
  const print = (line: string): void => progress.print(line);
  const gpu = await openGpu({ tune: !flags.noTune, model: run.config.model, print });
  const model = await run.load(gpu, { raw: flags.rawWeights });
  const weights = run.identifyWeights({ raw: flags.rawWeights });
  const { sampleRate } = model.config;
  if (flags.out !== undefined) makeFolder(flags.out);
  const output = flags.out === undefined ? undefined : new SampleOutput({ out: flags.out, stdout: false, format: '16', normalize: false }, {
    given, seed: flags.seed, weights, adapter: gpu.name, version: installedVersions()['diffwave-webgpu'], sampleRate,
  });
  const sounds: Float32Array[] = [];
  const { labels: names } = model.config;
  for (let clip = 0; clip < flags.count; clip++) {
    const label = names && clip % names.length;
    const told = label === undefined ? undefined : labelsTold(model.config, { labels: { [names![label]!]: 1 }, guidance: flags.guidance });
    const { audio } = await sample(model, {
      ...options, told, shape: [1, L], seed: flags.seed, start: flags.start, firstItem: clip,
      onTile: (done, total) => progress.step({ clip, done, total }),
    });
    sounds.push(audio[0]!);
    await output?.write(audio[0]!, { name: `sample-seed${flags.seed}-${clip}`, index: clip });
  }
  progress.end();
  gpu.close();
  return { sounds, weights, ...(names && { labels: sounds.map((_, clip) => clip % names.length) }) };
}

/** All WAV files of a folder, by name, brought to the rate of the clips. */
export async function readSounds(folder: string, options: SoundOptions, print: (line: string) => void): Promise<Float32Array[]> {
  const names = readdirSync(folder).filter((name) => /\.wav$/i.test(name)).sort();
  if (names.length === 0) throw new UserError(`${folder} has no WAV files in it`);
  const paths = names.map((name) => join(folder, name));
  const load = await loadSounds(paths, options);
  return paths.map((path) => {
    const { samples, warnings } = load(path);
    for (const warning of warnings) print(`note: ${warning}`);
    return samples;
  });
}
