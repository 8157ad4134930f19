/** A training step and a sampling step by kernel, between probes: as they are, with tuned sizes, and in other precisions. */
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import type { TrainingConfig } from '../../../src/diffwave/training/config.ts';
import { TRAINING_RULES } from '../../../src/diffwave/training/config.ts';
import { UserError } from '../../../src/errors.ts';
import { formatBytes } from '../../../src/gpu/device/buffers.ts';
import { unsafeAdapter } from '../../lib/machine.ts';
import { digits, percent } from '../../lib/report.ts';
import { configured } from '../../lib/work.ts';
import type { StepRow } from '../../step/measure.ts';
import { measureSampling, measureTraining, showBreakdown, showSteps } from '../../step/measure.ts';
import type { Part, PartContext } from '../part.ts';
import { firstUpdates } from '../curve.ts';

export const usual: Part = (context) => measure(context);

export const tuned: Part = async (context) => {
  if (!context.tile) context.absent('nothing was tuned, so the step is the one above');
  else await measure(context);
};

export const mixed: Part = (context) => measurePrecision(context, 'mixed');

/** With Dawn's experimental features, and where this version of the project knows how. */
export const matrix: Part = async (context) => {
  if (!TRAINING_RULES.precision.accepts('matrix')) {
    const adapter = await unsafeAdapter();
    const has = adapter.features.has('chromium-experimental-subgroup-matrix' as GPUFeatureName);
    context.absent(`there is no --precision matrix in this version; the adapter ${has ? 'has' : 'does not have'} subgroup matrices`);
    return;
  }
  await measurePrecision(context, 'matrix' as TrainingConfig['precision'], { unsafe: true });
};

/** First whether the losses are right in this precision, then how fast it is. A precision that refuses itself says why. */
async function measurePrecision(context: PartContext, precision: TrainingConfig['precision'], options: { unsafe?: boolean } = {}): Promise<void> {
  try {
    await firstUpdates(context, await context.machine(options), precision);
    await measure(context, { training: { precision }, ...options });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    // Wrong numbers are refused as well, and those are no matter of what an adapter has.
    if (/is off by/.test(error.message)) context.wrong(error.message);
    else context.absent(error.message);
  }
}

async function measure(context: PartContext, { training, unsafe }: { training?: Partial<TrainingConfig>; unsafe?: boolean } = {}): Promise<void> {
  const machine = await context.machine({ unsafe });
  const { gpu } = machine;
  const { sizes } = context;
  const repetitions = context.small ? 3 : 5;
  const { model: config } = configured(sizes);
  const told = { ...sizes, variant: gpu.variant.variant, tile: gpu.variant.tile, precision: training?.precision ?? 'float32' };
  const tell = (row: StepRow, bytes: number): void => {
    context.row('step', { ...told, ...row, trainingBytes: bytes });
    context.line(
      `${row.step} ${digits(row.gpuSeconds * 1e3)} ms on the GPU, ${digits(row.seconds * 1e3)} ms in the loop, ` +
      `${percent(row.gpuOfFmaProbe)} of the FMA probe, ${row.dispatches} dispatches`);
    context.details(`${showSteps([row])}\n\n${showBreakdown(row)}\n`);
  };
  const model = DiffWave.create(gpu, config);
  tell(await measureTraining(machine, { model, sizes, repetitions, within: 0.6 * context.left, training }), gpu.buffers.peakBytes);
  context.line(`GPU memory ${formatBytes(gpu.buffers.peakBytes)} while training, the probes' buffers included`);
  if (!training) tell(await measureSampling(machine, { model, sizes, repetitions, within: 0.8 * context.left }), gpu.buffers.peakBytes);
}
