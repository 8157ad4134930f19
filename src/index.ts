/**
 * Trains and samples DiffWave, a diffusion model of raw audio, with hand-written WebGPU kernels.
 *
 *     import { DiffWave, Gpu, PRESETS, sample, train } from 'diffwave-webgpu';
 *
 *     const gpu = await Gpu.open();
 *     const model = DiffWave.create(gpu, PRESETS.tiny.model);
 *     const clip = (i: number) => Float32Array.from({ length: 512 }, (_, n) => Math.sin(0.1 * (i + 1) * n));
 *     const dataset = { clipCount: 4, clipSamples: 512, clip }; // clips of 512 samples in [−1, 1]
 *     const training = { ...PRESETS.tiny.training, cropSamples: 256 };
 *     const progress = await train(model, { dataset, training, steps: 3 });
 *     const { audio } = await sample(model, { shape: [2, 1000] }); // two clips of 1000 samples
 *     await model.save('sines.safetensors');
 *     const again = await DiffWave.load(gpu, 'sines.safetensors');
 *     console.log(progress?.loss, audio[1], again.config.sampleRate);
 *     gpu.close();
 *
 * Runs in Node and, apart from what takes a path, in browsers: there, give `Gpu.open` a platform, and use
 * `DiffWave.fromBytes` and `toBytes`. What a user can mend is thrown as `UserError`, with a message of one line.
 */
import type { Dataset } from './dataset/dataset.ts';

export { Gpu } from './gpu/device/gpu.ts';
export type { GpuOptions } from './gpu/device/gpu.ts';
export { DeviceLostError } from './gpu/device/opened.ts';
export type { Platform } from './platform/platform.ts';

export { DiffWave } from './diffwave/model/model.ts';
export type { Weights } from './diffwave/model/contract.ts';
export { PRESETS, presetNamed } from './diffwave/presets.ts';
export type { DiffWaveConfig } from './diffwave/model/config.ts';
export type { TrainingConfig } from './diffwave/training/config.ts';
export type { DataConfig } from './diffwave/data/config.ts';
export type { Preset } from './diffwave/presets.ts';
export { noiseSchedule, scheduleOf } from './diffwave/schedule/schedule.ts';
export type { NoiseSchedule, Variance } from './diffwave/schedule/schedule.ts';
export type { ScheduleConfig } from './diffwave/schedule/config.ts';

export { train } from './diffwave/training/loop.ts';
export type { Progress, Recovery, TrainOptions } from './diffwave/training/loop.ts';
export type { ClipSource } from './diffwave/data/clips.ts';
export type { OptimizerState, Trainer } from './diffwave/training/trainer.ts';
export { sample, samplingMemory } from './diffwave/sampling/sampling.ts';
export type { SampleOptions, Samples, Waypoint } from './diffwave/sampling/sampling.ts';
export { between, continuation, denoise, inpaint, variation } from './diffwave/sampling/verbs.ts';
export type { Verb } from './diffwave/sampling/verbs.ts';

export { lowPass } from './audio/lowpass.ts';
export type { Dataset, Manifest } from './dataset/dataset.ts';

export { UserError } from './errors.ts';

/**
 * Loads a data set that `npm run dataset` has prepared into memory; it is a `ClipSource` for `train`. Node only.
 * Rejects with a `UserError` when the folder is missing, is no data set, is damaged, or has no clips.
 */
export async function loadDataset(folder: string): Promise<Dataset> {
  return (await import('./dataset/dataset.node.ts')).loadDataset(folder);
}
