/** The worker's music: prepared from files as Node does it, and kept. */
import type { Preset } from '../../src/web.ts';
import { Dataset, UserError, fingerprintOf, parseManifest, prepareClips } from '../../src/web.ts';
import type { Music, NamedFile } from './protocol.ts';
import { Store } from './store.ts';

export class MusicShelf {
  readonly #store = new Store('music');
  #dataset: Dataset | undefined;
  #fingerprint: Promise<string> | undefined;

  /** The data set, the one that was kept if none was prepared since. Throws a `UserError` if there is none. */
  async dataset(): Promise<Dataset> {
    const dataset = this.#dataset ?? await this.#kept();
    if (!dataset) throw new UserError('there is no music yet: take the bundled recordings, or drop files of yours');
    return dataset;
  }

  /** As Node's runs know their data. */
  async fingerprint(): Promise<string> {
    return (this.#fingerprint ??= fingerprintOf(await this.dataset()));
  }

  async kept(): Promise<Music | undefined> {
    const dataset = this.#dataset ?? await this.#kept();
    return dataset && { manifest: dataset.manifest, seconds: 0 };
  }

  async prepare(files: readonly NamedFile[], { data, source, log }: { data: Preset['data']; source: string; log: (line: string) => void }): Promise<Music> {
    const begun = performance.now();
    const sounds = files.map(({ name, file }) => ({
      name,
      bytes: async () => new Uint8Array(await file.arrayBuffer()),
    }));
    const dataset = await prepareClips(sounds, { ...data, source, log });
    await this.#store.write(packed(dataset));
    this.#dataset = dataset;
    this.#fingerprint = undefined;
    return { manifest: dataset.manifest, seconds: (performance.now() - begun) / 1000 };
  }

  async #kept(): Promise<Dataset | undefined> {
    const bytes = await this.#store.read();
    if (!bytes) return undefined;
    this.#dataset = unpacked(bytes);
    return this.#dataset;
  }
}

/** The manifest's length, the manifest, the clips. */
function packed(dataset: Dataset): Uint8Array<ArrayBuffer> {
  const manifest = new TextEncoder().encode(JSON.stringify(dataset.manifest));
  const clipBytes = dataset.clipSamples * 4;
  const bytes = new Uint8Array(4 + manifest.length + dataset.clipCount * clipBytes);
  new DataView(bytes.buffer).setUint32(0, manifest.length, true);
  bytes.set(manifest, 4);
  for (let i = 0; i < dataset.clipCount; i++) {
    const { buffer, byteOffset, byteLength } = dataset.clip(i);
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), 4 + manifest.length + i * clipBytes);
  }
  return bytes;
}

function unpacked(bytes: Uint8Array<ArrayBuffer>): Dataset {
  const start = 4 + new DataView(bytes.buffer).getUint32(0, true);
  const manifest = parseManifest(new TextDecoder().decode(bytes.subarray(4, start)), 'the music that is kept here');
  return new Dataset(manifest, new Float32Array(bytes.slice(start).buffer));
}
