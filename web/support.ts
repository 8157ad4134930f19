/** What to do where there is no WebGPU: for this browser, on this system. */

/** Undefined where there is WebGPU. */
export function whatToDo({ gpu, userAgent, isSecure }: { gpu: boolean; userAgent: string; isSecure: boolean }): string | undefined {
  if (gpu) return undefined;
  if (!isSecure) return 'Browsers give WebGPU to pages over https and from this machine only: open this page by https://, or by http://localhost.';
  const is = (pattern: RegExp): boolean => pattern.test(userAgent);
  const start = 'This browser has no WebGPU here, so the page can be read but not run. ';
  if (is(/iPhone|iPad/)) return `${start}On iPhone and iPad every browser is Safari inside: update to iOS or iPadOS 26.`;
  if (is(/Firefox/)) {
    return start + (is(/Windows/) ? 'Update Firefox to 141 or newer.'
      : is(/Mac OS/) ? 'Update Firefox to 145 or newer (on a Mac with Apple silicon), or use Safari 26 or Chrome.'
        : is(/Android/) ? 'Use Chrome on this phone, with Android 12 or newer.' : 'Firefox on Linux does not have it yet: use Chrome or Chromium.');
  }
  if (is(/Chrome|Chromium|Edg/)) {
    return start + (is(/Android/) ? 'Update Chrome; it needs Android 12 or newer.'
      : is(/Linux/) ? 'On Linux, open chrome://flags, allow “Unsafe WebGPU Support” and “Vulkan”, and start the browser again.'
        : 'Update it, and see in its settings under “System” that graphics acceleration is on.');
  }
  if (is(/Safari/)) return `${start}Update to macOS 26, whose Safari has it, or use Chrome.`;
  return `${start}Use a recent Chrome, Edge, Safari or Firefox.`;
}
