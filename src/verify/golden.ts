/**
 * The whole network, its gradients and ten updates of Adam against a golden file: values that PyTorch computed in
 * float64. Knows nothing of this project's own reference.
 */
import { Executable } from '../autograd/executable.ts';
import type { FlatBuffer } from '../autograd/parameters.ts';
import { Parameters } from '../autograd/parameters.ts';
import { planTape } from '../autograd/plan.ts';
import { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { network, parameterSpecs, prepareNetwork } from '../diffwave/model/network.ts';
import { scheduleOf } from '../diffwave/schedule/schedule.ts';
import type { Weights } from '../diffwave/model/contract.ts';
import type { Gpu } from '../gpu/device/gpu.ts';
import type { VariantSettings } from '../gpu/device/variant.ts';
import { adam, adamValues } from '../ops/adam.ts';
import { diffuse } from '../ops/diffuse.ts';
import { guide } from '../ops/guide.ts';
import { loss } from '../ops/loss.ts';
import { upsampleSpectrogram } from '../ops/upsample.ts';
import type { Golden } from './goldenFile.ts';
import { readGolden } from './goldenFile.ts';
import type { Row } from './run.ts';
import { largestError } from './run.ts';

/** Largest error of the prediction and of a gradient, relative to the tensor's largest value. */
const tensorTolerance = 1e-4;

/** Relative error of a loss. */
const lossTolerance = 1e-5;

/** x_t is two products and a sum. */
const noisyTolerance = 1e-6;

/**
 * Adam divides a gradient by its own size: its first step is learning rate·sign(g). Where |g| is above this part of
 * its tensor's largest, a parameter's error is compared, in learning rates per step, with `adamTolerance`; elsewhere a
 * rounding error may turn the sign, and a parameter may be `turnedTolerance` learning rates per step off.
 */
const clearGradient = 1e-5;
const adamTolerance = 0.01;
const turnedTolerance = 2;

/**
 * Checks a golden file, with the adapter's own variant of kernels if none is given. Throws a `UserError` that names
 * the file if it is not one.
 */
export async function checkGolden(
  gpu: Gpu,
  { bytes, file, variant = gpu.variant }: { bytes: Uint8Array; file: string; variant?: VariantSettings },
): Promise<Row[]> {
  const golden = readGolden(bytes, file);
  using parameters = new Parameters(gpu, parameterSpecs(golden.config));
  const moments: FlatBuffer[] = [];
  try {
    for (const name of ['m', 'v']) moments.push(parameters.flat(name));
    return await compare(gpu, { golden, variant, parameters, m: moments[0]!.buffer, v: moments[1]!.buffer });
  } finally {
    for (const { buffer } of moments) gpu.buffers.release(buffer);
  }
}

async function compare(
  gpu: Gpu,
  { golden, variant, parameters, m, v }: {
    golden: Golden; variant: VariantSettings; parameters: Parameters; m: GPUBuffer; v: GPUBuffer;
  },
): Promise<Row[]> {
  const { config, B, L, values, steps } = golden;
  const schedule = scheduleOf(config);
  const levels = (of: Float64Array) => Float32Array.from(steps, (t) => of[t]!);

  const tape = new Tape({ parameters, variant });
  const inputs = {
    audio: tape.input('audio', [B, L]),
    noise: tape.input('noise', [B, L]),
    signalLevel: tape.input('signal level', [B]),
    noiseLevel: tape.input('noise level', [B]),
  };
  const t = tape.input('t', [B]);
  const noisy = tape.keep(diffuse(tape, inputs));
  const condition = conditionOf(golden);
  const told = condition && tape.input('condition', condition.shape);
  const predicted = tape.keep(network(tape, config, { noisy, t, condition: told }));
  const value = tape.keep(loss(tape, { predicted, wanted: inputs.noise, kind: config.loss }));
  tape.backward(value);

  const updates = new Tape();
  const flat = (name: string, buffer: GPUBuffer) =>
    updates.external(name, [parameters.size / 4], { buffer, offset: 0, size: parameters.size });
  adam(updates, {
    ...golden.adam,
    value: flat('parameters', parameters.values.buffer),
    gradient: flat('gradients', parameters.gradients.buffer),
    m: flat('m', m),
    v: flat('v', v),
  });

  using pass = await Executable.build(gpu, planTape(tape));
  using update = await Executable.build(gpu, planTape(updates));
  parameters.write(parameters.values, golden.group('weights'));
  pass.write(inputs.audio, values('audio'));
  pass.write(inputs.noise, values('noise'));
  pass.write(inputs.signalLevel, levels(schedule.sqrtAlphaBar));
  pass.write(inputs.noiseLevel, levels(schedule.sqrtOneMinusAlphaBar));
  pass.write(t, Float32Array.from(steps));
  if (told) pass.write(told, condition!.numbers);

  const rows: Row[] = [];
  const row = rowsOf(golden.file);
  const add = (name: string, measured: Measured) => rows.push(row(name, 'value', measured));
  const losses: number[] = [];
  for (let step = 1; step <= golden.adam.steps; step++) {
    pass.run();
    losses.push((await pass.read(value))[0]!);
    if (step === 1) {
      add('noisy', { error: relative(await pass.read(noisy), values('noisy')), tolerance: noisyTolerance });
      add('predicted', {
        error: relative(await pass.read(predicted), values('predicted')),
        tolerance: tensorTolerance,
      });
      add('loss', { error: each(losses, values('loss')), tolerance: lossTolerance });
      rows.push(...gradientRows(golden, await parameters.read(parameters.gradients)));
      if (golden.labels) rows.push(...await labelRows(gpu, golden, { variant, parameters }));
      if (config.conditioner === 'mel') rows.push(...await melRows(gpu, golden, { variant, parameters, spectrogram: condition! }));
    }
    update.run(adamValues({ ...golden.adam, update: step }));
    if (step === 1 || step === golden.adam.steps) {
      rows.push(...adamRows(golden, { got: await parameters.read(parameters.values), step }));
    }
  }
  add('losses', { error: each(losses, values('losses')), tolerance: lossTolerance });
  return rows;
}

interface Numbers {
  readonly shape: readonly number[];
  readonly numbers: Float32Array<ArrayBuffer>;
}

/** What the network is told in the file: (B, classes + 1), or (B, frames, bands). */
function conditionOf({ config, B, labels, values }: Golden): Numbers | undefined {
  if (labels) {
    const classes = config.labels!.length + 1;
    return { shape: [B, classes], numbers: joined(labels.map((label) => oneOf(classes, label))) };
  }
  if (config.conditioner !== 'mel') return undefined;
  const frames = values('spectrogram').length / B / config.melBands!;
  return { shape: [B, frames, config.melBands!], numbers: timeFirst(values('spectrogram'), { B, bands: config.melBands! }) };
}

/** (B, bands, L) as (B, L, bands). */
function timeFirst(values: Float32Array, { B, bands }: { B: number; bands: number }): Float32Array<ArrayBuffer> {
  const L = values.length / B / bands;
  return Float32Array.from({ length: values.length }, (_, i) => {
    const [item, t, band] = [Math.floor(i / bands / L), Math.floor(i / bands) % L, i % bands];
    return values[(item * bands + band) * L + t]!;
  });
}

/** The spectrogram as the layers of the network see it, one row for every sample: whole, and as a window in the middle of the clip. */
async function melRows(
  gpu: Gpu, golden: Golden, { variant, parameters, spectrogram: { shape, numbers } }: { variant: VariantSettings; parameters: Parameters; spectrogram: Numbers },
): Promise<Row[]> {
  const { config: { melBands: bands }, B, L, values } = golden;
  const tape = new Tape({ parameters, variant, keeps: 'nothing' });
  const stages = ([1, 2] as const).map((conv) =>
    ({ weight: tape.parameter(`spectrogram_upsampler.conv${conv}.weight`), bias: tape.parameter(`spectrogram_upsampler.conv${conv}.bias`) }));
  const upsample = (width?: number) => tape.keep(upsampleSpectrogram(tape, {
    spectrogram: tape.constant('spectrogram', shape, numbers), stages: [stages[0]!, stages[1]!], width,
  }));
  const [from, width] = [Math.floor(L / 3), Math.ceil(L / 2)];
  const [whole, window] = [upsample(), upsample(width)];
  using pass = await Executable.build(gpu, planTape(tape));
  pass.run({ windowStart: from });
  const wanted = timeFirst(values('upsampled'), { B, bands: bands! });
  const wantedThere = joined(Array.from({ length: B }, (_, b) => wanted.subarray((b * L + from) * bands!, (b * L + from + width) * bands!)));
  const row = rowsOf(golden.file);
  return [
    row('upsampled', 'value', { error: relative(await pass.read(whole), wanted), tolerance: tensorTolerance }),
    row('upsampled', 'window', { error: relative(await pass.read(window), wantedThere), tolerance: tensorTolerance }),
  ];
}

/** Item 0 of a network with labels: with guidance, and with a label that becomes another along the clip. */
async function labelRows(gpu: Gpu, golden: Golden, { variant, parameters }: { variant: VariantSettings; parameters: Parameters }): Promise<Row[]> {
  const { config, L, values, steps, labels, guidance } = golden;
  const classes = config.labels!.length;
  const tape = new Tape({ parameters, variant, keeps: 'nothing' });
  const noisy = tape.constant('noisy', [1, L], values('noisy').slice(0, L));
  const t = tape.constant('t', [1], Float32Array.of(steps[0]!));
  const label = (name: string, ...of: number[]) => tape.constant(name, [of.length, classes + 1], joined(of.map((each) => oneOf(classes + 1, each))));
  const weights = prepareNetwork(tape, config);
  const predict = (condition: Tensor, places?: Tensor) => network(tape, config, { noisy, t, condition, places }, weights);
  const guided = tape.keep(guide(tape, { none: predict(label('none', classes)), told: predict(label('label', labels![0]!)), w: guidance! }));
  const places = tape.constant('places', [2], Uint32Array.of(0, L - 1));
  const along = tape.keep(predict(label('labels', 0, 2), places));
  using pass = await Executable.build(gpu, planTape(tape));
  pass.run({ windowStart: 0 });
  const row = rowsOf(golden.file);
  const mixture = Float32Array.from({ length: L }, (_, n) => n / (L - 1));
  return [
    row('timeline.mix', 'value', { error: relative(mixture, values('timeline.mix')), tolerance: noisyTolerance }),
    row('guided', 'value', { error: relative(await pass.read(guided), values('guided')), tolerance: tensorTolerance }),
    row('timeline', 'value', { error: relative(await pass.read(along), values('timeline')), tolerance: tensorTolerance }),
  ];
}

/** 1 at a place, and 0 elsewhere. */
function oneOf(length: number, place: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, (_, i) => Number(i === place));
}

function joined(rows: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  return Float32Array.from(rows.flatMap((row) => [...row]));
}

function gradientRows({ file, group }: Golden, got: Weights): Row[] {
  const row = rowsOf(file);
  return [...group('grads')].map(([name, want]) =>
    row(name, 'gradient', { error: relative(got.get(name)!, want), tolerance: tensorTolerance }));
}

/** Two rows: the largest error over all parameters with a clear gradient, and over those without. */
function adamRows(
  { file, group, adam: { learningRate } }: Golden,
  { got, step }: { got: Weights; step: number },
): Row[] {
  const row = rowsOf(file);
  const gradients = group('grads');
  const worst = { clear: 0, turned: 0 };
  for (const [name, want] of group(`adam${step}`)) {
    const gradient = gradients.get(name)!;
    const threshold = clearGradient * largest(gradient);
    want.forEach((wanted, i) => {
      const kind = Math.abs(gradient[i]!) > threshold ? 'clear' : 'turned';
      const scale = Float64Array.of(step * learningRate);
      const error = largestError([got.get(name)![i]!], { value: Float64Array.of(wanted), scale });
      worst[kind] = Math.max(worst[kind], error);
    });
  }
  return [
    row('parameters, clear gradient', `adam${step}`, { error: worst.clear, tolerance: adamTolerance }),
    row('parameters, gradient near 0', `adam${step}`, { error: worst.turned, tolerance: turnedTolerance }),
  ];
}

type Measured = Pick<Row, 'error' | 'tolerance'>;

/** Makes the rows of a file, which are under its name without folder and ending. */
function rowsOf(file: string): (name: string, direction: string, measured: Measured) => Row {
  const subject = file.replace(/^.*[/\\]/, '').replace(/\.\w+$/, '');
  return (name, direction, { error, tolerance }) =>
    ({ subject, name, direction, error, tolerance, ok: error <= tolerance });
}

function largest(values: Float32Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** Largest error relative to the largest value wanted. */
function relative(got: ArrayLike<number>, want: Float32Array): number {
  const scale = new Float64Array(want.length).fill(largest(want));
  return largestError(got, { value: Float64Array.from(want), scale });
}

/** Largest error relative to the value itself. */
function each(got: ArrayLike<number>, want: Float32Array): number {
  return largestError(got, { value: Float64Array.from(want), scale: Float64Array.from(want, Math.abs) });
}
