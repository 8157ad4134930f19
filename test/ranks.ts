/** Ranks within one process: what several processes would do, without MPI. */
import type { Ranks } from '../src/ranks.ts';

/** `size` ranks that hear of each other. A call resolves when all of them have made theirs. */
export function ranksTogether(size: number): Ranks[] {
  const calls: { bytes: (Uint8Array<ArrayBuffer> | undefined)[]; done: (() => void)[] }[] = [];
  return Array.from({ length: size }, (_, rank): Ranks => {
    let made = 0;
    const meet = async (bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>[]> => {
      const call = (calls[made++] ??= { bytes: Array.from({ length: size }), done: [] });
      call.bytes[rank] = bytes.slice(); // what the caller changes later has not travelled
      if (call.bytes.every((each) => each)) call.done.forEach((tell) => tell());
      else await new Promise<void>((resolve) => call.done.push(resolve));
      return call.bytes as Uint8Array<ArrayBuffer>[];
    };
    const joined = (parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => new Uint8Array(parts.flatMap((part) => [...part]));
    return {
      rank,
      size,
      allgather: async (mine) => joined(await meet(mine)),
      alltoall: async (outgoing) => {
        const block = outgoing.length / size;
        return joined((await meet(outgoing)).map((each) => each.subarray(rank * block, (rank + 1) * block)));
      },
      broadcast: async (bytes) => (await meet(bytes))[0]!,
      barrier: async () => void (await meet(new Uint8Array())),
    };
  });
}
