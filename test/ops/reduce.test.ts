import * as assert from 'uvu/assert';
import { chunksOf } from '../../src/ops/reduce.ts';
import { reduceCases } from '../../src/verify/cases/reduce.ts';
import { kernelSuite } from './kernelSuite.ts';

const test = kernelSuite('reduce', reduceCases);

test('partial sums cover every row once and are not too many', () => {
  for (const rows of [1, 63, 64, 65, 4096, 4097, 100_003]) {
    for (const mostParts of [1, 64, 256]) {
      const { chunkRows, parts } = chunksOf(rows, mostParts);
      const what = `${rows} rows in at most ${mostParts} parts: ${parts} of ${chunkRows}`;
      assert.ok(parts <= mostParts, what);
      assert.ok(parts * chunkRows >= rows && (parts - 1) * chunkRows < rows, what);
    }
  }
});

test.run();
