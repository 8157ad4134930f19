/** Classifier-free guidance (Ho and Salimans 2022): output = none + w·(told − none), all of one length. */
export function guide({ none, told, w }: { readonly none: Float64Array; readonly told: Float64Array; readonly w: number }): Float64Array {
  return none.map((value, i) => value + w * (told[i]! - value));
}
