import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { activationShape } from '../autograd/tensor.ts';
import { lanesFor, workgroupsFor } from './lanes.ts';

/**
 * The gated unit of WaveNet (van den Oord et al. 2016, eq. 2), as DiffWave uses it: x (B, L, 2C) holds the gate g in
 * its first C channels and the filter f in the others; y = σ(g)·tanh(f), (B, L, C).
 */
export function gate(tape: Tape, x: Tensor): Tensor {
  const { B, L, C: channels } = activationShape(x, 'gate');
  if (channels % 2 !== 0) throw new TypeError(`gate: wanted an even number of channels, got ${x}`);
  const C = channels / 2;
  const { Lane, width } = lanesFor(C);
  const params = { rows: B * L, width: C / width };
  const workgroups = workgroupsFor(params.rows * params.width);
  const y = tape.result('gate', [B, L, C], [x]);
  tape.record({
    kernel: { shader: 'gate', entry: 'forward', constants: { Lane } },
    reads: { x },
    writes: { y },
    params,
    workgroups,
  });

  // y = σ(g)·tanh(f)  ⇒  dg = dy·tanh(f)·σ(g)·(1 − σ(g)),  df = dy·σ(g)·(1 − tanh²(f))
  tape.onBackward([y], () => {
    const slot = tape.gradientSlot(x);
    if (!slot) return;
    tape.record({
      kernel: { shader: 'gate', entry: 'backward', constants: { Lane }, overrides: { ACCUMULATE: slot.accumulate } },
      reads: { x, dOutput: tape.gradient(y)! },
      writes: { dInput: slot.tensor },
      params,
      workgroups,
    });
  });
  return y;
}
