/**
 * The forward process in one step, x_t = √ᾱ_t·x_0 + √(1−ᾱ_t)·ε (Ho et al. 2020, eq. 4). audio and noise are (B, L),
 * signalLevel √ᾱ_t and noiseLevel √(1−ᾱ_t) are (B). No gradient: nothing before it is trained.
 */
export function diffuse(
  { audio, noise, signalLevel, noiseLevel, L }: {
    readonly audio: Float64Array;
    readonly noise: Float64Array;
    readonly signalLevel: ArrayLike<number>;
    readonly noiseLevel: ArrayLike<number>;
    readonly B: number;
    readonly L: number;
  },
): Float64Array {
  return audio.map((x, i) => {
    const b = Math.floor(i / L);
    return signalLevel[b]! * x + noiseLevel[b]! * noise[i]!;
  });
}

/**
 * What a v-prediction network is to predict of that x_t: v_t = √ᾱ_t·ε − √(1−ᾱ_t)·x_0 (Salimans and Ho 2022, appendix D).
 * The same shapes.
 */
export function velocity(
  { audio, noise, signalLevel, noiseLevel, L }: Parameters<typeof diffuse>[0],
): Float64Array {
  return audio.map((x, i) => {
    const b = Math.floor(i / L);
    return signalLevel[b]! * noise[i]! - noiseLevel[b]! * x;
  });
}
