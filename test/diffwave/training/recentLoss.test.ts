import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { enoughUpdates, recentLoss } from '../../../src/diffwave/training/recentLoss.ts';
import { assertClose } from '../../close.ts';

const test = suite('recent loss');

test('a run that ends just after a line is not judged by its last two updates', () => {
  const reports = [{ step: 1, loss: 1 }, { step: 100, loss: 0.2 }, { step: 200, loss: 0.07 }, { step: 202, loss: 0.03 }];
  const { loss, updates } = recentLoss(reports);
  assert.is(updates, 102);
  assertClose([loss], [(100 * 0.07 + 2 * 0.03) / 102], { rtol: 1e-12, what: 'mean' });
});

test('as many reports as it takes, or all there are, each by its number of updates', () => {
  assert.equal(recentLoss([{ step: 1, loss: 0.5 }]), { loss: 0.5, updates: 1 });
  assert.equal(recentLoss([{ step: 1, loss: 1 }, { step: 4, loss: 0.5 }]), { loss: (1 + 3 * 0.5) / 4, updates: 4 });
  const each = Array.from({ length: 500 }, (_, i) => ({ step: i + 1, loss: i < 400 ? 1 : 0.25 }));
  assert.equal(recentLoss(each), { loss: 0.25, updates: enoughUpdates });
  assert.equal(recentLoss([{ step: 1002, loss: 0.5 }, { step: 2000, loss: 0.25 }], 1000), { loss: 0.25, updates: 998 });
  assert.equal(recentLoss([{ step: 1002, loss: 0.5 }], 1000).updates, 2);
});

test('a loss that is no number is none', () => {
  assert.ok(Number.isNaN(recentLoss([{ step: 2, loss: NaN }, { step: 4, loss: 1 }]).loss));
  assert.ok(Number.isNaN(recentLoss([{ step: 2, loss: null as unknown as number }]).loss));
});

test.run();
