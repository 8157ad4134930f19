/** A training step and a sampling step by kernel, between probes: as they are, with tuned sizes, and in other precisions. */
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import type { TrainingConfig } from '../../../src/diffwave/training/config.ts';
import { UserError } from '../../../src/errors.ts';
import { formatBytes } from '../../../src/gpu/device/buffers.ts';
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

export const matrix: Part = async (context) => {
  const { gpu } = await context.machine({ matrices: true });
  if (typeof gpu.matrix === 'string') return context.absent(`not on this adapter: ${gpu.matrix}`);
  await measurePrecision(context, 'matrix');
};

/** First whether the losses are right in this precision, then how fast it is. A precision that is refused says why. */
async function measurePrecision(context: PartContext, precision: TrainingConfig['precision']): Promise<void> {
  try {
    const refused = await firstUpdates(context, await context.machine(), precision);
    if (refused !== undefined) return notPossible(context, refused);
    await measure(context, { precision });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    notPossible(context, error.message);
  }
}

/** Wrong numbers and kernels that do not run are refused as well, and those are no matter of what an adapter has. */
function notPossible(context: PartContext, reason: string): void {
  if (/\b(is|are) off by\b|kernels do not run/.test(reason)) context.wrong(reason);
  else context.absent(reason);
}

async function measure(context: PartContext, training?: Partial<TrainingConfig>): Promise<void> {
  const machine = await context.machine();
  const { gpu } = machine;
  const { sizes } = context;
  const repetitions = context.small ? 3 : 5;
  const { model: config } = configured(sizes);
  const told = { ...sizes, variant: gpu.variant.variant, tile: gpu.variant.tile, precision: training?.precision ?? 'float32' };
  const tell = (row: StepRow, bytes: number): void => {
    if (row.note !== undefined) notPossible(context, row.note);
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
