/** A disk that refuses: calls of `node:fs` that fail for some paths as the system would make them fail, also for root. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { constants } from 'node:os';

type Call = 'statSync' | 'readdirSync' | 'openSync' | 'mkdirSync' | 'renameSync' | 'linkSync' | 'fsyncSync';

/** While `work` runs, `call` fails with `code` where its first argument is a path that `hits`. */
export async function refusing<T>(call: Call, { code, hits }: { code: keyof typeof constants.errno; hits: (path: string) => boolean }, work: () => T): Promise<Awaited<T>> {
  const original = fs[call] as (...args: unknown[]) => unknown;
  const broken = (...args: unknown[]): unknown => {
    const path = String(args[0]);
    if (!hits(path)) return original(...args);
    const [name] = call.split('Sync');
    throw Object.assign(new Error(`${code}: refused, ${name} '${path}'`), { code, errno: -constants.errno[code], syscall: name, ...(typeof args[0] === 'number' ? {} : { path }) });
  };
  Object.assign(fs, { [call]: broken });
  syncBuiltinESMExports();
  try {
    return await work();
  } finally {
    Object.assign(fs, { [call]: original });
    syncBuiltinESMExports();
  }
}
