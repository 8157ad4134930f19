/** The measures as measures: what they say about sounds whose faults are known. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { lowPass } from '../../src/audio/lowpass.ts';
import { powerSpectrum } from '../../src/audio/powerSpectrum.ts';
import { meanSpectrum } from '../../src/diffwave/data/spectrum.ts';
import { gaussianProcesses } from '../../src/evaluation/gaussianProcess.ts';
import type { Measurement } from '../../src/evaluation/measurement.ts';
import { Yardstick } from '../../src/evaluation/yardstick.ts';
import { sampleRate, shuffled, tunes, white } from './music.ts';

const test = suite('evaluation/yardstick');

const seconds = 2;
const L = seconds * sampleRate;
const training = tunes(0, 40, L);
const heldOut = tunes(100, 16, L);
const yardstick = Yardstick.of({ training, heldOut, sampleRate, seed: 3 });
/** Sixteen more tunes: as good as a network can be. */
const good = Array.from({ length: 16 }, (_, i) => tunes(200 + i, 1, L).clip(0));

const measured = (change: (sound: Float32Array, i: number) => Float32Array): Measurement => yardstick.measure(good.map(change));
const rises = (values: readonly number[], what: string): void => {
  values.slice(1).forEach((value, i) => assert.ok(value > values[i]!, `${what}: ${values.join(', ')}`));
};

test('other music is near 0 %, noise of its spectrum near 100 %, white noise beyond', () => {
  const music = measured((sound) => sound);
  assert.ok(Math.abs(music.frechet.percent) < 12 && Math.abs(music.modulation.percent) < 12, JSON.stringify(music));
  const spectrum = meanSpectrum(training, 1024);
  const hiss = measured((_, item) => gaussianProcesses([spectrum], { length: L, place: { seed: 77, stream: 0, step: 0, item } })[0]!);
  assert.ok(Math.abs(hiss.frechet.percent - 100) < 8 && Math.abs(hiss.modulation.percent - 100) < 8, JSON.stringify(hiss));
  assert.ok(hiss.logSpectrum.samples < hiss.logSpectrum.white);
  for (const { frechet, modulation } of [music, hiss]) {
    assert.ok(frechet.white > frechet.spectrum && frechet.spectrum > 3 * frechet.floor);
    assert.ok(modulation.spectrum > 2 * modulation.floor);
  }
  assert.ok(Math.abs(hiss.level.samples - hiss.level.training) < 0.3);
});

test('hiss that has the very spectrum of each sound still fails the modulation spectrum', () => {
  const hiss = measured((sound, item) =>
    gaussianProcesses([powerSpectrum(sound, { size: 1024 })], { length: L, place: { seed: 78, stream: 0, step: 0, item } })[0]!);
  assert.ok(hiss.modulation.percent > 60, String(hiss.modulation.percent));
});

test('every distance rises with added noise', () => {
  const all = [-50, -35, -25, -15, 0].map((db) => measured((sound, i) => {
    const noise = white(i, L);
    return sound.map((value, n) => value + 0.15 * 10 ** (db / 20) * noise[n]!);
  }));
  rises(all.map(({ frechet }) => frechet.samples), 'Fréchet');
  rises(all.slice(1).map(({ modulation }) => modulation.samples), 'modulation');
  rises(all.map(({ logSpectrum }) => logSpectrum.samples), 'log spectrum');
});

test('every distance rises as a low-pass falls', () => {
  const all = [1900, 1500, 1000, 500].map((hertz) => measured((sound) => lowPass(sound, hertz, sampleRate, 101)));
  rises(all.map(({ frechet }) => frechet.samples), 'Fréchet');
  rises(all.map(({ modulation }) => modulation.samples), 'modulation');
  rises(all.map(({ logSpectrum }) => logSpectrum.samples), 'log spectrum');
});

test('what is in another order is found where the pieces are shorter than a window, and not in the mean spectrum', () => {
  const all = [1000, 250, 100].map((ms) => measured((sound) => shuffled(sound, (sampleRate * ms) / 1000)));
  const whole = measured((sound) => sound);
  rises([whole, ...all.slice(1)].map(({ frechet }) => frechet.samples), 'Fréchet');
  rises([whole, ...all.slice(1)].map(({ modulation }) => modulation.samples), 'modulation');
  assert.ok(all[0]!.frechet.percent < 20 && all[2]!.frechet.percent > 30, all.map(({ frechet }) => frechet.percent).join(', '));
});

test('a level that is off is given in decibels', () => {
  const [loud, quiet] = [measured((sound) => sound), measured((sound) => sound.map((value) => value / 10))];
  assert.ok(Math.abs(loud.level.samples - quiet.level.samples - 20) < 1e-3);
  assert.ok(quiet.frechet.samples > loud.frechet.samples);
});

test('the same clip over and over is far from a set of clips', () => {
  const one = measured(() => good[0]!);
  assert.ok(one.frechet.percent > 50, String(one.frechet.percent));
  assert.is(one.variety!.samples, 0);
  const shares = [1, 2, 4, 16].map((different) => measured((_, i) => good[i % different]!).variety!);
  rises(shares.map(({ samples }) => samples), 'variety');
  const last = shares.at(-1)!;
  assert.ok(last.samples > 0.75 * last.training && last.samples < 1.33 * last.training, JSON.stringify(last));
  assert.is(yardstick.measure([good[0]!]).variety, undefined);
});

test('hiss of one spectrum is not varied, although no two waveforms are alike', () => {
  const hiss = measured((_, i) => white(i, L)).variety!;
  assert.ok(hiss.samples < 0.35 * hiss.training, JSON.stringify(hiss));
});

test('few samples make a distance too large, and its references as well', () => {
  const spectrum = meanSpectrum(training, 1024);
  const hiss = gaussianProcesses.bind(null, [spectrum]);
  const all = [4, 8, 16].map((count) => {
    const music = yardstick.measure(good.slice(0, count));
    const noise = yardstick.measure(good.slice(0, count).map((_, item) => hiss({ length: L, place: { seed: 79, stream: 0, step: 0, item } })[0]!));
    return { music, noise };
  });
  rises(all.map(({ music }) => music.frechet.floor).reverse(), 'floor');
  for (const { music, noise } of all) {
    const spread = 120 / music.pieces.count; // of a few tunes
    assert.ok(Math.abs(music.frechet.percent) < spread, all.map((each) => each.music.frechet.percent).join(', '));
    assert.ok(Math.abs(noise.frechet.percent - 100) < 10, all.map((each) => each.noise.frechet.percent).join(', '));
  }
});

test('intervals are about samples: around the figure, and narrower for more of them', () => {
  const [few, many] = [4, 16].map((count) => yardstick.measure(good.slice(0, count), { draws: 60 }));
  for (const { frechet, modulation, logSpectrum, level, variety } of [few!, many!]) {
    for (const { samples, interval } of [frechet, modulation, logSpectrum, level, variety!]) {
      assert.ok(interval![0] <= samples && samples <= interval![1], JSON.stringify({ samples, interval }));
    }
    assert.ok(frechet.percentInterval![0] <= frechet.percent && frechet.percent <= frechet.percentInterval![1]);
  }
  const width = ({ level }: Measurement): number => level.interval![1] - level.interval![0];
  assert.ok(width(many!) < width(few!), `${width(many!)}, ${width(few!)}`);
});

test('memorised: stretches of training clips are found again, other music is not', () => {
  const honest = yardstick.copies(good.slice(0, 6));
  assert.ok(honest.samples.at(-1)! < 0.9 && honest.heldOut.at(-1)! < 0.9, JSON.stringify(honest));
  const stolen = yardstick.copies([3, 17, 29].map((clip) => training.clip(clip).slice(999, 6999)));
  assert.ok(stolen.samples[0]! > 0.95 && stolen.samples[0]! > stolen.heldOut.at(-1)!, JSON.stringify(stolen));
  assert.equal(stolen.heldOut, honest.heldOut);
});

test('a function of its input, and the references of the number and length of the pieces alone', () => {
  const first = measured((sound) => sound);
  assert.equal(measured((sound) => sound), first);
  assert.equal(Yardstick.of({ training, heldOut, sampleRate, seed: 3 }).measure(good), first);
  assert.not.equal(Yardstick.of({ training, heldOut, sampleRate, seed: 4 }).measure(good).frechet.floor, first.frechet.floor);
  const noise = yardstick.measure(good.map((_, i) => white(i, L)));
  assert.is(noise.frechet.floor, first.frechet.floor);
  assert.ok(noise.frechet.samples !== first.frechet.samples);
});

test('samples and clips of any lengths: pieces of the shortest', () => {
  const long = yardstick.measure(good.slice(0, 3).map((sound) => Float32Array.of(...sound, ...sound, 0)));
  assert.equal(long.pieces, { count: 6, length: L });
  const short = yardstick.measure([good[0]!.slice(0, 3001), good[1]!]);
  assert.equal(short.pieces, { count: 3, length: 3001 });
  const differing = Yardstick.of({ training, heldOut: tunes(100, 4, L - 777), sampleRate }).measure(good);
  assert.equal(differing.pieces, { count: 16, length: L - 777 });
  for (const { frechet, modulation } of [long, short, differing]) assert.ok([frechet, modulation].every(({ percent }) => Number.isFinite(percent)));
});

test('silence has figures', () => {
  const silence = yardstick.measure(good.map(() => new Float32Array(L)));
  assert.ok(silence.frechet.percent > 100 && silence.modulation.percent > 100 && Number.isFinite(silence.level.samples));
});

test('what cannot be measured is refused in one line', () => {
  assert.throws(() => yardstick.measure([]), /there are no samples/);
  assert.throws(() => yardstick.measure([good[0]!, good[1]!.slice(0, 800)]), /sample 1 is too short to be evaluated: 800 samples, where 878 are/);
  const broken = good[0]!.slice();
  broken[7] = NaN;
  assert.throws(() => yardstick.measure([broken]), /sample 0 cannot be evaluated: value 7 of 8000 is NaN/);
  assert.throws(() => Yardstick.of({ training, heldOut: tunes(0, 0, L), sampleRate }), /no held-out clips/);
  assert.throws(() => Yardstick.of({ training: tunes(0, 1, 500), heldOut, sampleRate }), /training clips are too short/);
});

test.run();
