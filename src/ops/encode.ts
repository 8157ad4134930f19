import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { workgroupsFor } from './lanes.ts';

export type StepEncoding = 'transformer' | 'diffwave';

/**
 * The encodings of all steps 0 … T−1, (T, width), in float64 rounded once.
 * - `transformer` (Vaswani et al. 2017, §3.5): sin(t/10000^(2i/width)) at place 2i, cos at 2i+1.
 * - `diffwave` (Kong et al. 2021, eq. 4): sin(t·10^(4i/(width/2−1))), i < width/2, then the cosines.
 */
export function encodingTable(options: { kind: StepEncoding; steps: number; width: number }): Float32Array<ArrayBuffer> {
  const { kind, steps, width } = options;
  const half = width / 2;
  const table = new Float32Array(steps * width);
  for (let t = 0; t < steps; t++) {
    for (let i = 0; i < half; i++) {
      if (kind === 'transformer') {
        const angle = t / 10000 ** ((2 * i) / width);
        table[t * width + 2 * i] = Math.sin(angle);
        table[t * width + 2 * i + 1] = Math.cos(angle);
      } else {
        const angle = t * 10 ** (half > 1 ? (4 * i) / (half - 1) : 0);
        table[t * width + i] = Math.sin(angle);
        table[t * width + half + i] = Math.cos(angle);
      }
    }
  }
  return table;
}

/** Encodes the diffusion steps t (B), counted from 0, fractions allowed: (B, width). Has no gradient. */
export function encode(tape: Tape, t: Tensor, options: { kind: StepEncoding; steps: number; width: number }): Tensor {
  const { steps, width } = options;
  if (width % 2 !== 0) throw new TypeError(`encode: wanted an even width, got ${width}`);
  const B = t.length;
  const table = tape.constant('step encodings', [steps, width], encodingTable(options));
  const y = tape.result('encoding', [B, width]);
  tape.record({
    kernel: { shader: 'encode', entry: 'forward' },
    reads: { t, table },
    writes: { y },
    params: { rows: B, width, steps },
    workgroups: workgroupsFor(B * width),
  });
  return y;
}
