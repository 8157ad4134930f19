/** Ctrl-C and SIGTERM as an AbortSignal: the first asks the loop to stop and save, the second ends at once. */
export function interruptSignal(message: string): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(130);
      console.error(message);
      controller.abort();
    });
  }
  return controller.signal;
}
