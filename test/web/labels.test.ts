/** Networks that are told something, in a real browser: labels that are taught and asked for, spectrograms that are played. */
import { unzipSync } from 'fflate';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readRunArchive } from '../../src/diffwave/files/runArchive.ts';
import { labelsAlong, labelsTold } from '../../src/diffwave/model/labels.ts';
import { melSpectrogramOf, melTold } from '../../src/diffwave/model/mels.ts';
import { DiffWave } from '../../src/diffwave/model/model.ts';
import { PRESETS } from '../../src/diffwave/presets.ts';
import type { SampleOptions } from '../../src/diffwave/sampling/sampling.ts';
import { sample } from '../../src/diffwave/sampling/sampling.ts';
import { decodeWav, encodeWav16 } from '../../src/formats/wav.ts';
import { sine } from '../audio/helpers.ts';
import { assertClose } from '../close.ts';
import { gpuForTests } from '../gpuForTests.ts';
import type { Visit } from './chromium.ts';
import { Visits, chooseSmallNetwork, downloaded, fill, takeBundledMusic, trained } from './chromium.ts';

const test = suite('page: labels and spectrograms');

const sampleRate = 7350;
const L = sampleRate / 2;
let visits: Visits;
let visit: Visit;
let weights: Uint8Array;

test.before(async () => {
  visits = await Visits.begin();
  visit = await visits.visit();
});
test.after(() => visits.end());

/** Makes one sound of the fields as they are; what came out. */
async function made(): Promise<Float32Array> {
  const { page } = visit;
  await page.getByRole('button', { name: 'Make it' }).click();
  await page.locator('#sampling > .said', { hasText: /^Made / }).waitFor();
  const file = await downloaded(page, 'Download the WAV');
  return decodeWav(file, 'made.wav').samples;
}

/** What Node makes of the weights that are in the page. */
async function inNode(told: SampleOptions['told'], samples = L): Promise<Float32Array> {
  using model = DiffWave.fromBytes(await gpuForTests(), weights, { file: 'weights.safetensors' });
  const { audio: [audio] } = await sample(model, { shape: [1, samples], sampler: 'ddim', steps: 4, told });
  return audio!.map((value) => Math.max(-1, Math.min(1, value)));
}

const refusal = (text: RegExp) => visit.page.locator('#sampling > .said.bad', { hasText: text }).waitFor();

test('folders are taught as labels: in configuration, weights and table, as in Node', async () => {
  const { page } = visit;
  await takeBundledMusic(page);
  await chooseSmallNetwork(page, { updates: 4, keepEvery: 4 });
  await fill(page, { 'A sound every': 4 });
  await page.getByLabel('Teach it the folders as labels').check();
  await page.getByRole('button', { name: 'Start a new run' }).click();
  await trained(page, 4);
  await page.getByText('What it makes after update 4, told classical').waitFor();
  const files = unzipSync(await downloaded(page, 'Download the run'));
  assert.match(new TextDecoder().decode(files['labels.csv']), /^path,label\nclassical\/classical\.00000\.wav,classical\n/);
  const { config, labels } = await readRunArchive(await downloaded(page, 'Download the run'), 'run.zip');
  assert.equal([config.labels, config.model.labels, labels?.size], ['folders', ['classical', 'country'], 4]);
  weights = files['weights.safetensors']!;
});

test('a run with labels goes on with them', async () => {
  const { page } = visit;
  await fill(page, { 'Updates in total': 6 });
  await page.getByRole('button', { name: 'Go on from update 4' }).click();
  await trained(page, 6);
  const files = unzipSync(await downloaded(page, 'Download the run'));
  assert.ok(files['labels.csv']);
  assert.not.equal(files['weights.safetensors'], weights);
  weights = files['weights.safetensors']!;
});

test('one label, a mixture with guidance, and labels over time: what Node makes of the same', async () => {
  const { page } = visit;
  await page.getByLabel('Sampler').selectOption('ddim');
  await fill(page, { Seconds: 0.5, Steps: 4 });
  using model = DiffWave.fromBytes(await gpuForTests(), weights, { file: 'weights.safetensors' });
  const { config } = model;
  const label = page.getByRole('combobox', { name: 'Label', exact: true });
  assert.equal(await label.locator('option').allTextContents(), ['none', 'classical', 'country', 'a mixture', 'changing over time']);
  const close = async (told: SampleOptions['told'], what: string): Promise<Float32Array> => {
    const ours = await made();
    assertClose(ours, await inNode(told), { atol: 1e-4, what });
    return ours;
  };
  await label.selectOption('country');
  const country = await close(labelsTold(config, { labels: { country: 1 } }), 'country');
  await label.selectOption('a mixture');
  await fill(page, { Mixture: 'classical:1,country:3', Guidance: 2.5 });
  const mixed = await close(labelsTold(config, { labels: { classical: 1, country: 3 }, guidance: 2.5 }), 'a mixture');
  await label.selectOption('changing over time');
  await fill(page, { 'Labels over time': '0:classical,0.3:country', Guidance: 1 });
  const along = await close(labelsTold(config, { overTime: labelsAlong('0:classical,0.3:country', config, 'it') }), 'over time');
  for (const [a, b] of [[country, mixed], [mixed, along], [country, along]] as const) assert.ok(a.some((value, i) => Math.abs(value - b[i]!) > 1e-3));
  const file = Buffer.from(await downloaded(page, 'Download the WAV')).toString('latin1');
  assert.match(file, /--labels-over-time 0:classical,0\.3:country/);
});

test('what the network cannot be told costs a line', async () => {
  const { page } = visit;
  const label = page.getByRole('combobox', { name: 'Label', exact: true });
  await label.selectOption('a mixture');
  for (const [text, line] of [
    ['jazz:1', /^there is no label "jazz": this network knows classical, country, none$/], ['classical:', /^“Mixture” must be a label, or labels with shares as in jazz:0\.7,metal:0\.3, got classical:$/],
  ] as const) {
    await fill(page, { Mixture: text });
    await page.getByRole('button', { name: 'Make it' }).click();
    await refusal(line);
  }
  await label.selectOption('changing over time');
  await fill(page, { 'Labels over time': '3:country,1:classical' });
  await page.getByRole('button', { name: 'Make it' }).click();
  await refusal(/^“Labels over time” must go forward in time, got 3:country,1:classical$/);
  assert.equal(visit.faults, []);
});

test('a network for spectrograms plays that of a sound, and a .npy file, as Node does', async () => {
  const { page } = visit;
  const { melBands, hopSamples, ...rest } = PRESETS['diffwave-vocoder'].model;
  using model = DiffWave.create(await gpuForTests(), { ...rest, layers: 2, channels: 8, dilationCycle: 2, melBands, hopSamples: 64, sampleRate });
  weights = await model.toBytes();
  await page.getByLabel('Open a run or weights').setInputFiles({ name: 'vocoder.safetensors', mimeType: '', buffer: Buffer.from(weights) });
  await page.getByText(/vocoder\.safetensors: a network of 2 layers × 8 channels at 7350 Hz, for spectrograms/).waitFor();
  for (const name of ['Guidance', 'Seconds', 'Its end meets its beginning']) await page.getByLabel(name, { exact: true }).waitFor({ state: 'hidden' });
  const source = page.locator('#sampling .source:visible');
  const sound = decodeWav(encodeWav16(sine({ hertz: 440, sampleRate, samples: 2000 }), sampleRate), 'tone.wav').samples;
  await source.locator('input[type=file]').setInputFiles({ name: 'tone.wav', mimeType: 'audio/wav', buffer: Buffer.from(encodeWav16(sound, sampleRate)) });
  await source.getByText('tone.wav').waitFor();
  const mel = melSpectrogramOf(model.config, sound);
  const told = melTold(model.config, mel);
  const ofSound = await made();
  assert.is(ofSound.length, 31 * 64, 'as many whole hops as are in it');
  assertClose(ofSound, await inNode(told, 31 * 64), { atol: 1e-4, what: 'of a sound' });

  const choose = page.getByLabel('Choose a spectrogram (.npy)');
  await choose.setInputFiles({ name: 'few.npy', mimeType: '', buffer: npy([3, 5], new Float32Array(15)) });
  await page.getByText('the spectrogram has 3 bands, and this network wants 80: use one of (80, frames)').waitFor();
  await choose.setInputFiles({ name: 'not.npy', mimeType: '', buffer: Buffer.from('not one') });
  await page.getByText(/^not\.npy is not a NumPy file/).waitFor();
  const turned = Float32Array.from({ length: 31 * 80 }, (_, i) => mel.values[(i % 31) * 80 + Math.floor(i / 31)]!);
  await choose.setInputFiles({ name: 'tone.npy', mimeType: '', buffer: npy([80, 31], turned) });
  await page.getByText('tone.npy: 31 frames, 0.27 s').waitFor();
  assert.equal(await made(), ofSound);
  await page.getByRole('button', { name: 'Back to sounds' }).click();
  await page.locator('#sampling select').first().selectOption('variation');
  await page.getByRole('button', { name: 'Make it' }).click();
  await refusal(/^the spectrogram makes 1984 samples, and the sound has 36750: both must be of the same length$/);
  assert.equal(visit.faults, []);
});

test('a network for spectrograms is trained in the page, and heard on the way', async () => {
  const { page } = visit;
  const preset = page.getByLabel('Prepare for the preset');
  await preset.selectOption('diffwave-vocoder');
  await page.getByText('12 clips of 4 recordings are here, of 5 s at 7,350 Hz, not as this preset wants them: take the music again, or train on it as it is.').waitFor();
  await preset.selectOption('tiny');
  await page.getByText('12 clips of 4 recordings, as this preset wants them.').waitFor();
  await preset.selectOption('diffwave-vocoder');
  await takeBundledMusic(page);
  await fill(page, { Layers: 2, Channels: 8, 'Samples of a crop': 500, 'Updates in total': 2, 'Checkpoint every': 2, 'A sound every': 2 });
  await page.getByText('a network for spectrograms makes a multiple of 256 samples, its hop, not 500: use another length (“Samples of a crop”)').waitFor();
  await fill(page, { 'Samples of a crop': 512 });
  await page.getByRole('button', { name: 'Start a new run' }).click();
  await trained(page, 2);
  await page.getByText('What it makes after update 2').first().waitFor();
  assert.equal(visit.faults, []);
});

/** As numpy.save writes float32. */
function npy([rows, columns]: readonly [number, number], values: Float32Array): Buffer {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`.padEnd(117) + '\n';
  const start = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, header.length & 255, header.length >> 8]);
  return Buffer.concat([start, Buffer.from(header), Buffer.from(values.buffer)]);
}

test.run();
