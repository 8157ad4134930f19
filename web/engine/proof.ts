/** The proof in the worker: golden files and kernels held against the truth, tuning, and kernels timed beside what the adapter can do. */
import type { DiffWaveConfig, Gpu, Row } from '../../src/web.ts';
import { Probes, Stopwatch, UserError, allCases, checkCase, checkGolden, gainOf, isTunable, timeKernels, tune, usualShape } from '../../src/web.ts';
import type { Tell } from './protocol.ts';

interface Context { readonly signal: AbortSignal; readonly tell: Tell }

/** What a software adapter is timed on: with the usual samples, or the kernels of GPUs, it would need an hour. */
const forSoftware = { shape: { ...usualShape, L: 256 }, repetitions: 3, isWanted: (variant: string) => variant !== 'tile' };

/** Every golden file and every kernel's every case, until it is stopped. */
export async function verifyAll(gpu: Gpu, { signal, tell }: Context): Promise<{ rows: number; failed: number }> {
  const goldenFiles: string[] = JSON.parse(new TextDecoder().decode(await fetched('golden/list.json')));
  const checks = [
    ...goldenFiles.map((file) => async (): Promise<Row[]> => checkGolden(gpu, { bytes: await fetched(`golden/${file}`), file })),
    ...allCases.map((kernelCase) => () => checkCase(gpu, kernelCase)),
  ];
  let [count, failed] = [0, 0];
  for (const [i, check] of checks.entries()) {
    if (signal.aborted) break;
    const rows = await check();
    count += rows.length;
    failed += rows.filter(({ ok }) => !ok).length;
    tell('checked', { rows, done: i + 1, total: checks.length });
  }
  return { rows: count, failed };
}

/** Rows as `npm run tune` and `npm run bench` have them. What tuning finds is told and not used: a run that goes on must round as it began. */
export async function benchAll(gpu: Gpu, network: Pick<DiffWaveConfig, 'channels' | 'kernelSize'>, { signal, tell }: Context): Promise<{ rows: number; wrong: number }> {
  let [count, wrong] = [0, 0];
  if (isTunable(gpu, network)) {
    const tuning = await tune(gpu, network);
    const { channels, kernelSize } = network;
    for (const trial of tuning.trials) tell('timed', { bench: 'tuning', channels, kernelSize, ...trial, chosen: trial === tuning.best });
    tell('timed', { bench: 'tuned', channels, kernelSize, tile: tuning.best?.tile ?? null, gain: gainOf(tuning) ?? null, seconds: tuning.seconds });
  }
  const clocks = { gpu, stopwatch: new Stopwatch(gpu) };
  const probes = await Probes.open(clocks);
  try {
    for await (const row of timeKernels({ ...clocks, probes }, gpu.isSoftware ? forSoftware : { shape: usualShape })) {
      if (row instanceof Error) {
        wrong++;
        console.error(row);
      } else {
        count++;
        tell('timed', { bench: 'kernel', ...row });
      }
      if (signal.aborted) break;
    }
  } finally {
    probes.destroy();
  }
  return { rows: count, wrong };
}

async function fetched(path: string): Promise<Uint8Array> {
  const answer = await fetch(new URL(path, self.location.href));
  if (!answer.ok) throw new UserError(`${path} cannot be had: the site that this page is on is incomplete`);
  return new Uint8Array(await answer.arrayBuffer());
}
