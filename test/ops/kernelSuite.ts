/** The tests of an operation: every case of `src/verify/`, on the GPU, and what its file adds. */
import { suite } from 'uvu';
import type { KernelCase } from '../../src/verify/case.ts';
import type { Row } from '../../src/verify/run.ts';
import { checkCase, variantsOf } from '../../src/verify/run.ts';
import { gpuForTests } from '../gpuForTests.ts';

/** A suite with one test for each case. */
export function kernelSuite(stem: string, cases: readonly KernelCase[]): ReturnType<typeof suite> {
  const test = suite(stem);
  for (const kernelCase of cases) {
    test(kernelCase.name, async () => {
      const gpu = await gpuForTests();
      const failed = (await checkCase(gpu, kernelCase, variantsOf(gpu))).filter(({ ok }) => !ok);
      if (failed.length > 0) throw new Error(failed.map(showRow).join('\n'));
    });
  }
  return test;
}

function showRow({ direction, error, tolerance }: Row): string {
  return `${direction}: error ${error}, tolerance ${tolerance}`;
}
