/** What pages need beyond `index.ts`, where Node has its folders and commands: music, runs and checks in memory. */
export { parseManifest } from './dataset/dataset.ts';
export { fingerprintOf, prepareClips } from './dataset/inMemory.ts';
export type { NamedSound } from './dataset/inMemory.ts';
export { prepareTrack } from './dataset/dataset.ts';
export { DEFAULT_OPTIONS } from './dataset/options.ts';
export { decodeSound, soundEndings } from './formats/sound.ts';
export { encodeWav } from './formats/wav.ts';
export { sha256 } from './formats/sha256.ts';

export { archiveRun, readRunArchive } from './diffwave/files/runArchive.ts';
export type { ArchivedRun } from './diffwave/files/runArchive.ts';
export { staysAt } from './diffwave/files/logEntries.ts';
export type { LogEntry } from './diffwave/files/logEntries.ts';
export { formatVersion, preparationOf } from './diffwave/files/runConfig.ts';
export type { RunConfig } from './diffwave/files/runConfig.ts';
export { withWeights } from './diffwave/model/withWeights.ts';
export { trainingOver } from './diffwave/training/learningRate.ts';
export { fittingPlans, misfit } from './diffwave/training/memoryPlan.ts';
export type { MemoryPlan } from './diffwave/training/memoryPlan.ts';
export { recordedOf } from './diffwave/training/trainer.ts';
export { shapingOf } from './diffwave/model/config.ts';
export { diffWaveNetwork } from './diffwave/model/network.ts';
export { splitByTrack } from './diffwave/data/split.ts';
export type { Split } from './diffwave/data/split.ts';
export { knownLabels } from './diffwave/data/labels.ts';
export { expectClasses, labelFields, labelMixture, labelsAlong } from './diffwave/model/labels.ts';
export { melOfNpy } from './diffwave/model/mels.ts';
export { largestOnTheWay, sampleOnTheWay } from './diffwave/validation/onTheWay.ts';
export { receptiveField } from './diffwave/model/shapes.ts';
export { betterThanWiener, validationBytes } from './diffwave/validation/validation.ts';
export { diagnose } from './diffwave/schedule/doctor.ts';

export { formatBytes } from './gpu/device/buffers.ts';
export { uniforms } from './random.ts';
export { unshape } from './audio/shaping.ts';
export { spectrogram } from './audio/spectrogram.ts';
export { colorMap } from './pictures/spectrogramImage.ts';

export { Stopwatch } from './gpu/device/timing.ts';
export { usualShape } from './roofline/bench.ts';
export { timeKernels } from './roofline/kernels.ts';
export type { KernelRow } from './roofline/kernels.ts';
export { Probes } from './roofline/probes.ts';
export { isTunable } from './tuning/tuned.ts';
export { gainOf, tune } from './tuning/tuning.ts';

export { checkGolden } from './verify/golden.ts';
export { allCases } from './verify/cases/all.ts';
export { checkCase, variantsOf } from './verify/run.ts';
export type { Row } from './verify/run.ts';
