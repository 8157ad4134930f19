import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MelSpectrogram, amplitudeOf } from '../../src/audio/melSpectrogram.ts';
import { melBands } from '../../src/audio/mel.ts';
import { readNpy } from '../../src/formats/npy.ts';
import { largestDifference, noise, sine } from './helpers.ts';

const test = suite('mel spectrogram');

/** Noise that fades into silence, then a rising tone that ends beyond ±1. */
function signal(samples: number): Float32Array {
  return noise(samples).map((value, t) =>
    value * 0.3 * Math.exp(-t / 50) + 1.2 * (t / samples) ** 24 * Math.sin(0.05 * t * (1 + t / samples)));
}

/*
 * The files are PyTorch's (1.13, float64), saved by numpy.save as float32 (bands, frames), of `signal(samples)`. torchaudio's
 * MelSpectrogram(sr, n_fft=4·hop, hop_length=hop, f_min=20, f_max=sr/2, n_mels=bands, power=1, normalized=True), written out:
 *
 *     w = torch.hann_window(4*hop, dtype=torch.float64)
 *     X = torch.stft(audio.clamp(-1, 1), 4*hop, hop, window=w, center=True, pad_mode='reflect', return_complex=True)
 *     f = 700*(10**(torch.linspace(mel(20), mel(sr/2), bands + 2, dtype=torch.float64)/2595) - 1)    # mel(f) = 2595·log10(1 + f/700)
 *     slopes = f[None] - torch.linspace(0, sr/2, 2*hop + 1, dtype=torch.float64)[:, None]
 *     bank = torch.min(-slopes[:, :-2]/(f[1:] - f[:-1])[:-1], slopes[:, 2:]/(f[1:] - f[:-1])[1:]).clamp(min=0)
 *     a = bank.T @ (X/w.pow(2).sum().sqrt()).abs()
 *     values = ((20*torch.log10(a.clamp(min=1e-5)) - 20 + 100)/100).clamp(0, 1)
 */
for (const [sampleRate, hopSamples, melBands, samples] of [[22050, 256, 80, 3000], [8000, 64, 20, 700]] as const) {
  test(`PyTorch's values at ${sampleRate} Hz, hop ${hopSamples}, ${melBands} bands`, () => {
    const file = `mel-${sampleRate}-${hopSamples}-${melBands}.npy`;
    const { shape, data } = readNpy(readFileSync(new URL(file, import.meta.url)), file);
    const [bands, frames] = shape as [number, number];
    const got = new MelSpectrogram({ sampleRate, hopSamples, melBands }).of(signal(samples));
    assert.equal([bands, frames], [melBands, 1 + Math.floor(samples / hopSamples)]);
    const wanted = Float32Array.from(got, (_, i) => data[(i % bands) * frames + Math.floor(i / bands)]!);
    assert.ok(largestDifference(got, wanted) < 2e-6, String(largestDifference(got, wanted)));
    assert.ok(wanted.includes(0) && wanted.some((value) => value > 0.85), 'the floor and loud frames are among them');
  });
}

test('a hop that is no power of two has frames of four hops, transformed with zeros up to one', () => {
  const [sampleRate, hopSamples, size] = [16000, 50, 256];
  const mel = new MelSpectrogram({ sampleRate, hopSamples, melBands: 12 });
  assert.ok(mel.filters.every(({ first, weights }) => first + weights.length <= size / 2 + 1));
  const clip = noise(700).map((value) => 0.2 * value);
  const got = mel.of(clip, { first: 4, count: 3 });
  const window = Array.from({ length: 4 * hopSamples }, (_, n) => Math.sin((Math.PI * n) / (4 * hopSamples)) ** 2);
  const norm = Math.sqrt(window.reduce((sum, w) => sum + w * w, 0));
  const wanted = [4, 5, 6].flatMap((frame) => {
    // The window's middle is in the middle of PyTorch's n_fft, and that at sample frame·hop.
    const at = (n: number): number => (window[n - (size - window.length) / 2] ?? 0) * clip[frame * hopSamples - size / 2 + n]!;
    const amplitudes = Array.from({ length: size / 2 + 1 }, (_, k) => {
      let [re, im] = [0, 0];
      for (let n = 0; n < size; n++) {
        re += at(n) * Math.cos((2 * Math.PI * k * n) / size);
        im += at(n) * Math.sin((2 * Math.PI * k * n) / size);
      }
      return Math.hypot(re, im) / norm;
    });
    const bank = melBands({ sampleRate, size, bands: 12, fromHz: 20 });
    return bank.map(({ first, weights }) => weights.reduce((sum, weight, i) => sum + weight * amplitudes[first + i]!, 0))
      .map((a) => (20 * Math.log10(Math.max(a, 1e-5)) + 80) / 100);
  });
  assert.ok(largestDifference(got, Float32Array.from(wanted)) < 1e-6);
  assert.ok(wanted.every((value) => value > 0.3 && value < 1));
});

test('a range of frames is that of the whole, and a clip shorter than a frame is reflected until it is long enough', () => {
  const mel = new MelSpectrogram({ sampleRate: 8000, hopSamples: 64, melBands: 20 });
  const clip = noise(1000);
  const whole = mel.of(clip);
  assert.is(whole.length, 16 * 20);
  for (const [first, count] of [[0, 3], [5, 1], [13, 3], [16, 0]] as const) {
    assert.equal(mel.of(clip, { first, count }), whole.slice(first * 20, (first + count) * 20));
  }
  for (const short of [1, 2, 63, 64, 100]) {
    // What reflection makes of it is a clip of its own.
    const clipThere = noise(short);
    const longer = Float32Array.from({ length: 2000 }, (_, n) => {
      const [last, period] = [short - 1, Math.max(1, 2 * (short - 1))];
      return clipThere[last - Math.abs(last - ((n - 1000 + 500 * period) % period))]!;
    });
    const shifted = new MelSpectrogram({ sampleRate: 8000, hopSamples: 64, melBands: 20 });
    // Frame 0 of the short clip has its middle at its first sample, 1000 in the longer one: between frames 15 and 16 of it.
    const cut = longer.subarray(1000 - 64 * 15);
    assert.ok(largestDifference(shifted.of(clipThere, { first: 0, count: 1 }), shifted.of(cut, { first: 15, count: 1 })) < 1e-7, `${short} samples`);
  }
});

test('a tone’s amplitude is found again in its band, and beyond ±1 is what ±1 is', () => {
  const mel = new MelSpectrogram({ sampleRate: 22050, hopSamples: 256, melBands: 80 });
  const frame = mel.of(sine({ hertz: 22050 / 4, sampleRate: 22050, samples: 4096, amplitude: 0.5 }), { first: 8, count: 1 });
  const largest = frame.indexOf(Math.max(...frame));
  // |X| = 0.5·Σw/2 = 128 at the bin and half of that at its neighbours; √Σw² = √384; the triangle weighs them with at most 1.
  assert.ok(amplitudeOf(frame[largest]!) < 2 * 128 / Math.sqrt(384) && amplitudeOf(frame[largest]!) > 128 / Math.sqrt(384));
  const square = Float32Array.from({ length: 900 }, (_, n) => (n % 20 < 10 ? 1 : -1));
  assert.equal(mel.of(square.map((value) => 3 * value)), mel.of(square));
  assert.ok(mel.of(new Float32Array(600)).every((value) => value === 0));
});

test('what makes no sense is refused', () => {
  for (const hopSamples of [0, 2.5]) assert.throws(() => new MelSpectrogram({ sampleRate: 22050, hopSamples, melBands: 80 }), /the hop must be a whole number/);
  assert.throws(() => new MelSpectrogram({ sampleRate: 22050, hopSamples: 256, melBands: 0 }), /number of bands/);
  const mel = new MelSpectrogram({ sampleRate: 8000, hopSamples: 64, melBands: 20 });
  assert.throws(() => mel.of(new Float32Array(0)), /no samples/);
  assert.throws(() => mel.of(new Float32Array(128), { first: 1, count: 3 }), /frames 1 to 4 of 3/);
  assert.throws(() => mel.of(Float32Array.of(0, NaN, 0)), /sample 1 of 3 is NaN/);
});

test.run();
