/**
 * The side of a peer in JavaScript: reads the case that `bench/peers.ts` has written, then answers a line `forward` or
 * `train` on standard input with `{ seconds, loss }` on standard output. `forward` gives the loss of a prediction that
 * nobody differentiates.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** The case: configuration, inputs and weights by PyTorch's names with `shape` and `data`. */
export function readCase(folder) {
  const about = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8'));
  const numbers = (name) => {
    const bytes = readFileSync(join(folder, `${name}.f32`));
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  };
  const file = readFileSync(join(folder, 'weights.safetensors'));
  const headerBytes = Number(file.readBigUInt64LE(0));
  const { __metadata__: _, ...header } = JSON.parse(file.subarray(8, 8 + headerBytes).toString());
  const weights = Object.fromEntries(Object.entries(header).map(([name, { shape, data_offsets: [start, end] }]) => {
    const bytes = file.subarray(8 + headerBytes + start, 8 + headerBytes + end);
    return [name, { shape, data: new Float32Array(Uint8Array.from(bytes).buffer) }];
  }));
  return { ...about, noisy: numbers('noisy'), wanted: numbers('wanted'), encoding: numbers('encoding'), weights };
}

/** Dawn's WebGPU as a browser would have it. */
export async function provideWebGpu() {
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const gpu = create([]);
  Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'node' }, configurable: true });
  globalThis.keptGpu = gpu; // dawn.node does not survive its collection
}

/**
 * On a software adapter a pending promise polls the CPU away from the kernels, which then take up to 1.5 times as long:
 * of a time that was measured so, this share can be slept without sleeping too long.
 */
const sleptShare = 0.6;

/** Serves `tasks`: functions that begin the work and return how to wait for its loss. */
export async function serve(tasks, { software }) {
  const calls = {};
  const unslept = {}; // milliseconds of the second call; the first one compiles
  console.log(JSON.stringify({ ready: true }));
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      const start = performance.now();
      const finish = await tasks[line]();
      const slept = software && line in unslept ? unslept[line] * sleptShare - (performance.now() - start) : 0;
      if (slept > 2) await new Promise((resolve) => setTimeout(resolve, slept));
      const loss = await finish();
      const milliseconds = performance.now() - start;
      calls[line] = (calls[line] ?? 0) + 1;
      if (calls[line] === 2) unslept[line] = milliseconds;
      console.log(JSON.stringify({ seconds: milliseconds / 1000, loss }));
    } catch (error) {
      console.log(JSON.stringify({ error: String(error?.message ?? error).split('\n')[0] }));
    }
  }
  process.exit(0);
}
