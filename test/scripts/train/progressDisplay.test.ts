import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ProgressDisplay, barText } from '../../../scripts/lib/train/progressDisplay.ts';

const test = suite('progress display');

const report = { step: 50, loss: 0.1, recent: { loss: 0.5, updates: 100 }, gradientNorm: 0.1, learningRate: 1e-3, seconds: 10, stepsPerSecond: 10, eta: 5 };

/** A display, what it has written, and the clock that it sees. */
function trial(terminal: { isTTY?: boolean; columns?: number }) {
  const state = { text: '', now: 0 };
  const display = new ProgressDisplay({
    steps: 100,
    terminal: { ...terminal, write: (text) => { state.text += text; } },
    now: () => state.now,
  });
  return { display, state };
}

/** What a terminal shows of a text: a carriage return with "erase in line" starts the line again. */
const shown = (text: string): string[] => text.split('\n').map((line) => line.slice(line.lastIndexOf('\x1b[2K') + 1).replace('[2K', ''));

test('the bar', () => {
  assert.is(
    barText({ step: 25, steps: 100, recent: { loss: 0.12345, updates: 1 }, stepsPerSecond: 12.4 }),
    '██████░░░░░░░░░░░░░░░░░░  25 % · step 25 of 100 · loss 0.1235 over 1 update · 12 steps/s · 6 s left',
  );
  assert.is(
    barText({ step: 100, steps: 100, stepsPerSecond: 0.5 }),
    '████████████████████████ 100 % · step 100 of 100 · 0.50 steps/s',
  );
  assert.is(barText({ step: 1, steps: 100 }), '░░░░░░░░░░░░░░░░░░░░░░░░   1 % · step 1 of 100');
});

test('on a terminal one line is drawn again, and other lines go above it', () => {
  const { display, state } = trial({ isTTY: true, columns: 200 });
  display.tick(1);
  state.now = 2000;
  display.tick(3);
  display.print('saved');
  state.now = 5900;
  display.report(report);
  display.tick(60);
  display.end();
  assert.equal(shown(state.text), [
    'saved',
    '██████████████░░░░░░░░░░  60 % · step 60 of 100 · loss 0.5000 over 100 updates · 10 steps/s · 4 s left',
    '',
  ]);
  display.print('done');
  assert.match(state.text, /\ndone\n$/);
});

test('it is drawn ten times a second at most, but to its end, and never wraps', () => {
  const { display, state } = trial({ isTTY: true, columns: 40 });
  for (let step = 1; step <= 100; step++) {
    state.now += 10;
    display.tick(step);
  }
  const drawn = state.text.split('\r').slice(1);
  assert.is(drawn.length, 11);
  assert.match(drawn.at(-1)!, '100 %');
  for (const line of drawn) assert.is(line.replace('\x1b[2K', '').length, 39);
});

test('elsewhere there are plain lines, and only for reports', () => {
  const { display, state } = trial({ isTTY: false });
  display.tick(1);
  display.tick(2);
  display.report(report);
  display.print('saved');
  display.end();
  assert.is(state.text, 'step 50 of 100 · loss 0.5000 over 100 updates · 10 steps/s · 5 s left\nsaved\n');
});

test.run();
