/** Sampling in the worker: from the page's wish to the library's options, and to the file that Node would write. */
import type { Dataset, Gpu, SampleOptions, Verb } from '../../src/web.ts';
import { DiffWave, UserError, between, continuation, denoise, encodeWav, inpaint, sample, sha256, variation } from '../../src/web.ts';
import type { SamplingWish, Sound } from './protocol.ts';

/** As `npm run sample` walks every stretch. */
const repaint = { resamplings: 4, jump: 4 };

export async function makeSound(wish: SamplingWish, { gpu, weights, step, dataset, onStep }: {
  gpu: Gpu; weights: Uint8Array; step: number | null; dataset: () => Promise<Dataset>; onStep: (done: number, total: number) => void;
}): Promise<Sound> {
  const begun = performance.now();
  using model = DiffWave.fromBytes(gpu, weights, { file: 'the weights' });
  const { sampleRate } = model.config;
  const { verb, L } = await verbOf(wish, { sampleRate, dataset });
  const { seed, sampler, steps, loop, what } = wish;
  const options: SampleOptions = { shape: [1, L], seed, sampler, loop, verb, onStep, ...(sampler !== 'fast' && { steps }) };
  const { audio: [samples] } = await sample(model, options);
  const hash = await sha256(new Uint8Array(weights));
  const flags = [`--sampler ${sampler}`, ...(steps && sampler !== 'fast' ? [`--steps ${steps}`] : []), ...(loop ? ['--loop'] : []), `--length ${L}`];
  const info = {
    INAM: `${what.kind === 'new' ? 'sample' : what.kind}-seed${seed}`,
    ISFT: 'diffwave-webgpu',
    ICMT: `seed ${seed}, clip 0; ${flags.join(' ')}; weights${step === null ? '' : ` of step ${step}`}, SHA-256 ${hash}`,
  };
  const wav = encodeWav(samples!, { sampleRate, info }) as Uint8Array<ArrayBuffer>;
  return { samples: samples!, sampleRate, wav, seconds: (performance.now() - begun) / 1000 };
}

async function verbOf({ what, seconds }: SamplingWish, { sampleRate, dataset }: {
  sampleRate: number; dataset: () => Promise<Dataset>;
}): Promise<{ verb?: Verb; L: number }> {
  const samples = Math.max(1, Math.round(seconds * sampleRate));
  if (what.kind === 'new') return { L: samples };
  const music = await dataset();
  if (music.sampleRate !== sampleRate) {
    throw new UserError(`the weights are for ${sampleRate} Hz, but the music here was prepared at ${music.sampleRate} Hz: prepare it for the same preset`);
  }
  const clip = (number: number): Float32Array => music.clip(number);
  const audio = clip(what.clip);
  const L = audio.length;
  switch (what.kind) {
    case 'variation': return { L, verb: variation({ audio, strength: what.strength }) };
    case 'between': return { L, verb: between({ audio: [audio, clip(what.other)], mix: what.mix, strength: what.strength }) };
    case 'continue': return { L: L + samples, verb: continuation({ audio, samples, ...repaint }) };
    case 'denoise': return { L, verb: denoise({ audio }) };
    case 'inpaint': {
      const at = (time: number): number => Math.min(L, Math.round(time * sampleRate));
      return { L, verb: inpaint({ audio, from: at(what.from), to: at(what.to), ...repaint }) };
    }
  }
}
