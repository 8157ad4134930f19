/** Sampling in the worker: from the page's wish to the library's options, and to the file that Node would write. */
import type { FinishedStretch, Gpu, Preset, SampleOptions, Verb, Waypoint } from '../../src/web.ts';
import { DiffWave, UserError, between, continuation, decodeSound, denoise, encodeWav, inpaint, prepareTrack, sample, sha256, variation } from '../../src/web.ts';
import type { News, SamplingWish, Sound, Source } from './protocol.ts';
import { toldBy } from './told.ts';

/** As `npm run sample` walks every stretch. */
const repaint = { resamplings: 4, jump: 4 };

/** Pictures on the way from noise to sound, about. */
const pictures = 16;

/** Samples of a sound up to which its way is drawn: longer ones would take their memory many times over. */
const mostDrawn = 2 ** 20;

export interface SamplingContext {
  readonly gpu: Gpu;
  readonly signal: AbortSignal;
  readonly weights: Uint8Array;
  readonly step: number | null;
  readonly onStep: (done: number, total: number) => void;
  readonly onWay: (sound: News['way']) => void;
  readonly onStretch: (stretch: News['stretch']) => void;
}

export async function makeSound(wish: SamplingWish, { gpu, weights, step, signal, onStep, onWay, onStretch }: SamplingContext): Promise<Sound> {
  const begun = performance.now();
  using model = DiffWave.fromBytes(gpu, weights, { file: 'the weights' });
  const { sampleRate, diffusionSteps } = model.config;
  const { told, samples: ofSpectrogram, flags: toldFlags } = await toldBy(wish.told, model.config);
  const { verb, L } = verbOf(wish, sampleRate, ofSpectrogram);
  if (ofSpectrogram !== undefined && L !== ofSpectrogram) throw new UserError(`the spectrogram makes ${ofSpectrogram} samples, and the sound has ${L}: both must be of the same length`);
  const { seed, sampler, steps, loop, what } = wish;
  const predictions = (sampler === 'fast' ? pictures : steps ?? diffusionSteps) * (what.kind === 'inpaint' || what.kind === 'continue' ? repaint.resamplings : 1);
  const early = wish.early && {
    onStretch: ({ from, clips: [samples] }: FinishedStretch) => onStretch({ from, total: L, samples: samples!.slice(), sampleRate }),
  };
  const drawn = !early && L <= mostDrawn && {
    sequenceEvery: Math.ceil(predictions / pictures),
    onWaypoint: ({ left, clips: [samples] }: Waypoint) => left > 0 && onWay({ left, samples: samples!, sampleRate }),
  };
  const onTile = (done: number, total: number): void => {
    if (signal.aborted) throw new UserError(early ? 'Stopped: what was made by then can be played.' : 'Stopped: nothing was made.');
    if (early) onStep(done, total); // whole steps are through at its end only
  };
  const options: SampleOptions = { shape: [1, L], seed, sampler, loop, verb, told, onTile, ...(!early && { onStep }), ...early, ...drawn, ...(sampler !== 'fast' && { steps }) };
  const { audio: [samples] } = await sample(model, options);
  const hash = await sha256(new Uint8Array(weights));
  const flags = [`--sampler ${sampler}`, ...(steps && sampler !== 'fast' ? [`--steps ${steps}`] : []), ...(loop ? ['--loop'] : []), ...toldFlags, `--length ${L}`];
  const info = {
    INAM: `${what.kind === 'new' ? 'sample' : what.kind}-seed${seed}`,
    ISFT: 'diffwave-webgpu',
    ICMT: `seed ${seed}, clip 0; ${flags.join(' ')}; weights${step === null ? '' : ` of step ${step}`}, SHA-256 ${hash}`,
  };
  const wav = encodeWav(samples!, { sampleRate, info }) as Uint8Array<ArrayBuffer>;
  return { samples: samples!, sampleRate, wav, seconds: (performance.now() - begun) / 1000 };
}

/** A file as the weights' data were made: mixed down, resampled, low-passed and downsampled; at the network's own rate it is taken as it is. */
export async function soundOf(file: File, { sampleRate, downsample }: Pick<Preset['data'], 'sampleRate' | 'downsample'>): Promise<Source & { warnings: readonly string[] }> {
  const decoded = await decodeSound(new Uint8Array(await file.arrayBuffer()), file.name);
  const rate = sampleRate / downsample;
  if (decoded.sampleRate < rate) {
    throw new UserError(`${file.name} is at ${decoded.sampleRate} Hz, but the network works at ${rate} Hz: use a recording of at least that rate`);
  }
  const samples = decoded.sampleRate === rate ? decoded.samples : prepareTrack(decoded.samples, decoded.sampleRate, { sampleRate, downsample, seconds: null });
  return { samples: new Float32Array(samples), sampleRate: rate, warnings: decoded.warnings };
}

function verbOf({ what, seconds }: SamplingWish, sampleRate: number, ofSpectrogram: number | undefined): { verb?: Verb; L: number } {
  const samples = Math.max(1, Math.round(seconds * sampleRate));
  if (what.kind === 'new') return { L: ofSpectrogram ?? samples };
  for (const source of [what.audio, ...(what.kind === 'between' ? [what.other] : [])]) {
    if (source.sampleRate === sampleRate) continue;
    throw new UserError(`the weights are for ${sampleRate} Hz, but the sound was prepared at ${source.sampleRate} Hz: prepare the music for the weights' preset, or choose the file again`);
  }
  const audio = what.audio.samples;
  const L = audio.length;
  switch (what.kind) {
    case 'variation': return { L, verb: variation({ audio, strength: what.strength }) };
    case 'between': {
      const shorter = Math.min(L, what.other.samples.length);
      const [a, b] = [audio.slice(0, shorter), what.other.samples.slice(0, shorter)];
      return { L: shorter, verb: between({ audio: [a, b], mix: what.mix, strength: what.strength }) };
    }
    case 'continue': return { L: L + samples, verb: continuation({ audio, samples, ...repaint }) };
    case 'denoise': return { L, verb: denoise({ audio }) };
    case 'inpaint': {
      const at = (time: number): number => Math.min(L, Math.round(time * sampleRate));
      return { L, verb: inpaint({ audio, from: at(what.from), to: at(what.to), ...repaint }) };
    }
  }
}
