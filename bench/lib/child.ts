/** A bench program in a process of its own: for what can only be seen from the start, or with another WebGPU backend. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const launcher = join(import.meta.dirname, '..', '..', 'scripts', 'launch.mjs');

/** The JSON that `bench/<program>` prints as its last line, given `options` as its only argument. */
export async function inChild<T>(program: string, options: object, environment: Record<string, string> = {}): Promise<T> {
  const env = { ...process.env, ...environment };
  const { stdout } = await promisify(execFile)(
    process.execPath, [launcher, `bench/${program}`, JSON.stringify(options)], { env, maxBuffer: 1 << 26 });
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as T;
}
