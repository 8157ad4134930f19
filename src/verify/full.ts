/**
 * The adapter's own kernels at the shapes that training has, where float64 loops would take hours: held against the naive kernels,
 * which small cases hold against float64. Forward and all gradients, on the same random numbers.
 */
import { Executable } from '../autograd/executable.ts';
import { Parameters } from '../autograd/parameters.ts';
import { checkPlan, planTape } from '../autograd/plan.ts';
import type { Tensor } from '../autograd/tensor.ts';
import type { DiffWaveConfig } from '../diffwave/model/config.ts';
import { dilationOf } from '../diffwave/model/shapes.ts';
import type { Gpu } from '../gpu/device/gpu.ts';
import type { VariantSettings } from '../gpu/device/variant.ts';
import type { KernelCase } from './case.ts';
import { unitRoundoff } from './case.ts';
import { adamCase } from './cases/adam.ts';
import { conv1dCase } from './cases/conv1d.ts';
import { linearCase } from './cases/linear.ts';
import { lossCase } from './cases/loss.ts';
import { residualLayerCase } from './cases/residualLayer.ts';
import { reverseCase } from './cases/reverse.ts';
import { stepProjectionsCase } from './cases/stepProjections.ts';
import { drawAll, parameterSpecs, recordCase } from './prepared.ts';
import type { Row } from './run.ts';
import { largestError, variantsOf } from './run.ts';

export interface FullSizes {
  readonly B: number;
  readonly L: number;
}

/** What a training step and a reverse step of a network are made of, at B clips of L samples. */
export function fullCases(config: DiffWaveConfig, { B, L }: FullSizes): KernelCase[] {
  const { layers, channels: C, kernelSize: K, encodingWidth: E, embeddingWidth: H } = config;
  const dilations = new Set([0, Math.floor(layers / 2), layers - 1].map((layer) => dilationOf(config, layer)));
  const largest = dilationOf(config, Math.min(layers, config.dilationCycle) - 1);
  const place = (i: number) => (['first', 'later', 'last'] as const)[Math.min(i, 2)]!;
  return [
    conv1dCase({ B, L, Cin: 1, Cout: C, K: 1, D: 1, why: 'input projection' }),
    linearCase({ B, Cin: E, Cout: H }),
    linearCase({ B, Cin: H, Cout: H }),
    stepProjectionsCase({ layers, B, H, C }),
    ...[...dilations.add(largest)].map((D, i) => residualLayerCase({ B, L, C, K, D, place: place(i) })),
    conv1dCase({ B, L, Cin: C, Cout: C, K: 1, D: 1, why: 'skip projection' }),
    conv1dCase({ B, L, Cin: C, Cout: 1, K: 1, D: 1, why: 'output projection' }),
    lossCase({ shape: [B, L], kind: config.loss }),
    adamCase({ count: 4 * Math.ceil((K + 1) * C * 2 * C / 4), updates: 2, learningRate: 2e-4 }),
    reverseCase({ B, L }),
  ];
}

/**
 * Rounding errors of a sum of n terms of either sign, added up in another order, differ by about √n roundings of the sum's own size
 * (Higham and Mary 2019, with λ = 6, see `roundingError`); of two kernels, twice that. Relative to the tensor's largest number.
 */
function toleranceOf({ B, L }: FullSizes, { channels: C, kernelSize: K }: DiffWaveConfig): number {
  return 2 * 6 * Math.sqrt(Math.max(B * L, 2 * C * K)) * unitRoundoff;
}

/**
 * Factors rounded to f16, 2^-11 each of its own value, of whose products errors add up as the products do, as squares: some eight
 * such roundings on the way through a layer and back, with λ = 6 as above.
 */
const halfTolerance = 6 * Math.sqrt(8) * 2 ** -11;

/** A row for every output and gradient of a case: the largest difference to the naive kernels', relative to the largest number. */
export async function compareWithNaive(gpu: Gpu, kernelCase: KernelCase, { variant = gpu.variant, ...of }: {
  config: DiffWaveConfig; sizes: FullSizes; variant?: VariantSettings;
}): Promise<Row[]> {
  const wanted = await resultsOf(gpu, kernelCase, variantsOf(gpu)[0]!);
  const got = await resultsOf(gpu, kernelCase, variant);
  const tolerance = toleranceOf(of.sizes, of.config) + (variant.matrix?.component === 'f16' ? halfTolerance : 0);
  return [...wanted].map(([direction, values]): Row => {
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const expected = { value: Float64Array.from(values), scale: new Float64Array(values.length).fill(largest) };
    const error = largestError(got.get(direction)!, expected);
    const name = `${kernelCase.name} · ${variant.variant} against naive`;
    return { subject: kernelCase.stem, name, direction, error, tolerance, ok: error <= tolerance };
  });
}

/** Outputs and gradients by name. */
async function resultsOf(gpu: Gpu, kernelCase: KernelCase, variant: VariantSettings): Promise<Map<string, Float32Array>> {
  using parameters = new Parameters(gpu, parameterSpecs(kernelCase));
  const recorded = recordCase(kernelCase, variant, parameters);
  const { tape, inputs, outputs } = recorded;
  const results = new Map<string, Tensor>(Object.entries(outputs).map(([name, tensor]) => [name, tape.keep(tensor)]));
  for (const [name, { gradient }] of Object.entries(kernelCase.inputs)) {
    const found = gradient && tape.gradient(inputs[name]!);
    if (found) results.set(`d ${name}`, tape.keep(found));
  }
  const plan = planTape(tape);
  checkPlan(plan, gpu.device.limits, 'use a smaller `batch` or `length`');
  using executable = await Executable.build(gpu, plan);
  for (const { tensor, values } of drawAll(kernelCase, recorded).values()) executable.write(tensor, values);
  for (const values of kernelCase.runs ?? [{}]) executable.run(values);
  const read = new Map<string, Float32Array>();
  for (const [name, tensor] of results) read.set(name, await executable.read(tensor));
  return read;
}
