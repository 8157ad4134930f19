/** A DiffWave in a file of its own. */
import { readFileOrExplain, writeFileAtomic } from '../../disk/files.node.ts';
import type { Gpu } from '../../gpu/device/gpu.ts';
import { DiffWave } from '../model/model.ts';

/**
 * The network in a safetensors file, with PyTorch's names and layouts and the configuration in the metadata. Rejects with a
 * `UserError` that names the file if it is missing, damaged, or of another kind.
 */
export async function loadModel(gpu: Gpu, path: string): Promise<DiffWave> {
  return DiffWave.fromBytes(gpu, readFileOrExplain(path, 'weights'), { file: path });
}

/** Writes such a file, or fails and leaves the one that was there. Folders are made as needed. */
export async function saveModel(model: DiffWave, path: string): Promise<void> {
  writeFileAtomic(path, await model.toBytes());
}
