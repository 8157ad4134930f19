/** A second signal within this time is the same one: some parents forward what the terminal has sent already. */
const sameSignal = 1000; // ms

/** Ctrl-C and SIGTERM as an AbortSignal: the first, which `say` answers, asks the loop to stop and save, a later one ends at once. */
export function interruptSignal(message: string, say: (line: string) => void = console.error): AbortSignal {
  const controller = new AbortController();
  let first = 0;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (!controller.signal.aborted) {
        first = performance.now();
        say(message);
        controller.abort();
      } else if (performance.now() - first > sameSignal) {
        process.exit(130);
      }
    });
  }
  return controller.signal;
}
