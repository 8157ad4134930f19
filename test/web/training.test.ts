/** Training in a real browser: what is said before the start, and what is heard on the way. */
import { unzipSync } from 'fflate';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parameterShapes } from '../../src/diffwave/model/shapes.ts';
import { PRESETS } from '../../src/diffwave/presets.ts';
import type { Visit } from './chromium.ts';
import { Visits, chooseSmallNetwork, downloaded, fill, takeBundledMusic, trained } from './chromium.ts';

const test = suite('page: training');

const updates = 20;
let visits: Visits;
let visit: Visit;

const start = () => visit.page.getByRole('button', { name: 'Start a new run' }).click();
const done = () => trained(visit.page, updates);
const weights = async (): Promise<Buffer> => Buffer.from(unzipSync(await downloaded(visit.page, 'Download the run'))['weights.safetensors']!);

test.before(async () => {
  visits = await Visits.begin();
  visit = await visits.visit();
  await takeBundledMusic(visit.page);
  await chooseSmallNetwork(visit.page, { updates, keepEvery: updates });
});
test.after(() => visits.end());

test('the memory of a new run is planned before it starts, for the network that is edited', async () => {
  const { page } = visit;
  for (const [layers, sees] of [[2, 7], [3, 15]] as const) {
    await fill(page, { Layers: layers });
    await page.getByText(`The network sees ${sees} samples at once`).waitFor();
    const shapes = parameterShapes({ ...PRESETS.tiny.model, layers, channels: 8 });
    const count = shapes.reduce((sum, { diskShape }) => sum + diskShape.reduce((product, length) => product * length, 1), 0);
    await page.getByText(new RegExp(`^A new run: ${count.toLocaleString('en')} parameters, .*; [\\d.]+ MiB of GPU memory \\(.*activations [\\d.]+ .*\\)\\.$`)).waitFor();
  }
  await fill(page, { Layers: 2 });
});

test('nothing starts while music is being prepared: it would be trained on the music before', async () => {
  const { page } = visit;
  let letGo!: () => void;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  await page.route('**/music/list.json', async (route) => {
    await held;
    await route.continue();
  });
  const startButton = page.getByRole('button', { name: 'Start a new run' });
  assert.ok(await startButton.isEnabled());
  const taken = takeBundledMusic(page);
  await page.locator('#training button:disabled', { hasText: 'Start a new run' }).waitFor();
  letGo();
  await taken;
  assert.ok(await startButton.isEnabled());
  await page.route('**/music/list.json', (route) => route.fulfill({ status: 404 }));
  await page.getByRole('button', { name: 'Take the bundled recordings' }).click();
  await page.getByText('music/list.json of this page cannot be fetched (status 404): try again, or take files of yours').waitFor();
  assert.ok(await startButton.isEnabled(), 'the music before is still there');
  await page.unroute('**/music/list.json');
  assert.ok(visit.faults.splice(0).every((fault) => fault.includes('404')), 'nothing else than that a file was not there'); // Chromium writes it down
});

test('what does not fit into the memory that may be used is refused, with the way out', async () => {
  const { page } = visit;
  const refusal = /^even one clip at a time .* does not fit: .* are needed, and 2\.0 MiB may be used: use shorter crops \(“Samples of a crop”, at most \d+\) or a larger “Memory limit”$/;
  await fill(page, { 'A sound every': '', 'Memory limit, in MiB': 2, 'Samples of a crop': 30_000 });
  await page.getByText(refusal).first().waitFor();
  await start();
  await page.getByText(refusal).nth(1).waitFor();
  await fill(page, { 'Memory limit, in MiB': '', 'Samples of a crop': 256 });
  assert.equal(visit.faults, []);
});

test('sounds are made while updates are, and change none of them', async () => {
  const { page } = visit;
  await start();
  await done();
  const silent = await weights();
  await fill(page, { 'A sound every': 5 });
  await page.evaluate(`{ // text, as tests know no DOM
    globalThis.seen = [];
    const [part, updates] = [document.querySelector('#training'), document.querySelector('#training dd')];
    const look = () => seen.push(updates.textContent + '; ' + /A sound of update \\d+ is [^.]*|$/.exec(part.textContent)[0]);
    new MutationObserver(look).observe(part, { subtree: true, childList: true, characterData: true });
  }`);
  await start();
  await done();
  const seen = await page.evaluate<string[]>('seen');
  assert.ok(seen.some((each) => /^1\d of 20; A sound of update 5 is being made: step \d+ of 50/.test(each)), seen.join('\n'));
  await page.getByText('What it makes after update 5').first().waitFor();
  await page.getByRole('button', { name: /^Play What it makes after update \d+$/ }).click();
  assert.ok((await weights()).equals(silent));
  assert.equal(visit.faults, []);
});

test.run();
