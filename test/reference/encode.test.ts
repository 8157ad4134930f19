import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encode, encodingTable } from '../../src/reference/encode.ts';
import { assertClose } from '../close.ts';

const test = suite('reference encode');

test('transformer: sine and cosine side by side, slower and slower', () => {
  const row = encode({ kind: 'transformer', t: [3], width: 4 });
  assertClose(row, [Math.sin(3), Math.cos(3), Math.sin(0.03), Math.cos(0.03)], { atol: 1e-15, what: 'width 4' });
});

test('diffwave: sines, then cosines, of t·1 … t·10^4', () => {
  const row = encode({ kind: 'diffwave', t: [2], width: 6 });
  const angles = [2, 200, 20000];
  assertClose(row, [...angles.map(Math.sin), ...angles.map(Math.cos)], { atol: 1e-11, what: 'width 6' });
});

test('the table holds one row for every t, and every row has sin² + cos² = 1', () => {
  for (const kind of ['transformer', 'diffwave'] as const) {
    const table = encodingTable({ kind, steps: 7, width: 128 });
    assert.is(table.length, 7 * 128);
    const row = encode({ kind, t: [5], width: 128 });
    assertClose(table.subarray(5 * 128, 6 * 128), row, { what: `${kind} row 5` });
    const squares = table.reduce((sum, value) => sum + value * value, 0);
    assertClose([squares], [7 * 64], { rtol: 1e-13, what: `${kind} squares` });
  }
});

test('between whole steps the rows around t are interpolated', () => {
  for (const kind of ['transformer', 'diffwave'] as const) {
    const [low, high] = [5, 6].map((t) => encode({ kind, t: [t], width: 128 }));
    const between = encode({ kind, t: [5.25], width: 128 });
    assertClose(between, low!.map((x, i) => 0.75 * x + 0.25 * high![i]!), { atol: 1e-15, what: kind });
  }
});

test.run();
