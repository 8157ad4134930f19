import { seedKey } from '../random.ts';
import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { expectShape } from '../autograd/tensor.ts';
import type { Values } from '../gpu/program/dispatch.ts';
import { workgroupsFor } from './lanes.ts';

/**
 * Standard normals (B, L) by Philox 4x32-10 and Box–Muller: element (b, i) is a function of the seed, the stream,
 * `noiseStep`, the item `firstItem + noiseItem + b` and the index `noiseStart + i` alone. Those called noise… are given to
 * `run`, see `noiseValues`. Goes into the tensor `into` where one is given. Throws a RangeError if an item is 2^32 or more.
 */
export function noise(tape: Tape, options: {
  B: number; L: number; stream: number; firstItem?: number; into?: Tensor;
}): Tensor {
  const { B, L, stream, firstItem = 0 } = options;
  if (options.into) expectShape(options.into, [B, L], 'noise');
  if (firstItem + B > 2 ** 32) throw new RangeError(`noise: items up to ${firstItem + B - 1} would be those from 0 again`);
  const y = options.into ?? tape.result('noise', [B, L]);
  tape.record({
    kernel: { shader: 'noise', entry: 'forward' },
    reads: {},
    writes: { y },
    params: { items: B, length: L, firstItem, stream },
    step: true,
    workgroups: workgroupsFor(B * (Math.floor(L / 4) + 2)),
  });
  return y;
}

/** The step uniform of `noise`: a seed up to 2^53 as two words, the step, the index of the first number, and what every item's number is raised by. */
export function noiseValues({ seed, step, start = 0, item = 0 }: { seed: number; step: number; start?: number; item?: number }): Values {
  const [seedLow, seedHigh] = seedKey(seed);
  return { seedLow, seedHigh, noiseStep: step, noiseStart: start, noiseItem: item };
}
