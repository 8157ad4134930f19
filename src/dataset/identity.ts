/** What a data set is, whatever it is called and wherever it lies. */
import type { Dataset } from './dataset.ts';

/**
 * What training sees of a data set, as bytes: its rate, its clips, and which of them are of one track. It stays the same where the
 * folder is moved, and where the same music is prepared again in the same way.
 */
export function* identityOf(dataset: Dataset): Generator<Uint8Array<ArrayBuffer>> {
  const { sampleRate, clipSamples, clipCount, manifest } = dataset;
  yield new TextEncoder().encode(JSON.stringify([sampleRate, clipSamples, manifest.clips.map(({ track }) => track)]));
  for (let i = 0; i < clipCount; i++) {
    const { buffer, byteOffset, byteLength } = dataset.clip(i);
    yield new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
  }
}
