/** The processes of a command that were started with some word among their arguments. Linux. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

const read = (path: string): string[] => {
  try {
    return readFileSync(path, 'utf8').split('\0');
  } catch {
    return []; // it has ended meanwhile
  }
};

/** Process ids of the Node programs that have `word` among their arguments. */
export function processesOf(word: string): number[] {
  const isNode = (id: string): boolean => {
    try {
      return readlinkSync(`/proc/${id}/exe`) === readlinkSync('/proc/self/exe');
    } catch {
      return false;
    }
  };
  return readdirSync('/proc').filter((id) => /^\d+$/.test(id) && isNode(id) && read(`/proc/${id}/cmdline`).includes(word)).map(Number);
}

/** The rank of a process that MPI started. */
export function rankOf(id: number): number {
  const [, rank] = read(`/proc/${id}/environ`).map((line) => /^(?:OMPI_COMM_WORLD_RANK|PMI_RANK)=(\d+)$/.exec(line)).find(Boolean) ?? [];
  return Number(rank);
}
