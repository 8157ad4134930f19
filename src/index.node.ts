/**
 * Trains and samples DiffWave, a diffusion model of raw audio, with hand-written WebGPU kernels.
 *
 *     import { DiffWave, Gpu, PRESETS, loadModel, sample, saveModel, train } from 'diffwave-webgpu';
 *
 *     const gpu = await Gpu.open();
 *     const model = DiffWave.create(gpu, { ...PRESETS.tiny.model, scale: 1 });
 *     const clip = (i: number) => Float32Array.from({ length: 512 }, (_, n) => Math.sin(0.1 * (i + 1) * n));
 *     const dataset = { clipCount: 4, clipSamples: 512, clip }; // clips of 512 samples in [−1, 1]
 *     const training = { ...PRESETS.tiny.training, cropSamples: 256 };
 *     const progress = await train(model, { dataset, training, steps: 3 });
 *     const { audio } = await sample(model, { shape: [2, 1000] }); // two clips of 1000 samples
 *     await saveModel(model, 'sines.safetensors');
 *     const again = await loadModel(gpu, 'sines.safetensors');
 *     console.log(progress?.loss, audio[1], again.config.sampleRate);
 *     gpu.close();
 *
 * Node's entry: what takes a path is here. In browsers the same names come from `web.ts`, with bytes in place of paths.
 */
import { provideNodePlatform } from './platform/platform.node.ts';
import { provideTuningStore } from './tuning/tuned.ts';
import { tuningStore } from './tuning/tuning.node.ts';

export * from './index.ts';
export { loadModel, saveModel } from './diffwave/files/model.node.ts';
export { Mpi } from './platform/mpi.node.ts';
export { launchOf } from './platform/launch.ts';
export type { Launch } from './platform/launch.ts';
export { RunFolder } from './diffwave/files/run.node.ts';
export { loadDataset, prepareDataset } from './dataset/dataset.node.ts';

provideNodePlatform();
provideTuningStore(tuningStore());
