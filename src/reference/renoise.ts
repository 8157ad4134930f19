/** The forward process where a clip is: x = signalLevel·x + noiseLevel·z (Ho et al. 2020, eq. 4). */
export function renoise(
  { x, noise, signalLevel, noiseLevel }: {
    readonly x: Float64Array;
    readonly noise: Float64Array; // z
    readonly signalLevel: number;
    readonly noiseLevel: number;
  },
): Float64Array {
  return x.map((value, i) => signalLevel * value + noiseLevel * noise[i]!);
}
