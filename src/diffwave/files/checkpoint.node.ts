/** One checkpoint of a run: a folder of files that is complete or not there. `run.node.ts` says what is in it. */
import { createHash } from 'node:crypto';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeFolder, parseJsonFile, readFileOrExplain, syncFolder, writeFileAtomic } from '../../disk/files.node.ts';
import type { DiffWave } from '../model/model.ts';
import type { Checkpoint, CheckpointState } from './checkpoint.ts';
import { optimizerFile, optimizerName, readCheckpoint, stateFile, stateName } from './checkpoint.ts';

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
    const all = new Map([...files, [optimizerName, optimizerFile(model.config, state)]]);
    for (const [name, bytes] of all) writeFileAtomic(join(temporary, name), bytes);
    const sha256 = Object.fromEntries([...all].map(([name, bytes]) => [name, hashOf(bytes)]));
    writeFileAtomic(join(temporary, stateName), stateFile(state, sha256));
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
  const { step, sha256 } = parseJsonFile<CheckpointState>(join(path, stateName));
  return sha256?.[file.name] === file.sha256 ? step : undefined;
}

/** The fingerprint of the data that the checkpoint at `path` was trained on, if it has one. */
export function dataOfCheckpoint(path: string): string | undefined {
  const { data } = parseJsonFile<CheckpointState>(join(path, stateName));
  return typeof data === 'string' ? data : undefined;
}

/** Deletes a checkpoint. Its name goes first: one that is half deleted would look like one. */
export function discard(checkpoint: string): void {
  const nameless = `${checkpoint}.old.tmp`;
  rmSync(nameless, { recursive: true, force: true });
  renameSync(checkpoint, nameless);
  rmSync(nameless, { recursive: true });
}

/** `readCheckpoint` of the folder at `path`. */
export function loadCheckpoint(path: string, model: DiffWave, options: { averages: boolean }): Checkpoint {
  const state = parseJsonFile<CheckpointState>(join(path, stateName));
  const read = (name: string): Uint8Array => readFileOrExplain(join(path, name), 'part of a checkpoint');
  return readCheckpoint({ path, state, read, hashOf }, model, options);
}

/** SHA-256 in hexadecimal. */
export const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
