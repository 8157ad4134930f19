/** Recognition as a measure: what must not be recognised is not, and what must be is. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { realFft } from '../../src/audio/fft.ts';
import { rootMeanSquare } from '../../src/audio/level.ts';
import { chooseExcerpts } from '../../src/evaluation/excerpts.ts';
import type { ExcerptSource } from '../../src/evaluation/excerpts.ts';
import { levelsOf, likeness, liveliness } from '../../src/evaluation/likeness.ts';
import { LEAST_LIKENESS, recogniser } from '../../src/evaluation/recognise.ts';
import { normals } from '../../src/reference/random.ts';
import { noise, sine } from '../audio/helpers.ts';

const test = suite('recognition');

const sampleRate = 3675;
const L = 2048;

const white = (stream: number, length = L): Float32Array => Float32Array.from(normals({ seed: 8, stream, step: 0, item: 0, length }));

/** Notes of a melody of its own: onsets that decay, on a floor of noise. */
function melody(seed: number): Float32Array {
  const audio = noise(L, 77 + seed).map((value) => 0.003 * value);
  const choice = noise(64, 3 * seed + 1);
  for (let note = 0; note < 5; note++) {
    const start = Math.floor(((note + Math.abs(choice[note]!)) * L) / 6);
    const hertz = 150 + 1200 * Math.abs(choice[note + 10]!);
    for (let n = start; n < L; n++) {
      const age = (n - start) / sampleRate;
      audio[n]! += 0.4 * Math.exp(-age / 0.06) * (Math.sin(2 * Math.PI * hertz * age) + 0.4 * Math.sin(4.02 * Math.PI * hertz * age));
    }
  }
  return audio;
}

const clips = [0, 1, 2, 3].map(melody);
const recognise = recogniser(clips, { sampleRate });

const sum = (...sounds: Float32Array[]): Float32Array => sounds[0]!.map((_, n) => sounds.reduce((all, sound) => all + sound[n]!, 0));
const gained = (sound: Float32Array, gain: number): Float32Array => sound.map((value) => gain * value);
/** `sound` with white noise so many decibels below it. */
const noisy = (sound: Float32Array, decibels: number, stream = 1): Float32Array =>
  sum(sound, gained(white(stream), rootMeanSquare(sound) * 10 ** (-decibels / 20)));

/** Late by so many samples; what comes before is silence. */
function late(sound: Float32Array, samples: number): Float32Array {
  return sound.map((_, n) => sound[n - samples] ?? 0);
}

/** Gaussian noise with exactly the power spectrum of a sound: its Fourier transform with random phases. */
function stationary(sound: Float32Array, stream: number): Float32Array {
  const { re, im } = realFft(L)(sound);
  const magnitudes = re.map((value, k) => Math.hypot(value, im[k]!));
  const phases = white(stream, magnitudes.length).map((value) => 20 * value);
  return Float32Array.from({ length: L }, (_, n) =>
    magnitudes.reduce((all, magnitude, k) => all + (2 / L) * magnitude * Math.cos((2 * Math.PI * k * n) / L + phases[k]!), 0));
}

/** Pieces of 128 samples in another order. */
function shuffled(sound: Float32Array): Float32Array {
  const [piece, count] = [128, L / 128];
  return sound.map((_, n) => sound[((Math.floor(n / piece) * 7 + 5) % count) * piece + (n % piece)]!);
}

test('a clip is itself, whatever its level, its polarity and a small shift; so is a noisy copy', () => {
  clips.forEach((clip, i) => {
    const self = recognise(clip);
    assert.ok(self.isRecognised && self.clip === i && Math.abs(self.best - 1) < 1e-9 && self.lag === 0, JSON.stringify(self));
    for (const [name, sound] of Object.entries({ loud: gained(clip, 7), upsideDown: gained(clip, -0.1) })) {
      assert.ok(Math.abs(recognise(sound).best - 1) < 1e-4, name);
    }
    for (const decibels of [40, 30]) {
      const { isRecognised, clip: found, best } = recognise(noisy(clip, decibels));
      assert.ok(isRecognised && found === i, `${decibels} dB of signal to noise: ${best}`);
    }
    for (const samples of [-64, 32, 96]) {
      const { isRecognised, clip: found, lag, best } = recognise(late(clip, samples));
      assert.ok(isRecognised && found === i, `late by ${samples}: ${best}`);
      assert.ok(Math.abs(lag - samples / sampleRate) < 1e-9, `late by ${samples}: ${lag}`);
    }
  });
});

test('noise, a spectrum, another piece, another order and a mixture are not recognised', () => {
  clips.forEach((clip, i) => {
    const sounds = {
      silence: new Float32Array(L),
      tone: sine({ hertz: 440, sampleRate, samples: L }),
      'white noise': white(20 + i),
      'stationary noise of its spectrum': stationary(clip, 30 + i),
      'another piece': melody(10 + i),
      'its pieces in another order': shuffled(clip),
      backwards: clip.slice().reverse(),
      'much too late': late(clip, 700),
      'mixed with another': sum(clip, clips[(i + 1) % 4]!),
      'mixed with all': sum(...clips),
    };
    for (const [name, sound] of Object.entries(sounds)) {
      const { isRecognised, best, bestWrong } = recognise(sound);
      assert.not.ok(isRecognised, `${name}: ${best}, ${bestWrong}`);
    }
    for (const name of ['white noise', 'stationary noise of its spectrum'] as const) {
      assert.ok(recognise(sounds[name]).best < 0.3, `${name} is far from the line at ${LEAST_LIKENESS}`);
    }
  });
});

test('likeness falls as noise is added, and as a clip is mixed with another', () => {
  const [clip, other] = clips as [Float32Array, Float32Array];
  const falls = (sounds: Float32Array[]): void => {
    const found = sounds.map((sound) => recognise(sound).likeness[0]!);
    found.slice(1).forEach((value, i) => assert.ok(value < found[i]!, `${found}`));
  };
  falls([50, 40, 30, 20, 10, 0, -10].map((decibels) => noisy(clip, decibels)));
  falls([0, 0.1, 0.3, 1, 3, 10].map((part) => sum(clip, gained(other, part))));
});

test('the correlation is Pearson\'s of what two spectrograms do not share with their own means', () => {
  const [frames, bins] = [12, 3];
  const cell = (i: number, k: number, factor: number): number => 40 * k + factor * Math.sin(2 * i + k);
  const made = (value: (i: number, k: number) => number) =>
    ({ frames, bins, hopSeconds: 0.1, db: Float64Array.from({ length: frames * bins }, (_, n) => value(Math.floor(n / bins), n % bins)) });
  const a = made((i, k) => cell(i, k, 3));
  assert.ok(Math.abs(likeness(a, made((i, k) => cell(i, k, 8) - 70 * k)).value - 1) < 1e-12, 'means and scales do not matter');
  assert.ok(likeness(a, made((i, k) => cell(i, k, -3))).value < 1, 'signs do');
  assert.is(likeness(a, made((_, k) => 10 * k)).value, 0, 'what never changes is like nothing');
  const variance = Array.from({ length: bins }, (_, k) => {
    const values = Array.from({ length: frames }, (_, i) => cell(i, k, 3));
    const mean = values.reduce((all, value) => all + value, 0) / frames;
    return values.reduce((all, value) => all + (value - mean) ** 2, 0) / frames;
  });
  assert.ok(Math.abs(liveliness(a) - Math.sqrt(variance.reduce((all, value) => all + value, 0) / bins)) < 1e-12);
  const moved = likeness(made((i, k) => cell(i - 2, k, 3)), a);
  assert.ok(Math.abs(moved.value - 1) < 1e-12 && Math.abs(moved.lag - 0.2) < 1e-12, JSON.stringify(moved));
});

test('refuses what cannot be recognised', () => {
  const refused = (sounds: Float32Array[], message: RegExp) => assert.throws(() => recogniser(sounds, { sampleRate }), message);
  refused([clips[0]!], /two clips are needed/);
  refused([clips[0]!, new Float32Array(L)], /clip 2 .* silent, or never changes/);
  refused([clips[0]!, clips[1]!, late(clips[0]!, 16)], /clips 1 and 3 .* alike/);
  refused([clips[0]!, clips[1]!.subarray(1)], /clip 1 has 2047/);
  refused(clips.map((clip) => clip.subarray(0, 500)), /too short/);
  assert.throws(() => recognise(new Float32Array(L - 1)), /the sound has 2047/);
  assert.throws(() => recognise(new Float32Array(L).fill(NaN)), /NaN/);
});

/** Two tracks, of which each has a silent clip, a dull one and one with a melody, which is the same in both. */
function source(): ExcerptSource {
  const parts = [0, 1].flatMap((track) => [new Float32Array(2 * L), white(50 + track, 2 * L), Float32Array.of(...melody(7), ...melody(8 + track))]);
  const place = (i: number) => ({ track: Math.floor(i / 3), file: `${Math.floor(i / 3)}.wav`, offsetSeconds: ((i % 3) * 2 * L) / sampleRate });
  return { clipCount: 6, clipSamples: 2 * L, trackCount: 2, sampleRate, clip: (i) => parts[i]!, manifest: { clips: parts.map((_, i) => place(i)) } };
}

test('excerpts are lively, loud enough, unlike each other, and from all tracks', () => {
  const [first, second] = chooseExcerpts(source(), { count: 2, samples: L });
  assert.equal([first!.file, second!.file], ['0.wav', '1.wav']);
  assert.ok(first!.offsetSeconds >= (4 * L) / sampleRate, 'not silence, and not noise');
  assert.ok(likeness(levelsOf(first!.audio, sampleRate), levelsOf(second!.audio, sampleRate)).value < 0.5);
  assert.ok(Math.abs(first!.rms - rootMeanSquare(first!.audio)) < 1e-12);
  const three = chooseExcerpts(source(), { count: 3, samples: L });
  assert.is(three[2]!.file, '0.wav');
  assert.ok(Math.abs(three[2]!.offsetSeconds - three[0]!.offsetSeconds) >= L / sampleRate, 'no overlap');
  assert.throws(() => chooseExcerpts(source(), { count: 2, samples: 2 * L + 1 }), /a clip of the data set has 4096/);
  const silent: ExcerptSource = { ...source(), clip: () => new Float32Array(2 * L) };
  assert.throws(() => chooseExcerpts(silent, { count: 2, samples: L }), /not 2 excerpts/);
});

test.run();
