/** A training in a real browser that is interrupted: by the visitor, by a lost GPU, by going on in Node. What comes out is that of one that was not. */
import { unzipSync } from 'fflate';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fingerprintOf, prepareClips } from '../../src/dataset/inMemory.ts';
import { splitByTrack } from '../../src/diffwave/data/split.ts';
import { archiveRun, readRunArchive } from '../../src/diffwave/files/runArchive.ts';
import { DiffWave } from '../../src/diffwave/model/model.ts';
import { train } from '../../src/diffwave/training/loop.ts';
import { readSafetensors, toFloat32 } from '../../src/formats/safetensors.ts';
import { assertClose } from '../close.ts';
import { gpuForTests } from '../gpuForTests.ts';
import type { Visit } from './chromium.ts';
import { Visits, chooseSmallNetwork, downloaded, fill, takeBundledMusic, trained } from './chromium.ts';

const test = suite('page: going on');

const updates = 30;
let visits: Visits;
let visit: Visit;
let undisturbed: Uint8Array;

/** Loses the GPU once, when the worker tells of update 15. */
const loseGpu = `{
  let device, isDone = false;
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    return (device = await requestDevice.apply(this, args));
  };
  const post = self.postMessage.bind(self);
  self.postMessage = (message) => {
    post(message);
    if (isDone || message.news !== 'progress' || message.data.step !== 15) return;
    isDone = true;
    device.destroy();
  };
}`;

const begin = async ({ page }: Visit): Promise<void> => {
  await takeBundledMusic(page);
  await chooseSmallNetwork(page, { updates, keepEvery: 10 });
  await fill(page, { 'A sound every': '' });
};
const start = ({ page }: Visit) => page.getByRole('button', { name: 'Start a new run' }).click();
const done = ({ page }: Visit, count: number) => trained(page, count);
const goOn = ({ page }: Visit) => page.getByRole('button', { name: /^Go on from update/ }).click();
const weightsIn = (run: Uint8Array): Buffer => Buffer.from(unzipSync(run)['weights.safetensors']!);
const logIn = (run: Uint8Array): Record<string, unknown>[] =>
  new TextDecoder().decode(unzipSync(run)['log.jsonl']).trim().split('\n').map((line) => JSON.parse(line));

/** Starts a run of all updates and pauses it at the first one that is shown, however fast they come; the update at which it stands. */
async function pausedRun(): Promise<number> {
  const { page } = visit;
  await page.evaluate(`{
    const [updates] = document.querySelectorAll('#training dd');
    const pause = [...document.querySelectorAll('#training button')].find(({ textContent }) => textContent === 'Pause');
    const look = () => {
      if (!/^1 of/.test(updates.textContent)) return;
      observer.disconnect();
      pause.click();
    };
    const observer = new MutationObserver(look);
    observer.observe(updates, { childList: true, characterData: true, subtree: true });
  }`);
  await start(visit);
  const offer = page.getByRole('button', { name: /^Go on from update/ });
  await offer.waitFor();
  return Number(/\d+/.exec((await offer.textContent())!)![0]);
}

test.before(async () => {
  visits = await Visits.begin();
  visit = await visits.visit();
  await begin(visit);
  await start(visit);
  await done(visit, updates);
  undisturbed = await downloaded(visit.page, 'Download the run');
});
test.after(() => visits.end());

test('a run that is paused goes on to the same bits', async () => {
  const { page } = visit;
  const at = await pausedRun();
  assert.ok(at >= 1 && at < updates, `${at}`);
  await goOn(visit);
  await done(visit, updates);
  assert.ok(weightsIn(await downloaded(page, 'Download the run')).equals(weightsIn(undisturbed)));
  assert.equal(visit.faults, []);
});

test('a run whose GPU is lost goes on by itself to the same bits, and says so', async () => {
  const losing = await visits.visit({ workerPrelude: loseGpu });
  await begin(losing);
  await fill(losing.page, { 'A sound every': 5 }); // one is being made just then, and another one after it
  await start(losing);
  await done(losing, updates);
  await losing.page.getByText(/^the GPU was lost after \d+ updates \(.*\): going on from step 10 on a new device$/).waitFor();
  await losing.page.getByText(/^What it makes after update [23]\d/).first().waitFor();
  assert.match((await losing.page.locator('#training .lines li').allTextContents()).join('; '), /^the GPU was lost after [^;]*device$/, 'of the sound that is given up nothing is said');
  const run = await downloaded(losing.page, 'Download the run');
  assert.ok(weightsIn(run).equals(weightsIn(undisturbed)));
  assert.equal(logIn(run).filter(({ event }) => event).map(({ event, resumedFrom }) => [event, resumedFrom]), [['device lost', 10]]);
  assert.equal(logIn(undisturbed).filter(({ event }) => event), []);
  await losing.context.close();
});

test('a run goes from the page to Node and back to the page', async () => {
  const { page } = visit;
  const at = await pausedRun();
  const begun = await readRunArchive(await downloaded(page, 'Download the run'), 'run.zip');
  const names: string[] = JSON.parse(new TextDecoder().decode(visits.site.get('music/list.json')));
  const sounds = names.map((name) => ({ name, bytes: async () => visits.site.get(`music/${name}`)! }));
  const dataset = await prepareClips(sounds, { ...begun.config.preparation!, source: 'bundled recordings' });
  const data = await fingerprintOf(dataset);
  assert.is(data, begun.data);

  using model = DiffWave.create(await gpuForTests(), begun.config.model);
  const { training, validationTracks, copiesTogether } = begun.config;
  const split = splitByTrack(dataset, { tracks: validationTracks, seed: training.seed, leastClips: training.batchSize, copiesTogether });
  let inNode!: Uint8Array;
  await train(model, {
    dataset: split.training, training, steps: at + 5, resume: begun.load(model),
    onSave: async (state) => void (inNode = await archiveRun(model, { ...state, data }, begun)),
  });
  await page.getByLabel('Open a run or weights').setInputFiles({ name: 'node.zip', mimeType: 'application/zip', buffer: Buffer.from(inNode) });
  await page.getByText(`node.zip: a run of ${at + 5} updates`).waitFor();
  await goOn(visit);
  await done(visit, updates);
  const [ours, inOnePlace] = [weightsIn(await downloaded(page, 'Download the run')), weightsIn(undisturbed)].map((bytes) => readSafetensors(bytes, 'weights'));
  for (const [key, tensor] of inOnePlace!.tensors) {
    const [theirs, wanted] = [ours!.tensors.get(key)!, tensor].map((each) => toFloat32(each, { name: 'weights', key }));
    assertClose(theirs!, wanted!, { atol: 1e-5, what: key }); // lavapipe and SwiftShader differ by 1.0e-7 at most, of weights up to 2.3
  }
  assert.equal(visit.faults, []);
});

test.run();
