/** The same step in PyTorch, eager and compiled, with TF32 and without, in turns with ours. */
import { comparePeers, showPeers } from '../../peers/compare.ts';
import { digits } from '../../lib/report.ts';
import type { Part } from '../part.ts';

/** Seconds that one step of a peer may take, compilation included. */
const patience = 90;

export const peers: Part = async (context) => {
  const machine = await context.machine();
  const why: string[] = [];
  const rows = await comparePeers(machine, context.sizes, {
    filter: 'PyTorch', pairs: context.small ? 3 : 7, patience: Math.min(patience, context.left), python: context.python,
    say: (line) => why.push(line),
    onRow(row) {
      context.row('peers', { ...context.sizes, variant: machine.gpu.variant.variant, ...row });
      context.line(`${row.peer} ${row.task}: ${digits(row.theirs * 1e3)} ms, ours ${digits(row.ours * 1e3)} ms, ${digits(row.ratio)} times as fast`);
    },
  });
  if (rows.length > 0) context.details(showPeers(rows));
  const leftOut = why.filter((line) => line.includes('left out'));
  if (rows.length === 0) context.absent(`${leftOut[0] ?? 'no peer'}; --python names a Python that has PyTorch`);
  else for (const line of leftOut) context.details(line);
};
