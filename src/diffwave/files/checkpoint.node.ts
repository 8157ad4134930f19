/** One checkpoint of a run: a folder of files that is complete or not there. `run.node.ts` says what is in it. */
import { createHash } from 'node:crypto';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../../errors.ts';
import { makeFolder, parseJsonFile, readFileOrExplain, syncFolder, writeFileAtomic } from '../../disk/files.node.ts';
import type { DiffWaveConfig } from '../model/config.ts';
import { configFromMetadata } from '../model/config.ts';
import type { DiffWave } from '../model/model.ts';
import { readSafetensors, writeSafetensors } from '../../formats/safetensors.ts';
import type { OptimizerState } from '../training/trainer.ts';
import { weightsFromDisk, weightsToDisk } from '../model/weights.ts';

/** The weights to sample from. */
export const weightsName = 'weights.safetensors';
/** The weights themselves, where the others are averaged over time. */
export const rawWeightsName = 'weights-raw.safetensors';
const optimizerName = 'optimizer.safetensors';

/** What state.json holds. */
interface State {
  readonly step: number;
  readonly seconds: number;
  /** Of the other files, by name; runs of older versions have none. */
  readonly sha256?: Readonly<Record<string, string>>;
  /** Fingerprint of the data that it was trained on; older runs have none. */
  readonly data?: string;
}

export type Checkpoint = OptimizerState & {
  readonly seconds: number;
  /** Fingerprint of the data, where it is known. */
  readonly data?: string;
};

/**
 * Writes a checkpoint: the weights' `files` by name, and what the optimizer remembers. All of them go into a folder of a
 * temporary name, which then gets its own.
 */
export function writeCheckpoint(folder: string, model: DiffWave, { state, files }: {
  state: Checkpoint; files: ReadonlyMap<string, Uint8Array>;
}): void {
  const temporary = `${folder}.tmp`;
  rmSync(temporary, { recursive: true, force: true });
  makeFolder(temporary);
  try {
    const { step, seconds, data, m, v } = state;
    const tensors = new Map([...weightsToDisk(model.config, m, 'm.'), ...weightsToDisk(model.config, v, 'v.')]);
    const optimizer = writeSafetensors({ tensors, metadata: { format: 'pt', step: String(step) } });
    const all = new Map([...files, [optimizerName, optimizer]]);
    for (const [name, bytes] of all) writeFileAtomic(join(temporary, name), bytes);
    const sha256 = Object.fromEntries([...all].map(([name, bytes]) => [name, hashOf(bytes)]));
    writeFileAtomic(join(temporary, 'state.json'), `${JSON.stringify({ step, seconds, sha256, data })}\n`);
    if (existsSync(folder)) discard(folder);
    renameSync(temporary, folder);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
  syncFolder(dirname(folder));
}

/** The update after which a file of that hash was written, if it belongs to the checkpoint at `path`. */
export function stepOfFile(path: string, file: { readonly name: string; readonly sha256: string }): number | undefined {
  const { step, sha256 } = parseJsonFile<State>(join(path, 'state.json'));
  return sha256?.[file.name] === file.sha256 ? step : undefined;
}

/** The fingerprint of the data that the checkpoint at `path` was trained on, if it has one. */
export function dataOfCheckpoint(path: string): string | undefined {
  const { data } = parseJsonFile<State>(join(path, 'state.json'));
  return typeof data === 'string' ? data : undefined;
}

/** Deletes a checkpoint. Its name goes first: one that is half deleted would look like one. */
export function discard(checkpoint: string): void {
  const nameless = `${checkpoint}.old.tmp`;
  rmSync(nameless, { recursive: true, force: true });
  renameSync(checkpoint, nameless);
  rmSync(nameless, { recursive: true });
}

/**
 * Reads a checkpoint: its weights are written into `model`, the rest is returned. Throws a `UserError` that names the
 * file if one is missing, truncated, edited or of another network; then `model` is as it was.
 */
export function loadCheckpoint(path: string, model: DiffWave, { averages }: { averages: boolean }): Checkpoint {
  const { step, seconds, data, sha256: kept } = parseJsonFile<State>(join(path, 'state.json'));
  const sha256 = kept ?? {};
  const read = (name: string) => {
    const file = join(path, name);
    const bytes = readFileOrExplain(file, 'part of a checkpoint');
    const stored = readSafetensors(bytes, file); // says more about a file that was cut off than its hash does
    if (sha256[name] !== undefined && sha256[name] !== hashOf(bytes)) {
      throw new UserError(`${file} is damaged: it is not what was written (its SHA-256 differs)`);
    }
    return { file, ...stored };
  };
  const readWeights = (name: string) => {
    const { file, ...stored } = read(name);
    const weights = weightsFromDisk(model.config, stored, { file });
    expectSameNetwork(configFromMetadata(stored.metadata.config, file), model.config, file);
    return weights;
  };
  const weights = readWeights(averages ? rawWeightsName : weightsName);
  const average = averages ? { average: readWeights(weightsName) } : {};
  const { file: optimizerFile, ...stored } = read(optimizerName);
  if (!Number.isSafeInteger(step) || stored.metadata.step !== String(step)) {
    throw new UserError(`${path}: state.json says step ${step}, ${optimizerName} step ${stored.metadata.step}`);
  }
  const moment = (prefix: string) => weightsFromDisk(model.config, stored, { file: optimizerFile, prefix });
  const state = { step, seconds: Number(seconds) || 0, m: moment('m.'), v: moment('v.'), ...average, ...(typeof data === 'string' && { data }) };
  model.parameters.write(model.parameters.values, weights);
  return state;
}

/** Throws a UserError with the first field in which the network of a file is not the one that is wanted. */
export function expectSameNetwork(found: DiffWaveConfig, wanted: DiffWaveConfig, file: string): void {
  for (const field of Object.keys(wanted) as (keyof DiffWaveConfig)[]) {
    // A list of β may be long: where only lists differ, that they do is all that is said.
    const [has, wants] = [found[field], wanted[field]].map((value) => (Array.isArray(value) ? value.join() : value));
    if (has === undefined || has === wants) continue;
    const difference = field === 'betas' ? 'its betas are others' : `its ${field} is ${has}, not ${wants}`;
    throw new UserError(
      `${file} is of another network than the run's config.json: ${difference}; put back the file that belongs there`,
    );
  }
}

/** SHA-256 in hexadecimal. */
export const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
