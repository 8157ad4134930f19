/** Levels and channels: what a recording did with them, and the one signal that becomes of it. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import wavefile from 'wavefile';
import { decodeSound } from '../../src/formats/sound.ts';
import { decodeWav, encodeWav } from '../../src/formats/wav.ts';
import { largestDifference, noise, sine } from '../audio/helpers.ts';

const test = suite('levels and channels');

test('integers in a float file are scaled down with a line, hot floats are clamped with another', () => {
  const signal = noise(1000).map((value) => 0.5 * value);
  for (const scale of [2 ** 15, 2 ** 23, 2 ** 31]) {
    const { samples, warnings } = decodeWav(encodeWav(signal.map((value) => value * scale), { sampleRate: 8000, format: 'float' }), 'a.wav');
    assert.ok(largestDifference(samples, signal) <= 1e-7);
    assert.equal(warnings, [`a.wav: its float samples are at the scale of ${Math.log2(scale) + 1}-bit integers and were divided by ${scale}`]);
  }
  const hot = decodeWav(encodeWav(Float32Array.of(1.3, -0.5), { sampleRate: 8000, format: 'float' }), 'a.wav');
  assert.equal([...hot.samples], [1, -0.5]);
  assert.match(hot.warnings.join(), /samples reach ±1\.30 and were clamped/);
  assert.throws(() => decodeWav(encodeWav(Float32Array.of(1e20), { sampleRate: 8000, format: 'float' }), 'a.wav'), /a\.wav holds samples up to 1\.00e\+20, at no scale/);
});

test('channels that cancel each other are not silence; ordinary stereo is mixed', () => {
  const left = sine({ hertz: 440, sampleRate: 8000, samples: 800 });
  const mixed = (right: Float32Array) => {
    const wav = new wavefile.WaveFile();
    wav.fromScratch(2, 8000, '32f', [Float64Array.from(left), Float64Array.from(right)]);
    return decodeWav(wav.toBuffer(), 'a.wav');
  };
  const opposite = mixed(left.map((value) => -value));
  assert.equal([opposite.samples, opposite.warnings], [left, ['a.wav: its channels cancel each other; channel 1 of 2 was taken']]);
  const wide = mixed(left.map((value, i) => -value + 0.1 * noise(800)[i]!));
  assert.equal(wide.warnings, []);
  assert.ok(largestDifference(wide.samples, noise(800).map((value) => 0.05 * value)) <= 1e-6);
  assert.equal(mixed(new Float32Array(800)).samples, left.map((value) => value / 2));
});

const ofFloats = (samples: Float32Array | number[]) => decodeWav(encodeWav(Float32Array.from(samples), { sampleRate: 8000, format: 'float' }), 'a.wav');

test('integers are told by their being whole, or by most of them being beyond full scale', () => {
  const quiet = ofFloats(sine({ hertz: 440, sampleRate: 8000, samples: 800, amplitude: 40 }).map(Math.round));
  assert.match(quiet.warnings.join(), /at the scale of 16-bit integers and were divided by 32768$/);
  assert.is(Math.max(...quiet.samples), 40 / 2 ** 15);
  const filtered = ofFloats(sine({ hertz: 440, sampleRate: 8000, samples: 800, amplitude: 33000 })); // overshoots 16 bits
  assert.match(filtered.warnings[0]!, /at the scale of 16-bit integers/);
  assert.match(filtered.warnings[1]!, /samples reach ±1\.01 and were clamped/);
  const hot = ofFloats(sine({ hertz: 440, sampleRate: 8000, samples: 800, amplitude: 4 }));
  assert.equal(hot.warnings.length, 1);
  assert.match(hot.warnings[0]!, /samples reach ±4\.0\d? and were clamped/);
});

test('a click, however loud, is clamped and does not silence the rest', () => {
  for (const click of [100, 1e20]) {
    const signal = sine({ hertz: 440, sampleRate: 8000, samples: 800 });
    signal[100] = click;
    const { samples, warnings } = ofFloats(signal);
    assert.match(warnings.join(), /were clamped to ±1$/);
    signal[100] = 1;
    assert.equal(samples, signal);
  }
});

test('channels that nearly cancel each other give the loudest of them, others are mixed', () => {
  const tone = sine({ hertz: 440, sampleRate: 8000, samples: 800 });
  const mixed = (gains: readonly number[]) => {
    const wav = new wavefile.WaveFile();
    wav.fromScratch(gains.length, 8000, '32f', gains.map((gain) => Float64Array.from(tone, (value) => gain * value)));
    return decodeWav(wav.toBuffer(), 'a.wav');
  };
  assert.equal(mixed([-0.95, 1]).samples, tone);
  assert.match(mixed([0, -0.95, 1, 0]).warnings.join(), /channel 3 of 4 was taken/);
  for (const gains of [[1, 0, 0, 0, 0, 0, 0, 0], [1, -0.5], [1, 1]]) {
    const mean = gains.reduce((sum, gain) => sum + gain) / gains.length;
    const { samples, warnings } = mixed(gains);
    assert.equal(warnings, []);
    assert.ok(largestDifference(samples, tone.map((value) => mean * value)) <= 1e-7);
  }
});

test('a rate that no recording has is refused, whatever the format', async () => {
  const bytes = encodeWav(noise(100), { sampleRate: 3999999979 });
  const message = await decodeSound(bytes, 'a.wav').then(() => '', (error: Error) => error.message);
  assert.is(message, 'a.wav cannot be read: it says that its sample rate is 3999999979 Hz (wanted: at most 768000)');
});

test.run();
