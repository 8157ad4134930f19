/**
 * Makes something in steps. Each step says how it is undone; if a later one throws, all of that is done, the last first, and the
 * error goes on. A leaf: imports nothing.
 */
export async function building<T>(body: (undo: (how: () => void) => void) => Promise<T>): Promise<T> {
  const undos: (() => void)[] = [];
  try {
    return await body((how) => undos.push(how));
  } catch (error) {
    for (const undo of undos.reverse()) undo();
    throw error;
  }
}
