/** What vocoders are compared with: sound that has the spectrogram it was made of. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { griffinLim } from '../../bench/lib/griffinLim.ts';
import { MelSpectrogram } from '../../src/audio/melSpectrogram.ts';
import { noise, sine } from '../audio/helpers.ts';

const test = suite('Griffin-Lim');

/** Root mean square, in dB, of what a sound's spectrogram differs from one by. */
function distance(mel: MelSpectrogram, sound: Float32Array, values: Float32Array): number {
  const got = mel.of(sound, { first: 0, count: values.length / mel.bands });
  return 100 * Math.sqrt(got.reduce((sum, value, i) => sum + (value - values[i]!) ** 2, 0) / values.length);
}

test('a chord in noise comes back with its spectrogram, and more steps bring it nearer', () => {
  const [sampleRate, samples] = [8000, 64 * 60];
  const tone = (hertz: number, amplitude: number) => sine({ hertz, sampleRate, samples, amplitude });
  const parts = [tone(440, 0.3), tone(1320, 0.1), noise(samples).map((value) => 0.02 * value)];
  const sound = Float32Array.from({ length: samples }, (_, n) => parts.reduce((sum, part) => sum + part[n]!, 0));
  const mel = new MelSpectrogram({ sampleRate, hopSamples: 64, melBands: 32 });
  const values = mel.of(sound, { first: 0, count: 60 });
  const distances = [0, 10, 100].map((iterations) => distance(mel, griffinLim(mel, { values, iterations }), values));
  assert.ok(distances[0]! > distances[1]! && distances[1]! > distances[2]!, distances.join(' '));
  assert.ok(distances[2]! < 3, distances.join(' '));
  assert.ok(distance(mel, sound, values) < 1e-4);
  assert.is(griffinLim(mel, { values }).length, samples);
});

test.run();
