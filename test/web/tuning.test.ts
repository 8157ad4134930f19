/** Tuning in a real browser: software adapters have nothing to tune, so SwiftShader passes for a GPU here. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { mostCandidates } from '../../src/tuning/candidates.ts';
import { Visits, downloaded } from './chromium.ts';

const test = suite('page: tuning');

/** An adapter that does not say that it is a program, and has little memory: then few rows are timed. Its kernels are GPUs'. */
const pretend = `{
  const { get } = Object.getOwnPropertyDescriptor(GPUAdapter.prototype, 'info');
  Object.defineProperty(GPUAdapter.prototype, 'info', {
    get() {
      const { subgroupMinSize, subgroupMaxSize } = get.call(this);
      return { vendor: 'nobody', architecture: 'pretended', device: '', description: 'a GPU in name', subgroupMinSize, subgroupMaxSize, isFallbackAdapter: false };
    },
  });
  Object.defineProperty(GPUSupportedLimits.prototype, 'maxStorageBufferBindingSize', { get: () => 2 ** 21 });
}`;

test('the sizes of the tile kernels are tried, told and not used', async () => {
  const visits = await Visits.begin();
  try {
    const { page, faults } = await visits.visit({ workerPrelude: pretend });
    await page.getByText('a GPU in name · nobody · pretended').waitFor();
    await page.evaluate(`{
      globalThis.said = [];
      const line = document.querySelector('#gpu .said');
      new MutationObserver(() => said.push(line.textContent)).observe(line, { subtree: true, childList: true, characterData: true });
    }`);
    await page.getByRole('button', { name: 'Time every kernel' }).click();
    // Not `waitForFunction`, which the page's Content-Security-Policy forbids.
    while (!(await page.evaluate(`said.some((text) => /^Tuned: /.test(text))`))) await page.waitForTimeout(100);
    const rows = new TextDecoder().decode(await downloaded(page, 'Download the results')).trim().split('\n').map((line) => JSON.parse(line));
    const trials = rows.filter(({ bench }) => bench === 'tuning');
    assert.is(trials.length, mostCandidates);
    const [usual] = trials;
    assert.ok(usual.seconds > 0 && usual.refused === undefined, JSON.stringify(usual));
    assert.ok(trials.every(({ seconds, refused }) => (seconds > 0) !== (typeof refused === 'string')), JSON.stringify(trials));
    const [tuned] = rows.filter(({ bench }) => bench === 'tuned');
    const [chosen, ...others] = trials.filter((trial) => trial.chosen);
    assert.equal([tuned.tile, tuned.channels, others], [chosen.tile, 32, []]);
    assert.equal(faults, []);
  } finally {
    await visits.end();
  }
});

test.run();
