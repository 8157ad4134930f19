/** Music in a real browser that comes from somewhere else than a plain file: the microphone, a folder, what the browser decodes itself. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeWav, encodeWav16 } from '../../src/formats/wav.ts';
import { sine, temporaryFolder } from '../audio/helpers.ts';
import type { Visit } from './chromium.ts';
import { Visits } from './chromium.ts';

const test = suite('page: music');

const spoken = 523; // Hz, of what the microphone hears
const tone = (hertz: number, seconds: number) => encodeWav16(sine({ hertz, sampleRate: 22050, samples: 22050 * seconds }), 22050);
const folder = temporaryFolder({ 'microphone.wav': tone(spoken, 4) });
let visits: Visits;
let visit: Visit;

test.before(async () => {
  visits = await Visits.begin({
    webGpu: false,
    flags: ['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', `--use-file-for-fake-audio-capture=${join(folder, 'microphone.wav')}`],
  });
  visit = await visits.visit();
  // What is played is a WAV in a blob.
  await visit.page.evaluate(`{
    const { createObjectURL } = URL;
    URL.createObjectURL = (blob) => {
      globalThis.played = blob;
      return createObjectURL(blob);
    };
  }`);
});
test.after(() => visits.end());

/** The samples of the clip that is shown. */
async function heard(): Promise<Float32Array> {
  const { page } = visit;
  const play = page.locator('#music figure button.play');
  await play.click();
  const bytes = await page.evaluate<number[]>('played.arrayBuffer().then((buffer) => [...new Uint8Array(buffer)])');
  return decodeWav(Uint8Array.from(bytes), 'played.wav').samples;
}

/** The strongest frequency among these, in Hz, by correlation with each. */
function strongest(samples: Float32Array, sampleRate: number, frequencies: readonly number[]): number {
  const strength = (hertz: number): number => {
    let [re, im] = [0, 0];
    samples.forEach((value, n) => {
      re += value * Math.cos((2 * Math.PI * hertz * n) / sampleRate);
      im += value * Math.sin((2 * Math.PI * hertz * n) / sampleRate);
    });
    return Math.hypot(re, im);
  };
  return frequencies.reduce((best, hertz) => (strength(hertz) > strength(best) ? hertz : best));
}

test('the microphone: what is recorded becomes clips', async () => {
  const { page } = visit;
  await page.getByRole('button', { name: 'Record', exact: true }).click();
  await page.getByText('Recording …').waitFor();
  await page.waitForTimeout(1500);
  await page.getByRole('button', { name: 'Stop recording' }).click();
  await page.getByText(/^1 clip of 1 recording, prepared/).waitFor();
  await page.locator('#music figure').getByText('recording.wav, from 0.0 s').waitFor();
  const samples = await heard();
  assert.ok(samples.some((value) => Math.abs(value) > 0.1), 'it is not silent');
  const around = Array.from({ length: 41 }, (_, i) => spoken + 10 * (i - 20));
  assert.is(strongest(samples, 7350, around), spoken);
  await page.getByRole('button', { name: 'Record', exact: true }).waitFor();
  assert.equal(visit.faults, []);
});

test('a microphone that is refused costs a line', async () => {
  const { page } = visit;
  await page.evaluate(`{
    globalThis.allowed = navigator.mediaDevices.getUserMedia;
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('Permission denied', 'NotAllowedError'));
  }`);
  await page.getByRole('button', { name: 'Record', exact: true }).click();
  await page.getByText('the microphone cannot be used: allow it in the browser, or there is none').waitFor();
  await page.evaluate('navigator.mediaDevices.getUserMedia = allowed');
});

test('AAC is the browser\'s to decode, and where it cannot the file costs a line', async () => {
  const { page } = visit;
  const files = ['mono.m4a', 'mono.aac'].map((name) => ({ name, mimeType: 'audio/mp4', buffer: readFileSync(new URL(`../formats/files/${name}`, import.meta.url)) }));
  const canDecode = await page.evaluate<boolean>(`new OfflineAudioContext(1, 1, 44100).decodeAudioData(Uint8Array.from([${[...files[0]!.buffer]}]).buffer).then(() => true, () => false)`);
  if (!canDecode) console.log('note: this Chromium decodes no AAC: only the line that says so is tested');
  const take = () => page.getByLabel('Choose files').setInputFiles([...files, { name: 'good.wav', mimeType: 'audio/wav', buffer: Buffer.from(tone(440, 6)) }]);
  await take();
  if (canDecode) {
    await page.getByText(/ clips of 3 recordings, prepared/).waitFor();
    await page.getByText('All clips').click();
    await page.getByLabel('All clips').selectOption({ label: '3 · from 0.0 s of mono.aac' });
    await page.locator('#music figure').getByText('mono.aac, from 0.0 s').waitFor();
    assert.ok((await heard()).some((value) => Math.abs(value) > 0.05));
  }
  await page.evaluate(`OfflineAudioContext.prototype.decodeAudioData = () => Promise.reject(new DOMException('Unable to decode audio data', 'EncodingError'))`);
  await take();
  await page.getByText(/ clips of 1 recording, prepared/).waitFor();
  for (const { name } of files) await page.locator('#music .lines li', { hasText: name }).getByText(/holds AAC, which this browser does not decode: convert it to WAV or FLAC$/).first().waitFor();
  assert.equal(visit.faults, []);
});

test('a folder: tracks are called by their way below it, as in Node', async () => {
  const { page } = visit;
  for (const [path, hertz] of [['high/a.wav', 880], ['low/a.wav', 220]] as const) {
    mkdirSync(join(folder, 'mine', path, '..'), { recursive: true });
    writeFileSync(join(folder, 'mine', path), tone(hertz, 6));
  }
  await page.getByLabel('Choose a folder').setInputFiles(join(folder, 'mine'));
  await page.getByText(/ clips of 2 recordings, prepared/).waitFor();
  const named = await page.getByLabel('All clips').locator('option').allTextContents();
  assert.equal([...new Set(named.map((text) => / s of (.*)$/.exec(text)![1]))], ['high/a.wav', 'low/a.wav']);
  await page.getByText('Network and training').click();
  await page.getByLabel('Teach it the folders as labels').waitFor();
  await page.getByLabel('Choose files').setInputFiles({ name: 'good.wav', mimeType: 'audio/wav', buffer: Buffer.from(tone(440, 6)) });
  await page.getByText(/ clips? of 1 recording, prepared/).waitFor();
  await page.getByLabel('Teach it the folders as labels').waitFor({ state: 'hidden' }); // one folder is no choice
});

test.run();
