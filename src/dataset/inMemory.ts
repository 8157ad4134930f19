/** Data sets that no disk is needed for: a page's, of the files that it was given. */
import { UserError } from '../errors.ts';
import { sha256 } from '../formats/sha256.ts';
import { decodeSound } from '../formats/sound.ts';
import { Dataset, FORMAT, VERSION, listLeftOut } from './dataset.ts';
import { identityOf } from './identity.ts';
import { clipLength, completeOptions } from './options.ts';
import type { DatasetOptions } from './options.ts';
import { prepareFiles } from './prepare.ts';
import type { ClipStore } from './prepare.ts';

/** A sound file and what it is called. */
export interface NamedSound {
  readonly name: string;
  readonly bytes: () => Promise<Uint8Array>;
}

/**
 * What `prepareDataset` makes of a folder with these files, to the bit, in memory. Files that are unreadable or silent are left out,
 * each with its reason in the manifest.
 *
 * @param source what the manifest calls the folder
 * @param log called with one line for every warning and every file left out
 * @throws UserError when no file can be used, or options contradict each other
 */
export async function prepareClips(files: readonly NamedSound[], { source, log = () => {}, ...partial }: Partial<DatasetOptions> & {
  readonly source: string; readonly log?: (line: string) => void;
}): Promise<Dataset> {
  const options = completeOptions(partial);
  const clips = new ClipsInMemory();
  // By code units, as a folder's files are: which tracks are kept back for validation follows from their order.
  const sorted = [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
  const recordings = sorted.map(({ name: path, bytes }) => ({
    path,
    isClutter: false,
    decode: async (name: string, seconds: number) => decodeSound(await bytes(), name, { seconds }),
  }));
  const content = await prepareFiles(recordings, { options, clips, log, digest: sha256OfSamples });
  if (content.clipCount === 0) {
    throw new UserError(`No sound file in ${source} can be used: ${listLeftOut(content.leftOut) || 'there is none'}`);
  }
  const { sampleRate, downsample } = options;
  return new Dataset({
    format: FORMAT,
    version: VERSION,
    source,
    options,
    fingerprint: '', // notices that a folder has changed, and there is none
    sampleRate: sampleRate / downsample,
    clipSamples: clipLength(options),
    ...content,
  }, clips.all());
}

/** What Node's `contentFingerprint` says of the same clips: SHA-256 of `identityOf`. */
export async function fingerprintOf(dataset: Dataset): Promise<string> {
  return sha256(await new Blob([...identityOf(dataset)]).arrayBuffer().then((buffer) => new Uint8Array(buffer)));
}

const sha256OfSamples = ({ buffer, byteOffset, byteLength }: Float32Array): Promise<string> =>
  sha256(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength));

class ClipsInMemory implements ClipStore {
  #clips: Float32Array[] = []; // of equal lengths

  append(clip: Float32Array): void {
    this.#clips.push(clip);
  }

  read(from: number, count: number): Float32Array {
    const samples = new Float32Array(count);
    const { length } = this.#clips[0]!;
    for (let done = 0; done < count; ) {
      const at = (from + done) % length;
      const part = this.#clips[Math.floor((from + done) / length)]!.subarray(at, at + count - done);
      samples.set(part, done);
      done += part.length;
    }
    return samples;
  }

  retain(starts: readonly number[], count: number): void {
    this.#clips = starts.map((start) => this.#clips[start / count]!);
  }

  /** All clips, one behind the other. */
  all(): Float32Array {
    const samples = new Float32Array(this.#clips.reduce((sum, { length }) => sum + length, 0));
    this.#clips.forEach((clip, i) => samples.set(clip, i * clip.length));
    return samples;
  }
}
