/** What the files of a checkpoint hold, wherever they are kept. `run.node.ts` says what is in a run. */
import { UserError } from '../../errors.ts';
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
export const optimizerName = 'optimizer.safetensors';
export const stateName = 'state.json';

/** What state.json holds. */
export interface CheckpointState {
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

/** The bytes of weights.safetensors and, where weights are averaged, weights-raw.safetensors: of a checkpoint and of the run. */
export async function weightsFiles(model: DiffWave, { average }: Checkpoint): Promise<Map<string, Uint8Array>> {
  if (!average) return new Map([[weightsName, await model.toBytes()]]);
  return new Map([[weightsName, await model.toBytes(average)], [rawWeightsName, await model.toBytes()]]);
}

/** The bytes of optimizer.safetensors: what the optimizer remembers. */
export function optimizerFile(config: DiffWaveConfig, { step, m, v }: Checkpoint): Uint8Array {
  const tensors = new Map([...weightsToDisk(config, m, 'm.'), ...weightsToDisk(config, v, 'v.')]);
  return writeSafetensors({ tensors, metadata: { format: 'pt', step: String(step) } });
}

/** The text of state.json; `sha256` of the other files by name. */
export function stateFile({ step, seconds, data }: Checkpoint, sha256: CheckpointState['sha256']): string {
  return `${JSON.stringify({ step, seconds, sha256, data })}\n`;
}

/** Where the files of a checkpoint are. */
export interface CheckpointSource {
  /** What errors call the checkpoint; its files are `path/name`. */
  readonly path: string;
  /** What state.json holds. */
  readonly state: CheckpointState;
  /** A file's bytes; throws a `UserError` where it is missing. */
  read(name: string): Uint8Array;
  /** SHA-256 in hexadecimal, of bytes that `read` gave. */
  hashOf(bytes: Uint8Array): string;
}

/**
 * Reads a checkpoint: its weights are written into `model`, the rest is returned. Throws a `UserError` that names the
 * file if one is missing, truncated, edited or of another network; then `model` is as it was.
 */
export function readCheckpoint(source: CheckpointSource, model: DiffWave, { averages }: { averages: boolean }): Checkpoint {
  const { path } = source;
  const { step, seconds, data, sha256: kept } = source.state;
  const sha256 = kept ?? {};
  const read = (name: string) => {
    const file = `${path}/${name}`;
    const bytes = source.read(name);
    const stored = readSafetensors(bytes, file); // says more about a file that was cut off than its hash does
    if (sha256[name] !== undefined && sha256[name] !== source.hashOf(bytes)) {
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
