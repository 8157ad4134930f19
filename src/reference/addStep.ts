/** Adds the projected step embedding to every sample of its clip. */

interface Shape {
  readonly B: number;
  readonly L: number;
  readonly C: number;
}

/** output[b, t, c] = input[b, t, c] + step[b, c]; input (B, L, C), step (B, C). */
export function addStep(
  { input, step, L, C }: Shape & { readonly input: Float64Array; readonly step: Float64Array },
): Float64Array {
  return input.map((x, i) => x + step[Math.floor(i / (L * C)) * C + (i % C)]!);
}

// y[b, t, c] = x[b, t, c] + s[b, c]  ⇒  dx = dy,  ds[b, c] = Σ_t dy[b, t, c]
/** dOutput (B, L, C); returns dInput (B, L, C), a copy, and dStep (B, C). */
export function addStepBackward(
  { dOutput, B, L, C }: Shape & { readonly dOutput: Float64Array },
): { dInput: Float64Array; dStep: Float64Array } {
  const dStep = new Float64Array(B * C);
  dOutput.forEach((dy, i) => (dStep[Math.floor(i / (L * C)) * C + (i % C)]! += dy));
  return { dInput: dOutput.slice(), dStep };
}
