/** npm run tune: shows which sizes of kernels were tried on this adapter, how long they took, and what was chosen. */
import { DEFAULT_PRESET, PRESETS, presetNamed } from '../src/diffwave/presets.ts';
import { UserError } from '../src/errors.ts';
import { Gpu } from '../src/gpu/device/gpu.ts';
import { variantNamed } from '../src/gpu/device/variant.ts';
import { isTunable } from '../src/tuning/tuned.ts';
import { keepTuned, tuningFile } from '../src/tuning/tuning.node.ts';
import { tune } from '../src/tuning/tuning.ts';
import { command } from './lib/cli/command.ts';
import { ensureAdapter } from './lib/adapter/gpu.ts';
import { unkeptLine } from './lib/adapter/openGpu.ts';
import { trialTable, tuningLine } from './lib/adapter/tuningReport.ts';

/** A software adapter has no use for more rows, and would need minutes. */
const softwareRows = 256;

export default command({
  name: 'tune',
  summary: 'Finds the sizes of kernels that this GPU runs fastest, and keeps them for the other commands.',
  flags: {
    preset: { type: 'string', placeholder: '<name>', default: DEFAULT_PRESET, help: `whose network, one of ${Object.keys(PRESETS).join(', ')}` },
    force: { type: 'boolean', help: 'time the tile kernels even on a software adapter, which does not use them' },
  },
}).does(async ({ flags }) => {
  const { model } = presetNamed(flags.preset);
  await ensureAdapter();
  const gpu = await Gpu.open();
  try {
    console.log(gpu.describe());
    const tunable = isTunable(gpu, model);
    if (!tunable && !flags.force) {
      console.log(`nothing to tune: the fixed table gives this adapter the ${gpu.variant.variant} kernels, which have one size`);
      return;
    }
    if (!variantNamed('tile', gpu.device, gpu.info)) throw new UserError('this adapter cannot run the tile kernels');
    console.log(`network   ${flags.preset}: C = ${model.channels}, K = ${model.kernelSize}; a layer forward and backward\n`);
    const tuning = await tune(gpu, model, { ...(gpu.isSoftware && { rows: softwareRows }) });
    console.log(`${trialTable(tuning)}\n\n${tuningLine(tuning)}`);
    if (!tunable) console.log('not kept: this adapter does not use tile kernels');
    else if (tuning.best) {
      try {
        keepTuned(gpu, model, tuning);
        console.log(`kept in   ${tuningFile()}`);
      } catch (error) {
        console.log(unkeptLine(error));
      }
    }
    return tuning.best ? 0 : 1;
  } finally {
    gpu.close();
  }
});
