/** Run by `compiled.test.ts`: compiles the `tile` kernels of a training step of `gtzan` with Dawn's `dump_shaders`. */
import { readFile } from 'node:fs/promises';
import { Tape } from '../../../src/autograd/tape.ts';
import { presetNamed } from '../../../src/diffwave/presets.ts';
import { Gpu } from '../../../src/gpu/device/gpu.ts';
import { variantNamed } from '../../../src/gpu/device/variant.ts';
import { kernelName } from '../../../src/gpu/wgsl/kernels.ts';
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import { loss } from '../../../src/ops/loss.ts';
import { openProvider, togglesFor } from '../../../src/platform/provider.node.ts';

const provided = await openProvider(togglesFor({}).map((toggle) => `${toggle},dump_shaders,disable_symbol_renaming`));
const shader = (stem: string): Promise<string> => readFile(new URL(`../../../shaders/${stem}.wgsl`, import.meta.url), 'utf8');
const gpu = await Gpu.open({ platform: { gpu: provided, shader, release() {} } });
const variant = variantNamed('tile', gpu.device, gpu.info)!;
const { network, parameters } = DiffWave.create(gpu, presetNamed('gtzan').model, { seed: 0 });
parameters.holdGradients();
const tape = new Tape({ parameters, variant });
const [noisy, wanted, t] = [tape.input('noisy', [1, 100]), tape.input('wanted', [1, 100]), tape.input('t', [1])];
tape.backward(loss(tape, { predicted: network.record(tape, { noisy, t }), wanted, kind: 'mse' }));
for (const kernel of new Map(tape.operations.map((operation) => [kernelName(operation.kernel), operation.kernel])).values()) {
  if (!kernel.shader.endsWith('.tile')) continue;
  console.log(`kernel ${kernelName(kernel)}`);
  await gpu.kernels.get(kernel);
}
gpu.close();
process.exit(0);
