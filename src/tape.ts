/// <reference lib="esnext.disposable" preserve="true" />
/**
 * What an operation, a loss or a training loop of one's own is made from: the tape and its planner, the operations, and the
 * check of a kernel against a float64 formula. `docs/own-model.mjs` is an example.
 */
import './dispose.ts';

export { Tape } from './autograd/tape.ts';
export type { DType, Tensor } from './autograd/tensor.ts';
export type { GradientSlot, Keeps, Operation, Precision } from './autograd/operation.ts';
export { Parameters } from './autograd/parameters.ts';
export type { FlatBuffer, ParameterSource, ParameterSpec } from './autograd/parameters.ts';
export { checkPlan, listPlan, planTape } from './autograd/plan.ts';
export type { Plan } from './autograd/plan.ts';
export { Executable } from './autograd/executable.ts';
export type { KernelSpec } from './gpu/wgsl/kernels.ts';
export type { Values } from './gpu/program/dispatch.ts';
export type { BufferRange } from './gpu/device/buffers.ts';
export type { Variant, VariantSettings } from './gpu/device/variant.ts';

export { adam, adamValues } from './ops/adam.ts';
export { addStep } from './ops/addStep.ts';
export { conv1d } from './ops/conv1d.ts';
export { diffuse, diffuseWithTarget } from './ops/diffuse.ts';
export { encode } from './ops/encode.ts';
export { fir } from './ops/fir.ts';
export { gate } from './ops/gate.ts';
export { guide } from './ops/guide.ts';
export { keepFigure } from './ops/keepFigure.ts';
export { lanesFor, workgroupsFor } from './ops/lanes.ts';
export { linear } from './ops/linear.ts';
export { loss } from './ops/loss.ts';
export type { LossKind } from './ops/loss.ts';
export { noise, noiseValues } from './ops/noise.ts';
export { norm } from './ops/norm.ts';
export { relu } from './ops/relu.ts';
export { impose, renoise } from './ops/renoise.ts';
export { residual } from './ops/residual.ts';
export { residualLayer } from './ops/residualLayer.ts';
export { reverseStep, reverseValues } from './ops/reverse.ts';
export { scale } from './ops/scale.ts';
export { silu } from './ops/silu.ts';
export { stepProjections } from './ops/stepProjections.ts';
export { timeline } from './ops/timeline.ts';
export { upsample, upsampleSpectrogram } from './ops/upsample.ts';
export type { UpsampleStage, UpsampleStretch } from './ops/upsample.ts';

export { diffWaveNetwork } from './diffwave/model/network.ts';
export { Trainer } from './diffwave/training/trainer.ts';

export { exact, roundingError, sums } from './verify/case.ts';
export type { CaseInput, Expected, Given, KernelCase } from './verify/case.ts';
export { expectedByDifferences } from './verify/differences.ts';
export { checkCase, variantsOf } from './verify/run.ts';
export type { Row } from './verify/run.ts';
