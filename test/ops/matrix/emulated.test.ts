/**
 * The kernels, computed: with loops in the place of matrices (see `emulated.ts`), against float64 that rounds factors to f16 as
 * they are staged. A few cases, as each kernel takes seconds to compile; `emulated.long.ts` has all of them.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Executable } from '../../../src/autograd/executable.ts';
import { planTape } from '../../../src/autograd/plan.ts';
import { Tape } from '../../../src/autograd/tape.ts';
import { conv1d } from '../../../src/ops/conv1d.ts';
import { conv1dCases } from '../../../src/verify/cases/conv1d.ts';
import { emulatingGpu, failuresOf, matrixVariant, settingsFor, shaderText, shapes } from './emulated.ts';

const test = suite('matrix kernels, emulated');

const f16 = { ...settingsFor(shapes.f16), channels: 16 };

/** Odd numbers of vectors, two slices, an item of 17 rows, gradients that would be zero in f16. */
const odd = conv1dCases.find(({ gradientScale }) => gradientScale !== undefined)!;

test(`f16: ${odd.stem} ${odd.name}`, async () => {
  assert.equal(await failuresOf(odd, f16), []);
});

test('a wrong place, and gradients that are not scaled, are found', async () => {
  const text = shaderText('conv1d.matrix');
  for (const [right, wrong] of [['left + {j}u * N / 4u', 'left'], ['staged(input{j} * params.scale)', 'staged(input{j})']] as const) {
    const changed = text.replace(right, wrong);
    assert.is.not(changed, text);
    const failures = await failuresOf(odd, f16, { 'conv1d.matrix': changed });
    assert.ok(failures.some((line) => /^d x: /.test(line)), failures.join('\n'));
  }
});

test('what is too large for f16 becomes its largest number, and NaN stays', async () => {
  const gpu = await emulatingGpu(f16);
  const [L, Cin, Cout, K] = [17, 20, 36, 3];
  const tape = new Tape({ variant: matrixVariant(f16) });
  const x = tape.input('x', [1, L, Cin]);
  const weight = tape.input('weight', [K, Cin, Cout]);
  const y = tape.keep(conv1d(tape, { x, weight, bias: tape.input('bias', [Cout]), dilation: 5 }));
  using executable = await Executable.build(gpu, planTape(tape));
  const values = new Float32Array(L * Cin);
  [[0, 1e6], [1, -Infinity], [2, 65504], [3, NaN]].forEach(([row, value]) => (values[row! * Cin + 7] = value!));
  executable.write(x, values);
  executable.write(weight, Float32Array.from({ length: K * Cin * Cout }, (_, i) => Number(i >= Cin * Cout && i < 2 * Cin * Cout) / 4));
  executable.run();
  const got = await executable.read(y);
  const row = (t: number): number[] => [...got.subarray(t * Cout, (t + 1) * Cout)];
  assert.equal([0, 1, 2].map((t) => [...new Set(row(t))]), [[65504 / 4], [-65504 / 4], [65504 / 4]]);
  assert.ok(row(3).every(Number.isNaN), 'NaN is hidden');
  assert.equal([...new Set(row(4))], [0]);
  gpu.close();
});

test.run();
