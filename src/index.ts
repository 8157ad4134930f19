/// <reference lib="esnext.disposable" preserve="true" />
/**
 * All of the package that runs anywhere. `index.node.ts` adds Node's files and its WebGPU, `web.ts` a browser's. What a user
 * can mend is thrown as `UserError`, with a message of one line.
 */
export { Gpu } from './gpu/device/gpu.ts';
export type { GpuOptions } from './gpu/device/gpu.ts';
export { openGpu, useTuned } from './tuning/tuned.ts';
export type { TunedOptions, TuningStore } from './tuning/tuned.ts';
export { DeviceLostError } from './gpu/device/opened.ts';
export { providePlatform } from './platform/platform.ts';
export type { Platform } from './platform/platform.ts';

export { DiffWave, Model } from './diffwave/model/model.ts';
export type { ModelOptions } from './diffwave/model/model.ts';
export type { Conditioning, Loss, LossInputs, Network, NetworkInput, Told, Weights } from './diffwave/model/contract.ts';
export { labelsTold } from './diffwave/model/labels.ts';
export { melSpectrogramOf, melTold } from './diffwave/model/mels.ts';
export type { Mel } from './diffwave/model/mels.ts';
export { readNpy } from './formats/npy.ts';
export type { NpyArray } from './formats/npy.ts';
export type { LabelMixture } from './diffwave/model/labels.ts';
export { PRESETS, presetNamed } from './diffwave/presets.ts';
export type { Preset } from './diffwave/presets.ts';
export { configFor } from './diffwave/model/config.ts';
export type { DiffWaveConfig } from './diffwave/model/config.ts';
export type { TrainingConfig } from './diffwave/training/config.ts';
export { noiseSchedule, scheduleOf } from './diffwave/schedule/schedule.ts';
export type { NoiseSchedule, Variance } from './diffwave/schedule/schedule.ts';
export type { ScheduleConfig } from './diffwave/schedule/config.ts';

export { train } from './diffwave/training/loop.ts';
export type { Progress, Recovery, TrainOptions } from './diffwave/training/loop.ts';
export type { ClipSource } from './diffwave/data/clips.ts';
export { labelled, labelsOfFolders, labelsOfTable } from './diffwave/data/labels.ts';
export type { TrackLabels } from './diffwave/data/labels.ts';
export type { OptimizerState, Trainer } from './diffwave/training/trainer.ts';
export { Validator } from './diffwave/validation/validation.ts';
export type { Validation, ValidatorOptions } from './diffwave/validation/validation.ts';
export { predictNoise } from './diffwave/sampling/denoiser.ts';
export { firstHeard, sample, samplingMemory } from './diffwave/sampling/sampling.ts';
export type { FinishedStretch, SampleOptions, Samples, Waypoint } from './diffwave/sampling/sampling.ts';
export { between, continuation, denoise, inpaint, variation } from './diffwave/sampling/verbs.ts';
export type { Verb } from './diffwave/sampling/verbs.ts';

export { Yardstick } from './evaluation/yardstick.ts';
export type { ClassComparison, ClassFigures } from './evaluation/classes.ts';
export type { Copies, Figure, Measurement, ScaledFigure, YardstickOptions } from './evaluation/yardstick.ts';

export { lowPass } from './audio/lowpass.ts';
export { Dataset } from './dataset/dataset.ts';
export type { Manifest } from './dataset/dataset.ts';
export type { DatasetOptions } from './dataset/options.ts';
export { readSafetensors, writeSafetensors } from './formats/safetensors.ts';

export { alone } from './ranks.ts';
export type { Ranks } from './ranks.ts';
export { UserError } from './errors.ts';
