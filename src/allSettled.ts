/** Like Promise.all, but fails only when none of them is on its way any more. A leaf: imports nothing. */
export async function allSettled<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
