/** A folder of music as there are: every format, and files that cost one line each and never the folder. */
import { cpSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadDataset, prepareDataset } from '../../src/dataset/dataset.node.ts';
import { overshootLine, peakOf } from '../../src/dataset/dataset.ts';
import { augment } from '../../src/diffwave/training/augmentation.ts';
import { encodeWav } from '../../src/formats/wav.ts';
import { sine, temporaryFolder } from '../audio/helpers.ts';

const test = suite('a folder of any music');

const recordings = fileURLToPath(new URL('../formats/files/', import.meta.url));
const half = { sampleRate: 7350, seconds: 0.5, downsample: 1, splits: 1 };

test('one file of every format gives one clip each, of the same level', async () => {
  const out = join(temporaryFolder(), 'set');
  const lines: string[] = [];
  const { manifest } = await prepareDataset({ source: recordings, out, log: (line) => lines.push(line), ...half });
  assert.equal([manifest.leftOut, manifest.trackCount], [[], readdirSync(recordings).length]);
  assert.equal(lines.filter((line) => !line.includes('less than a clip')), []);
  const dataset = loadDataset(out);
  for (let i = 0; i < dataset.clipCount; i++) {
    const inner = dataset.clip(i).subarray(735, 2940);
    const rms = Math.sqrt(inner.reduce((sum, value) => sum + value ** 2, 0) / inner.length);
    assert.ok(Math.abs(20 * Math.log10(rms / (0.25 * Math.SQRT1_2))) <= 0.6, manifest.clips[i]!.file);
  }
});

test('what cannot be read costs one line, whatever its name and its content are', async () => {
  const tone = sine({ hertz: 440, sampleRate: 22050, samples: 22050 });
  const source = temporaryFolder({ 'a.wav': tone, 'fast.wav': encodeWav(tone, { sampleRate: 3_000_000_000 }) });
  const bad = new Uint8Array(readFileSync(join(recordings, 'mono.m4a')));
  bad[Buffer.from(bad).indexOf('stsz') + 12] = 0x7f; // as many frames as memory cannot hold
  writeFileSync(join(source, 'bad.m4a'), bad);
  const name = process.platform === 'win32' ? 'two lines.mp3' : 'two\nlines.mp3';
  writeFileSync(join(source, name), 'a\npoem');
  cpSync(join(recordings, 'tone.ogg'), join(source, 'lie.mp3')); // told by what is in it
  const lines: string[] = [];
  const { manifest } = await prepareDataset({ source, out: join(temporaryFolder(), 'set'), log: (line) => lines.push(line), ...half });
  assert.equal(manifest.clips.map(({ file }) => file), ['a.wav', 'lie.mp3']);
  assert.equal(manifest.leftOut.map(({ file }) => file), ['bad.m4a', 'fast.wav', name]);
  assert.equal(lines.filter((line) => line.startsWith('left out')), [
    'left out: bad.m4a is damaged: the table "stsz" of its index is longer than its box',
    'left out: fast.wav cannot be read: it says that its sample rate is 3000000000 Hz (wanted: at most 768000)',
    'left out: two lines.mp3 is not a sound file that can be read: it is text, beginning with "a poem"',
  ]);
});

test('a clipped recording overshoots full scale after the filters: it is kept, said, and never made louder', async () => {
  const square = sine({ hertz: 1000, sampleRate: 44100, samples: 44100, amplitude: 9 }).map((value) => Math.max(-1, Math.min(1, value)));
  const source = temporaryFolder({ 'a.wav': encodeWav(square, { sampleRate: 44100 }) });
  const out = join(temporaryFolder(), 'set');
  const { manifest: { statistics } } = await prepareDataset({ source, out, ...half });
  const [peak] = [peakOf(loadDataset(out).clip(0))];
  assert.is(statistics.peak, peak);
  assert.ok(peak > 1.05 && peak < 1.3, `${peak}`);
  assert.match(overshootLine(statistics)!, new RegExp(`^note: clips reach ${peak.toFixed(2)} where full scale is 1, `));
  assert.is(overshootLine({ ...statistics, peak: 1 }), undefined);
  for (let step = 0; step < 10; step++) {
    const crop = loadDataset(out).clip(0).slice();
    augment(crop, { seed: 0, step, item: 0, gainDb: 40 });
    assert.ok(peakOf(crop) <= peak * (1 + 1e-6), 'no gain on top');
  }
});

test.run();
