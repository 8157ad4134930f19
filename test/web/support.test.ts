/** The page in a real browser that has no WebGPU. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Visits } from './chromium.ts';

const test = suite('page: no WebGPU');

test('one clear text says what to do in this browser on this system', async () => {
  const visits = await Visits.begin({ webGpu: false });
  try {
    const { page, faults } = await visits.visit();
    await page.getByText('On Linux, open chrome://flags').waitFor();
    assert.is(await page.getByText(/chrome:\/\/flags/).count(), 1);
    assert.equal(faults, []);
  } finally {
    await visits.end();
  }
});

test.run();
