/**
 * Floating-point operations of a network, a multiply-add being two: those of the convolutions over time, which are all
 * but a thousandth. A training step counts three times the forward pass: each contraction has two gradients of its size.
 */
import type { DiffWaveConfig } from '../diffwave/model/config.ts';

/** Of a convolution, per row (one sample of one item). */
export function convolutionFlops({ K, Cin, Cout }: { K: number; Cin: number; Cout: number }): number {
  return 2 * K * Cin * Cout;
}

type Counted = Pick<DiffWaveConfig, 'layers' | 'channels' | 'kernelSize' | 'melBands'>;

/** Of one pass through the network, per row: 663,808 for `gtzan`. */
export function forwardFlops(config: Counted): number {
  const { layers, channels: C, kernelSize: K, melBands = 0 } = config;
  const told = convolutionFlops({ K: 1, Cin: melBands, Cout: 2 * C });
  const layer = convolutionFlops({ K, Cin: C, Cout: 2 * C }) + convolutionFlops({ K: 1, Cin: C, Cout: 2 * C }) + told;
  const ends = convolutionFlops({ K: 1, Cin: 1, Cout: C }) + convolutionFlops({ K: 1, Cin: C, Cout: 1 });
  return layers * layer + convolutionFlops({ K: 1, Cin: C, Cout: C }) + ends;
}

/** Of one training step, per row. */
export function trainingFlops(config: Counted): number {
  return 3 * forwardFlops(config);
}
