/** Data sets in memory against those on disk: the same files give the same bits. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadDataset, prepareDataset } from '../../src/dataset/dataset.node.ts';
import { contentFingerprint } from '../../src/dataset/identity.node.ts';
import { fingerprintOf, prepareClips } from '../../src/dataset/inMemory.ts';
import { UserError } from '../../src/errors.ts';
import { encodeWav16 } from '../../src/formats/wav.ts';
import { noise, sine, temporaryFolder } from '../audio/helpers.ts';

const test = suite('data sets in memory');

const wav = (samples: Float32Array, rate: number): Uint8Array => encodeWav16(samples, rate);
const files: Record<string, Uint8Array> = {
  'b.wav': wav(sine({ hertz: 440, sampleRate: 22050, samples: 50001 }), 22050),
  'a/z.wav': wav(noise(30011), 44100),
  'copy.wav': wav(sine({ hertz: 440, sampleRate: 22050, samples: 50001 }), 22050),
  'text.wav': new TextEncoder().encode('no sound at all'),
  'silent.wav': wav(new Float32Array(9000), 22050),
};

test('are those of the folder with the same files, whatever the order', async () => {
  for (const options of [{ sampleRate: 7350, seconds: 1, downsample: 3, splits: 2 }, { sampleRate: 16000, downsample: 1, clipSeconds: 0.37 }]) {
    const out = join(temporaryFolder(), 'set');
    const source = temporaryFolder(files);
    const { manifest } = await prepareDataset({ source, out, ...options });
    const wanted = loadDataset(out);
    const named = Object.keys(files).reverse().map((name) => ({ name, bytes: async () => new Uint8Array(readFileSync(join(source, name))) }));
    const lines: string[] = [];
    const got = await prepareClips(named, { source: manifest.source, log: (line) => lines.push(line), ...options });
    assert.equal({ ...got.manifest, fingerprint: manifest.fingerprint }, manifest);
    assert.is(got.clipCount, wanted.clipCount);
    for (let i = 0; i < got.clipCount; i++) assert.equal(got.clip(i), wanted.clip(i), `clip ${i}`);
    assert.is(await fingerprintOf(got), contentFingerprint(wanted));
    assert.is(lines.filter((line) => line.startsWith('left out')).length, 2);
  }
});

test('say so where nothing can be used', async () => {
  const error = await prepareClips([{ name: 'text.wav', bytes: async () => files['text.wav']! }], { source: 'files' }).catch((reason: unknown) => reason);
  assert.instance(error, UserError);
  assert.match((error as Error).message, /^No sound file in files can be used: text\.wav is not a WAV file/);
});

test.run();
