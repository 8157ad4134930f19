/** How numbers are printed. */
import type { Trainer } from '../../../src/diffwave/training/trainer.ts';
import type { Progress, Recovery } from '../../../src/diffwave/training/loop.ts';
import { formatBytes } from '../../../src/gpu/device/buffers.ts';

/** 75 → '1 min 15 s'. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return 'unknown';
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

/** 'loss 0.1234 over 100 updates': a mean, and of how many. */
export function lossText({ loss, updates }: Progress['recent']): string {
  return `loss ${loss.toFixed(4)} over ${updates} ${updates === 1 ? 'update' : 'updates'}`;
}

/** '4 % waiting for other ranks': of the time. */
export function waitingText(share: number): string {
  return `${(100 * share).toFixed(0)} % waiting for other ranks`;
}

/** 'step 200 of 1000 · loss 0.1234 over 100 updates · 3.2 steps/s · 4 min 10 s left'; of several ranks, how much of the time this one waited. */
export function progressLine(progress: Progress, steps: number): string {
  const { step, recent, stepsPerSecond, eta, waiting } = progress;
  // The first update compiles the kernels: its speed says nothing about the rest.
  if (step === 1) return `step 1 of ${steps} · ${lossText(recent)}`;
  const speed = stepsPerSecond >= 10 ? stepsPerSecond.toFixed(0) : stepsPerSecond.toFixed(2);
  const rest = step < steps ? ` · ${formatDuration(eta)} left` : '';
  const waited = waiting === undefined ? '' : ` · ${waitingText(waiting)}`;
  return `step ${step} of ${steps} · ${lossText(recent)} · ${speed} steps/s${waited}${rest}`;
}

/** What happened when the GPU was lost. */
export function recoveryLine({ step, resumedFrom, reason }: Recovery): string {
  return `the GPU was lost after ${step} updates (${reason}): going on from step ${resumedFrom} on a new device`;
}

/** What to do about updates that are slower than any GPU whose memory they fit; `total` are the bytes that the run holds. */
export function pagedLine(seconds: number, { total }: { readonly total: number }): string {
  const half = Math.floor(total / 2 / 2 ** 20);
  return `note: an update takes ${seconds.toPrecision(2)} s, slower than it would be on any GPU that has its ${formatBytes(total)} ` +
    'in memory: some of it was probably moved out, as Windows and macOS do; if so, stop and go on with --resume --memory-limit ' +
    `${half}MiB, or end what else uses the GPU`;
}

/** What a training step needs and how it was fitted into memory, before it runs. */
export function planLines({ plan, training, used, memory: { choice, forecast }, model: { parameters } }: Trainer): string {
  const { microBatches, recompute } = choice;
  const parts = training.parts ?? microBatches;
  const inParts = `the batch in ${parts} ${parts === 1 ? 'part' : 'parts'} of ${Math.ceil(training.batchSize / parts)}`;
  const added = training.parts === null ? '' : ', added on the host';
  const batch = parts === 1 && training.parts === null ? 'the whole batch at once' : `${inParts}${added}`;
  const { total, ...uses } = forecast;
  const list = Object.entries(uses).map(([name, bytes]) => `${name} ${formatBytes(bytes)}`).join(', ');
  return [
    ...(training.precision === 'float32' ? [] : [`precision ${used.note ?? used.precision}`]),
    `plan      ${parameters.count.toLocaleString('en')} parameters, ${batch}, ` +
    `${recompute ? 'activations computed again for the gradients' : 'activations kept'}, ${plan.operations.length} dispatches a step`,
    `memory    ${formatBytes(total)} of GPU memory: ${list}`,
  ].join('\n');
}
