/** Sampling in a real browser: every verb, of clips and of sounds that are brought along, and the way from noise to sound. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DiffWave } from '../../src/diffwave/model/model.ts';
import { PRESETS } from '../../src/diffwave/presets.ts';
import { decodeWav, encodeWav16 } from '../../src/formats/wav.ts';
import { normals } from '../../src/reference/random.ts';
import { sine } from '../audio/helpers.ts';
import { assertClose } from '../close.ts';
import { gpuForTests } from '../gpuForTests.ts';
import type { Visit } from './chromium.ts';
import { Visits, downloaded, fill, takeBundledMusic } from './chromium.ts';

const test = suite('page: sampling');

const sampleRate = 7350;
const tone = sine({ hertz: 440, sampleRate, samples: sampleRate }).map((value) => value / 2);
const hiss = normals({ seed: 1, stream: 0, step: 0, item: 0, length: sampleRate });
const noisy = tone.map((value, i) => value + 0.1 * hiss[i]!);
const rounding = { atol: 1 / 32768, what: 'what was there before' };

let visits: Visits;
let visit: Visit;

const bring = async (name: string, samples: Float32Array): Promise<void> => {
  await visit.page.locator('#sampling .source').first().locator('input[type=file]')
    .setInputFiles({ name, mimeType: 'audio/wav', buffer: Buffer.from(encodeWav16(samples, sampleRate)) });
  await visit.page.locator('#sampling figure').first().getByText(name).waitFor();
};

const choose = (kind: string) => visit.page.locator('#sampling select').first().selectOption(kind);

/** Makes one sound; what came out. */
async function made(kind: string, what: string, fields: Readonly<Record<string, string | number>> = {}): Promise<Float32Array> {
  const { page } = visit;
  await choose(kind);
  await fill(page, fields);
  await page.getByRole('button', { name: 'Make it' }).click();
  await page.locator('#sampling > .said', { hasText: /^Made / }).waitFor();
  assert.is(await page.locator('#sampling > .said').textContent(), `Made ${what}.`);
  return decodeWav(await downloaded(page, 'Download the WAV'), 'made.wav').samples;
}

test.before(async () => {
  visits = await Visits.begin();
  visit = await visits.visit();
  const { page } = visit;
  await takeBundledMusic(page);
  using model = DiffWave.create(await gpuForTests(), { ...PRESETS.tiny.model, layers: 2, channels: 8, dilationCycle: 2, sampleRate, scale: 1 });
  await page.getByLabel('Open a run or weights').setInputFiles({ name: 'tiny.safetensors', mimeType: '', buffer: Buffer.from(await model.toBytes()) });
  await page.getByText('tiny.safetensors: a network of 2 layers × 8 channels at 7350 Hz').waitFor();
  await page.getByLabel('Sampler').selectOption('ddim');
  await fill(page, { Steps: 4 });
});
test.after(() => visits.end());

test('the way from noise to sound is shown while it is walked, and can be gone over again', async () => {
  const { page } = visit;
  await page.evaluate(`{ // text, as tests know no DOM
    globalThis.seen = new Set();
    const part = document.querySelector('#sampling');
    const look = () => seen.add(/\\d+ steps? left/.exec(part.textContent)?.[0]);
    new MutationObserver(look).observe(part, { subtree: true, childList: true, characterData: true });
  }`);
  const samples = await made('new', 'a new sound', { Seconds: 0.5 });
  assert.is(samples.length, sampleRate / 2);
  const seen = await page.evaluate<string[]>('[...seen]');
  for (const left of ['4 steps left', '3 steps left', '2 steps left', '1 step left']) assert.ok(seen.includes(left), `${seen}`);
  const way = page.getByRole('slider', { name: 'The way from noise to sound' });
  await way.fill('1');
  await page.locator('#sampling figure').last().getByText('3 steps left').waitFor();
  await way.press('End');
  await page.locator('#sampling figure').last().getByText('made in').waitFor();
});

test('a loop is played round and round without a gap', async () => {
  const { page } = visit;
  await page.evaluate(`{
    globalThis.loops = [];
    const Real = AudioBufferSourceNode;
    globalThis.AudioBufferSourceNode = class extends Real {
      constructor(context, options) {
        super(context, options);
        loops.push([options.loop, options.buffer.length]);
      }
    };
  }`);
  await page.getByLabel('Its end meets its beginning').check();
  const samples = await made('new', 'a new sound');
  await page.getByRole('button', { name: /^Play sample-seed0/ }).click();
  await page.getByRole('button', { name: /^Pause sample-seed0/ }).click();
  assert.equal(await page.evaluate('loops'), [[true, samples.length]]);
  await page.getByLabel('Its end meets its beginning').uncheck();
});

test('a sound is played from its beginning while the rest of it is made, and has the same bits', async () => {
  const { page } = visit;
  const whole = await made('new', 'a new sound', { Seconds: 2 });
  await page.evaluate(`{
    globalThis.begun = []; // what was said when a stretch began to play, and how long it is
    const Real = AudioBufferSourceNode;
    globalThis.AudioBufferSourceNode = class extends Real {
      constructor(context, options) {
        super(context, options);
        begun.push([said.textContent, options.buffer.length]);
      }
    };
    const part = document.querySelector('#sampling');
    const said = part.querySelector(':scope > .said');
    const observer = new MutationObserver(() => {
      if (!/can be played/.test(said.textContent)) return;
      observer.disconnect();
      [...part.querySelectorAll('button.play')].at(-1).click();
    });
    observer.observe(said, { subtree: true, childList: true, characterData: true });
  }`);
  await page.getByLabel('Can be played while the rest is made').check();
  const early = await made('new', 'a new sound');
  assert.equal(early, whole);
  // All that was made, each sample once. Not `waitForFunction`, which the page's Content-Security-Policy forbids.
  while (!(await page.evaluate(`begun.reduce((sum, [, length]) => sum + length, 0) === ${whole.length}`))) await page.waitForTimeout(100);
  const begun = await page.evaluate<[string, number][]>('begun');
  assert.match(begun[0]![0], /^\d\.\d s of 2\.0 s are made, and can be played$/);
  assert.ok(begun.length > 1, 'what came later followed');
  await page.getByRole('button', { name: /^Play sample-seed0/ }).waitFor(); // it has ended by itself
  await page.getByLabel('Can be played while the rest is made').uncheck();
});

test('what takes too long is stopped', async () => {
  const { page } = visit;
  await choose('new');
  await fill(page, { Seconds: 60 });
  await page.getByRole('button', { name: 'Make it' }).click();
  await page.locator('#sampling').getByRole('button', { name: 'Stop' }).click();
  await page.getByText('Stopped: nothing was made.').waitFor();
  await fill(page, { Seconds: 0.5 });
  await made('new', 'a new sound');
});

test('a variation, and what lies between two sounds, of a file and of a clip', async () => {
  await choose('variation');
  await bring('tone.wav', tone);
  const variation = await made('variation', 'a variation of a clip', { Strength: 0.3 });
  assert.is(variation.length, tone.length);
  assert.ok(variation.some((value, i) => Math.abs(value - tone[i]!) > 0.01));
  const between = await made('between', 'something between two clips');
  assert.is(between.length, tone.length, 'the clip is longer, and cut');
  assert.ok(between.some((value, i) => Math.abs(value - variation[i]!) > 0.01));
});

test('what is continued begins as it was', async () => {
  const continued = await made('continue', 'a clip, continued', { Seconds: 0.25 });
  assert.is(continued.length, tone.length + Math.round(sampleRate / 4));
  assertClose(continued.subarray(0, tone.length), tone, rounding);
  assert.ok(continued.subarray(tone.length).some((value) => Math.abs(value) > 0.01));
});

test('a gap is marked by dragging or by its fields, and nothing else is made anew', async () => {
  const { page } = visit;
  await choose('inpaint');
  const box = (await page.locator('#sampling figure').first().locator('canvas').boundingBox())!;
  await page.locator('#sampling figure').first().scrollIntoViewIfNeeded();
  const at = (await page.locator('#sampling figure').first().locator('canvas').boundingBox())!;
  assert.is(at.width, box.width);
  await page.mouse.move(at.x + at.width / 4, at.y + 20);
  await page.mouse.down();
  await page.mouse.move(at.x + at.width / 2, at.y + 20, { steps: 3 });
  await page.mouse.up();
  const [from, to] = await Promise.all(['Gap from, in seconds', 'to'].map(async (label) => Number(await page.getByLabel(label, { exact: true }).inputValue())));
  assert.ok(from! > 0.15 && from! < 0.3 && to! > 0.4 && to! < 0.6, `${from} to ${to}`);
  const filled = await made('inpaint', 'a clip with a gap made anew', { 'Gap from, in seconds': 0.4 });
  const [first, last] = [Math.round(0.4 * sampleRate), Math.round(to! * sampleRate)];
  assertClose(filled.subarray(0, first), tone.subarray(0, first), rounding);
  assertClose(filled.subarray(last), tone.subarray(last), rounding);
  assert.ok(filled.subarray(first, last).some((value, i) => Math.abs(value - tone[first + i]!) > 0.01));
});

test('noise is taken from a sound', async () => {
  await bring('noisy.wav', noisy);
  const clean = await made('denoise', 'a clip without its noise');
  assert.is(clean.length, noisy.length);
  assert.ok(clean.some((value, i) => Math.abs(value - noisy[i]!) > 1e-3));
});

test('every clip is listed, and a stretch of one can be what something is made of', async () => {
  const { page } = visit;
  await page.getByText('All clips').click();
  const list = page.getByLabel('All clips');
  assert.is(await list.locator('option').count(), 12);
  await list.selectOption({ index: 11 });
  await page.getByText('Clip 12 of 12').waitFor();
  await fill(page, { 'Stretch from, in seconds': 1, 'up to': 1.5 });
  await page.getByRole('button', { name: 'Make something of this stretch' }).click();
  await page.locator('#sampling figure').first().getByText('Clip 12 from 1 s to 1.5 s').waitFor();
  const variation = await made('variation', 'a variation of a clip');
  assert.is(variation.length, sampleRate / 2);
  assert.equal(visit.faults, []);
});

test.run();
