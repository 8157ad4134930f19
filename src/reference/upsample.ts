/** One stage of the spectrogram upsampler of lmnt-com/diffwave: a transposed convolution and a leaky ReLU. */

/** x (B, F, M), weight (2s, 3), bias (1). */
interface Stage {
  readonly B: number;
  readonly F: number;
  readonly M: number;
  readonly s: number;
  readonly x: Float64Array;
  readonly weight: Float64Array;
  readonly bias: Float64Array;
}

const slope = 0.4;

/** Every product that there is: which of x's numbers goes to which of z's, by which weight. */
function eachTerm({ B, F, M, s }: Stage, visit: (z: number, x: number, weight: number) => void): void {
  for (let b = 0; b < B; b++) {
    for (let f = 0; f < F; f++) {
      for (let m = 0; m < M; m++) {
        for (let j = 0; j < 2 * s; j++) {
          for (let k = 0; k < 3; k++) {
            const t = f * s - Math.floor(s / 2) + j;
            const band = m - 1 + k;
            if (t < 0 || t >= F * s || band < 0 || band >= M) continue;
            visit((b * F * s + t) * M + band, (b * F + f) * M + m, j * 3 + k);
          }
        }
      }
    }
  }
}

function before(stage: Stage): Float64Array {
  const z = new Float64Array(stage.B * stage.F * stage.s * stage.M).fill(stage.bias[0]!);
  eachTerm(stage, (to, x, weight) => (z[to]! += stage.x[x]! * stage.weight[weight]!));
  return z;
}

/** (B, F·s, M): z[b, f·s − ⌊s/2⌋ + j, m − 1 + k] = bias + Σ x[b, f, m]·weight[j, k], and 0.4·z where that is not above 0. */
export function upsample(stage: Stage): Float64Array {
  return before(stage).map((z) => (z > 0 ? z : slope * z));
}

// y = lrelu(z), z = bias + Σ x·w  ⇒  dz = dy·lrelu′(z),  dx = Σ dz·w,  dw = Σ dz·x,  dbias = Σ dz
/** dOutput (B, F·s, M). The slope at 0 is 0.4, as PyTorch has it. */
export function upsampleBackward({ dOutput, ...stage }: Stage & { readonly dOutput: Float64Array }): {
  dInput: Float64Array; dWeight: Float64Array; dBias: Float64Array;
} {
  const dz = leakyGradient({ dOutput, ...stage });
  return upsampleBackwardOfSum({ dz, ...stage });
}

/** The gradient in z of y = lrelu(z). */
export function leakyGradient({ dOutput, ...stage }: Stage & { readonly dOutput: Float64Array }): Float64Array {
  return before(stage).map((z, i) => (z > 0 ? 1 : slope) * dOutput[i]!);
}

/** The gradients that follow from that in z. */
export function upsampleBackwardOfSum({ dz, ...stage }: Stage & { readonly dz: Float64Array }): {
  dInput: Float64Array; dWeight: Float64Array; dBias: Float64Array;
} {
  const dInput = new Float64Array(stage.x.length);
  const dWeight = new Float64Array(stage.weight.length);
  eachTerm(stage, (z, x, weight) => {
    dInput[x]! += dz[z]! * stage.weight[weight]!;
    dWeight[weight]! += dz[z]! * stage.x[x]!;
  });
  return { dInput, dWeight, dBias: Float64Array.of(dz.reduce((sum, d) => sum + d, 0)) };
}

/**
 * Rows [start, start + width) of the two stages' result, 0 outside of it: what a window of a longer clip sees. spectrogram (B, F, M),
 * weights (2s, 3) and (2s₂, 3), result (B, width, M).
 */
export function upsampledWindow({ B, F, M, spectrogram, stages: [first, second], start, width }: {
  readonly B: number; readonly F: number; readonly M: number; readonly spectrogram: Float64Array;
  readonly stages: readonly [Pick<Stage, 's' | 'weight' | 'bias'>, Pick<Stage, 's' | 'weight' | 'bias'>];
  readonly start: number; readonly width: number;
}): Float64Array {
  const between = upsample({ B, F, M, x: spectrogram, ...first });
  const whole = upsample({ B, F: F * first.s, M, x: between, ...second });
  const L = F * first.s * second.s;
  return Float64Array.from({ length: B * width * M }, (_, i) => {
    const t = start + (Math.floor(i / M) % width);
    return t < 0 || t >= L ? 0 : whole[(Math.floor(i / M / width) * L + t) * M + (i % M)]!;
  });
}
