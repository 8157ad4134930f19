/** Started by MPI as several ranks: makes every call, and prints what came as JSON, a line a rank. For mpi.test.ts. */
import koffi from 'koffi';
import { Mpi } from '../../src/platform/mpi.node.ts';
import { launchOf } from '../../src/platform/launch.ts';
import { expectSame, gatherTexts, textOfFirst } from '../../src/ranks.ts';

const launch = launchOf(process.env);
if (!launch) throw new Error('nobody started several of us');
const before = memoryFunctions();
const mpi = await Mpi.open(launch).catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
const { rank, size } = mpi;
const after = memoryFunctions();
const rewritten = Object.keys(before).filter((name) => before[name] !== after[name]);
const bytes = (values: readonly number[]) => new Uint8Array(values);

/** More than any library sends at once without asking the receiver. */
const many = 300_000;
const long = new Float32Array(many).fill(rank + 0.5);
const outgoing = bytes(Array.from({ length: 3 * size }, (_, i) => 100 * rank + i));
// All of them at once: they may be on their way together.
const [gathered, exchanged, sent, gatheredLong] = await Promise.all([
  mpi.allgather(bytes([rank, rank + 10])), mpi.alltoall(outgoing), mpi.broadcast(bytes([rank + 7, 1, 2])), mpi.allgather(new Uint8Array(long.buffer)),
]);
outgoing.fill(0);
await mpi.barrier();
const texts = await gatherTexts(mpi, 'ä'.repeat(rank));
const first = await textOfFirst(mpi, `rank ${rank}`);
const same = await expectSame(mpi, { version: '1', data: 'a' }).then(() => 'same');
const differs = await expectSame(mpi, { version: '1', data: rank === size - 1 ? 'b' : 'a' }).catch((error: Error) => error.message);
const heads = Array.from({ length: size }, (_, each) => new Float32Array(gatheredLong.buffer, 4 * many * each, many));
process.stdout.write(`${JSON.stringify({
  rank, size, launch, gathered: [...gathered], exchanged: [...exchanged], sent: [...sent],
  long: heads.map((values) => (values.every((value) => value === values[0]) ? values[0] : NaN)), texts, first, same, differs, rewritten,
})}\n`);
mpi.finalize();

/** The first bytes of the C library's functions that give memory to all threads, as they lie in this process. */
function memoryFunctions(): Record<string, string> {
  if (process.platform !== 'linux') return {};
  const library = koffi.load('libc.so.6');
  const codeOf = (name: string): string => Buffer.from(koffi.decode(library.symbol(name), 'uint8', 16) as Uint8Array).toString('hex');
  return Object.fromEntries(['brk', 'sbrk', 'mmap', 'munmap', 'mremap', 'madvise'].map((name) => [name, codeOf(name)]));
}
