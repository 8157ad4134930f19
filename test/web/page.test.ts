/** The page in a real browser: the way from music to sound, what survives a killed tab, and what goes over to Node and back. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { unzipSync, zipSync } from 'fflate';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { firstLoadBytes } from '../../scripts/lib/web/site.ts';
import { DiffWave } from '../../src/diffwave/model/model.ts';
import { RunFolder } from '../../src/diffwave/files/run.node.ts';
import { sample } from '../../src/diffwave/sampling/sampling.ts';
import { decodeWav, encodeWav16 } from '../../src/formats/wav.ts';
import { sine, temporaryFolder } from '../audio/helpers.ts';
import { assertClose } from '../close.ts';
import { gpuForTests } from '../gpuForTests.ts';
import type { Visit } from './chromium.ts';
import { Visits, chooseSmallNetwork, downloaded, fill, takeBundledMusic, trained } from './chromium.ts';

const test = suite('page');

const updates = 100;
let visits: Visits;
let first: Visit;
let run: Record<string, Uint8Array>;

const textOf = (name: string): string => new TextDecoder().decode(run[name]);
const allText = (visit: Pick<Visit, 'page'>, selector: string): Promise<string[]> => visit.page.locator(selector).allTextContents();

test.before(async () => {
  visits = await Visits.begin();
  first = await visits.visit();
});
test.after(() => visits.end());

test('from music to a run: the loss falls', async () => {
  const { page } = first;
  await takeBundledMusic(page);
  await chooseSmallNetwork(page, { updates, keepEvery: 10 });
  await page.getByRole('button', { name: 'Start a new run' }).click();
  await trained(page, updates);
  run = unzipSync(await downloaded(page, 'Download the run'));
  const losses: number[] = textOf('log.jsonl').trim().split('\n').map((line) => JSON.parse(line).loss);
  assert.ok(losses.length >= 4 && losses.at(-1)! < 0.95 * losses[0]!, `${losses}`);
});

test('from a run to a sound: a valid WAV, the one that Node makes of the same weights and seed', async () => {
  const { page } = first;
  await fill(page, { Seconds: 0.5, Steps: 5 });
  await page.locator('#sampling').getByLabel('Seed').fill('7'); // training has one, too
  await page.getByRole('button', { name: 'Make it' }).click();
  await page.getByText('Made a new sound').waitFor();
  const { samples, sampleRate, warnings } = decodeWav(await downloaded(page, 'Download the WAV'), 'sample.wav');
  assert.equal([samples.length, sampleRate, warnings.filter((line) => !line.includes('clamped'))], [3675, 7350, []]);
  const weights = await downloaded(page, 'Download the weights');
  using model = DiffWave.fromBytes(await gpuForTests(), weights, { file: 'weights.safetensors' });
  const { audio: [wanted] } = await sample(model, { shape: [1, 3675], seed: 7, steps: 5 });
  const clipped = wanted!.map((value) => Math.max(-1, Math.min(1, value)));
  assertClose(samples, clipped, { atol: 1e-4, what: 'sound of the page and of Node' });
});

test('the run goes on in Node, and what Node made of it opens in the page', async () => {
  const folder = join(temporaryFolder(), 'run');
  for (const [name, bytes] of Object.entries(run)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  const opened = RunFolder.open(folder);
  using model = await opened.load(await gpuForTests(), { raw: true });
  const state = opened.resume(model);
  assert.is(state.step, updates);
  assert.is(opened.identifyWeights().step, updates);
  const packed = join(temporaryFolder(), 'from-node.zip');
  writeFileSync(packed, zipSync({ run }));
  const visit = await visits.visit();
  await visit.page.getByLabel('Open a run or weights').setInputFiles(packed);
  await visit.page.getByText(`from-node.zip: a run of ${updates} updates`).waitFor();
  const again = unzipSync(await downloaded(visit.page, 'Download the run'));
  assert.equal(Buffer.from(again['run/weights.safetensors']!), Buffer.from(run['weights.safetensors']!));
  await visit.context.close();
});

test('a tab that is killed in mid-training goes on to the bits of a run that nobody disturbed', async () => {
  const { page, context, faults } = await visits.visit();
  await takeBundledMusic(page);
  await chooseSmallNetwork(page, { updates, keepEvery: 10 });
  await page.getByRole('button', { name: 'Start a new run' }).click();
  await page.locator('#training dd', { hasText: /^update [1-9]0$/ }).waitFor(); // a fast machine may have kept several by then
  await page.close(); // its worker with it, at whatever it is doing
  const again = await visits.comeTo(context, faults);
  const offer = again.getByRole('button', { name: /Go on from update [1-9]0$/ });
  await offer.waitFor();
  await fill(again, { 'Updates in total': updates }); // on coming back it proposes more
  await again.getByText('Network and training').click();
  await fill(again, { 'Checkpoint every': 10 });
  await offer.click();
  await trained(again, updates);
  const resumed = unzipSync(await downloaded(again, 'Download the run'));
  for (const name of Object.keys(run).filter((each) => each.endsWith('.safetensors'))) {
    assert.ok(Buffer.from(resumed[name]!).equals(Buffer.from(run[name]!)), name);
  }
  assert.equal(faults, []);
  await context.close();
});

test('bad files cost a line each, and nothing else', async () => {
  const visit = await visits.visit();
  const tone = encodeWav16(sine({ hertz: 440, sampleRate: 22050, samples: 22050 * 6 }), 22050);
  const files = [
    { name: 'notes.txt', content: Buffer.from('no music') }, { name: 'text.wav', content: Buffer.from('no music either, only text') },
    { name: 'empty.wav', content: Buffer.alloc(0) }, { name: 'cut.wav', content: Buffer.from(tone.subarray(0, tone.length / 2)) },
    { name: 'good.wav', content: Buffer.from(tone) },
  ];
  await visit.page.getByLabel('Choose files').setInputFiles(files.map(({ name, content }) => ({ name, mimeType: 'audio/wav', buffer: content })));
  await visit.page.getByText(/clips of 2 recordings, prepared/).waitFor();
  const lines = await allText(visit, '.lines li');
  for (const wanted of [/notes\.txt is no sound file/, /text\.wav is not a WAV file: it is text/, /empty\.wav .*empty/, /cut\.wav: /]) {
    assert.ok(lines.some((line) => wanted.test(line)), `${wanted} in ${lines.join(' | ')}`);
  }
  const wrong = visit.page.getByLabel('Open a run or weights');
  await wrong.setInputFiles({ name: 'run.zip', mimeType: 'application/zip', buffer: Buffer.from('not one') });
  await visit.page.getByText('run.zip is not a ZIP file').waitFor();
  assert.equal(visit.faults, []);
  await visit.context.close();
});

test('nothing is fetched from another host, and little before it is asked for', () => {
  const { origin } = new URL(visits.address);
  assert.ok(first.requests.length > 5);
  assert.equal(first.requests.filter((url) => !url.startsWith(origin) && !url.startsWith(`blob:${origin}`)), []);
  assert.equal(first.faults, []);
  const bytes = firstLoadBytes(visits.site);
  assert.ok(bytes > 20_000 && bytes <= 400_000, `${bytes} bytes`);
});

test('every kernel is right on the adapter of the browser', async () => {
  const { page } = first;
  await page.getByRole('button', { name: 'Verify every kernel' }).click();
  await page.locator('#gpu .said', { hasText: /^(PASS|FAIL): / }).waitFor();
  assert.match(await page.locator('#gpu .said').textContent() ?? '', /^PASS: [\d,]+ checks, none failed\.$/);
  const rows = new TextDecoder().decode(await downloaded(page, 'Download the results')).trim().split('\n').map((line) => JSON.parse(line));
  assert.ok(rows.length > 1000 && rows.slice(1).every(({ bench, ok, adapter }) => bench === 'verify' && ok && adapter));
  for (const file of ['transformer-4x16', 'diffwave-6x8-l1', 'diffwave-labels-5x8', 'diffwave-mel-6x8']) assert.ok(rows.some(({ subject }) => subject === file), file);
});

test('kernels are timed, and stand in one file with the checks, as a bench of Node writes them', async () => {
  const { page } = first;
  await page.getByRole('button', { name: 'Time every kernel' }).click();
  await page.locator('#gpu .said', { hasText: /^Timing: conv1d d x · / }).waitFor();
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.locator('#gpu .said', { hasText: /^\d+ kernels timed\.$/ }).waitFor();
  const rows = new TextDecoder().decode(await downloaded(page, 'Download the results')).trim().split('\n').map((line) => JSON.parse(line));
  const [ours] = rows.filter(({ bench }) => bench === 'kernel');
  const results = new URL('../../bench/results/llvmpipe-llvm-15-0-6-256-bits.jsonl', import.meta.url);
  const { ofRooflineCpu, ...theirs } = JSON.parse(readFileSync(results, 'utf8').split('\n')[0]!);
  assert.equal(Object.keys(ours), Object.keys(theirs), 'but for processor time, which pages cannot know');
  assert.ok(ours.kernel === 'conv1d' && ours.median > 0 && ours.ofRoofline > 0 && ours.ofRoofline < 2, JSON.stringify(ours));
  assert.ok(rows.some(({ bench }) => bench === 'verify'));
});

test('axe finds no serious fault, in light and in dark, wide and narrow', async () => {
  const { page } = first;
  const { default: axe } = await import('axe-core');
  for (const [colorScheme, width] of [['light', 1600], ['dark', 360]] as const) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 900 });
    await page.evaluate(axe.source); // not as a script of the page, which its policy forbids
    const found = await page.evaluate(async () => {
      const { violations } = await (globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> } }).axe.run();
      return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, nodes }) => `${id}: ${nodes[0]!.html}`);
    });
    assert.equal(found, [], `${colorScheme} ${width}`);
    assert.is(await page.evaluate('document.documentElement.scrollWidth'), width, 'nothing sticks out at the side');
  }
});

test.run();
