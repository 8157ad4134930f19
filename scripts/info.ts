/** npm run info: which adapter this is, what it can do, and which kernels were chosen for it. */
import { Gpu } from '../src/gpu/device/gpu.ts';
import { tunedFor, tuningFile } from '../src/tuning/tuning.node.ts';
import { command } from './lib/cli/command.ts';
import { adapterNames } from '../src/platform/provider.node.ts';
import { adapterByNumber, adapterFlag, adapterLines } from './lib/adapter/adapters.ts';
import { ensureAdapter } from './lib/adapter/gpu.ts';
import { matricesFlag } from './lib/adapter/openGpu.ts';
import { choiceLines } from './lib/adapter/tuningReport.ts';

const cli = command({ name: 'info', summary: 'Prints the adapter, its limits, features and kernels.', flags: { matrices: matricesFlag, adapter: adapterFlag } });

export default cli.does(async ({ flags }) => {
  const wanted = { matrices: flags.matrices, adapter: await adapterByNumber(flags.adapter) };
  await ensureAdapter(wanted);
  const gpu = await Gpu.open(wanted);
  const path = tuningFile();
  console.log([gpu.describe(), ...choiceLines(gpu, tunedFor(gpu, path), path), adapterLines(await adapterNames())].join('\n'));
  gpu.close();
});
