/** `npm run bench:peers`: the same network, sizes, weights and data elsewhere, in turns with ours. */
import { command } from '../scripts/lib/cli/command.ts';
import { openMachine } from './lib/machine.ts';
import { appendResults } from './lib/report.ts';
import { sizesOf } from './lib/work.ts';
import { comparePeers, showPeers } from './peers/compare.ts';

await command({
  name: 'bench:peers',
  summary: 'times the same network in jax-js, tfjs and PyTorch, in turns with ours',
  flags: {
    preset: { type: 'string', default: 'gtzan', help: 'whose network' },
    batchSize: { type: 'integer', default: 1, min: 1, help: 'items' },
    cropSamples: { type: 'integer', default: 8192, min: 1, help: 'samples of an item' },
    pairs: { type: 'integer', default: 5, min: 3, help: 'turns' },
    filter: { type: 'string', placeholder: '<text>', default: '', help: 'only peers with this in their name' },
    patience: { type: 'integer', default: 600, min: 1, help: 'seconds that a peer may need for one step, compilation included' },
    python: { type: 'string', default: 'python3', placeholder: '<program>', help: 'the Python that has PyTorch' },
    json: { type: 'boolean', help: 'print rows of JSON instead of a table' },
  },
}).does(async ({ flags }) => {
  const sizes = sizesOf(flags.preset, { B: flags.batchSize, L: flags.cropSamples });
  const machine = await openMachine();
  const say = flags.json ? console.error : console.log;
  say(`${machine.gpu.describe()}\nnetwork   ${sizes.preset}, B ${sizes.B}, L ${sizes.L}\n`);
  const rows = await comparePeers(machine, sizes, { ...flags, say });
  if (rows.length === 0) return 1;
  const path = appendResults(machine.gpu, 'peers', rows.map((row) => ({ ...sizes, variant: machine.gpu.variant.variant, ...row })));
  if (flags.json) for (const row of rows) console.log(JSON.stringify(row));
  else console.log(`\n${showPeers(rows)}\n\n${rows.length} rows appended to ${path}`);
  return 0;
}).run();
