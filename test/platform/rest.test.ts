/** Waiting for a software adapter: the event loop turns seldom instead of all the time, and not longer than somebody waits. */
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { platformOn } from '../../src/platform/platform.node.ts';
import { rest } from '../../src/platform/rest.node.ts';

const test = suite('rest');

/** How often the event loop turns until `promise` is settled, as for dawn.node, which asks in every turn. */
async function turnsUntil(promise: Promise<unknown>): Promise<number> {
  let turns = 0;
  let settled = false;
  promise.catch(() => undefined).then(() => (settled = true));
  while (!settled) {
    await new Promise((resolve) => setImmediate(resolve));
    turns++;
  }
  return turns;
}

test('a tenth of the turns, or less, while something is waited for that takes long', async () => {
  const without = await turnsUntil(sleep(400));
  const waited = sleep(400);
  rest(waited);
  const withRest = await turnsUntil(waited);
  assert.ok(withRest < without / 10, `${withRest} turns, ${without} without`);
});

test('what is short is asked about without a pause', async () => {
  const promise = new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  rest(promise);
  assert.ok((await turnsUntil(promise)) <= 3);
});

test('of several promises the last one ends it, and a failure stays with whoever waits', async () => {
  const [short, long] = [sleep(20), sleep(200)];
  const failing = sleep(40).then(() => Promise.reject(new Error('lost')));
  for (const promise of [short, failing, long]) rest(promise);
  const message = await failing.catch((error: Error) => error.message);
  assert.is(message, 'lost');
  const after = await turnsUntil(long);
  const free = await turnsUntil(sleep(150));
  assert.ok(after < free / 5, `${after} turns while one was waited for, ${free} afterwards`);
});

test('whoever opens Dawn with toggles of its own rests as well: no bench or script makes up a platform', async () => {
  assert.is(platformOn({} as GPU, async () => '').rest, rest);
  const root = new URL('../../', import.meta.url);
  const made: string[] = [];
  for (const room of ['bench', 'scripts']) {
    for (const file of await readdir(new URL(room, root), { recursive: true })) {
      if (/\.ts$/.test(file) && /platform: \{/.test(await readFile(new URL(`${room}/${file}`, root), 'utf8'))) made.push(`${room}/${file}`);
    }
  }
  assert.equal(made, []);
});

test.run();
