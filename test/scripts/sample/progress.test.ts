import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkOutput } from '../../../scripts/lib/sample/output.ts';
import { SampleProgress } from '../../../scripts/lib/sample/progress.ts';

const test = suite('progress of sampling');

/** A progress, what it has written, and the clock that it sees. */
function trial({ clips, isTTY }: { clips: number; isTTY: boolean }) {
  const state = { text: '', now: 0 };
  const terminal = { isTTY, columns: 200, write: (text: string) => { state.text += text; } };
  return { state, progress: new SampleProgress({ clips, terminal, now: () => state.now }) };
}

test('a bar over all clips on a terminal, lines above it', () => {
  const { state, progress } = trial({ clips: 2, isTTY: true });
  progress.print('adapter');
  for (let done = 1; done <= 50; done++) {
    state.now += 1000;
    progress.step({ clip: 0, done, total: 50 });
  }
  progress.print('written');
  progress.step({ clip: 1, done: 50, total: 50 });
  progress.end();
  const drawn = state.text.split('\r\x1b[2K');
  assert.is(drawn[0], 'adapter\n');
  assert.is(drawn[1], '░░░░░░░░░░░░░░░░░░░░░░░░   1 % · step 1 of 100 · clip 1 of 2');
  assert.is(drawn[50], '████████████░░░░░░░░░░░░  50 % · step 50 of 100 · clip 1 of 2 · 1.00 steps/s · 50 s left');
  assert.is(drawn[51], `written\n${drawn[50]}`);
  assert.match(drawn[52]!, /^█{24} 100 % · step 100 of 100 · clip 2 of 2 · .* steps\/s\n$/);
});

test('elsewhere a line every ten seconds, and none for what is done before', () => {
  const { state, progress } = trial({ clips: 1, isTTY: false });
  for (let done = 1; done <= 50; done++) {
    state.now += 400;
    progress.step({ clip: 0, done, total: 50 });
  }
  progress.print('written');
  progress.end();
  assert.is(state.text, 'step 25 of 50 · 2.50 steps/s · 10 s left\nwritten\n');
});

test('a long step is seen moving', () => {
  const { state, progress } = trial({ clips: 1, isTTY: true });
  for (const done of [0.25, 0.5, 1.75]) {
    progress.step({ clip: 0, done, total: 4 });
    state.now += 10_000;
  }
  const drawn = state.text.split('\r\x1b[2K');
  assert.is(drawn[1], '█░░░░░░░░░░░░░░░░░░░░░░░   6 % · step 0 of 4');
  assert.is(drawn[3], '██████████░░░░░░░░░░░░░░  43 % · step 1 of 4 · 0.07 steps/s · 30 s left');
});

test('a WAV file does not go to a terminal', () => {
  const flags = { out: undefined, stdout: true, format: '16', normalize: false } as const;
  const rest = { count: 1, play: false, returnSequence: false };
  checkOutput(flags, { ...rest, isTTY: false });
  assert.throws(() => checkOutput(flags, { ...rest, isTTY: true }), /would write a WAV file to the terminal/);
  assert.throws(() => checkOutput(flags, { ...rest, returnSequence: true, isTTY: false }), /--return-sequence needs files/);
});

test.run();
