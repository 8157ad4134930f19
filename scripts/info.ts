/** npm run info: which adapter this is and what it can do. */
import { Gpu } from '../src/gpu/gpu.ts';
import { command } from './lib/command.ts';
import { ensureAdapter } from './lib/gpu.ts';

const cli = command({ name: 'info', summary: 'Prints the adapter, its limits and features.', flags: {} });

await cli.run(async () => {
  await ensureAdapter();
  const gpu = await Gpu.open();
  console.log(gpu.describe());
  gpu.close();
});
