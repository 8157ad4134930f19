/** What a network that makes sound out of spectrograms is told: in training those of its crops, in sampling one of a file or of a sound. */
import { MelSpectrogram } from '../../audio/melSpectrogram.ts';
import { UserError } from '../../errors.ts';
import { readNpy } from '../../formats/npy.ts';
import type { ClipSource } from '../data/clips.ts';
import type { DiffWaveConfig } from './config.ts';
import type { Conditioning, Told } from './contract.ts';

/** Numbers of whole clips' spectrograms that are kept, 512 MiB: where that is not enough, they are computed anew for every crop. */
const mostKept = 2 ** 27;

/** How far beyond its range a value may be that was stored with few places. */
const rounding = 1e-3;

/** A spectrogram, one row of bands after another for every hop of samples: what `MelSpectrogram` gives. */
export interface Mel {
  readonly frames: number;
  readonly bands: number;
  readonly values: Float32Array<ArrayBuffer>; // (frames, bands)
}

/** Throws a `UserError` where the network makes no sound from spectrograms. */
function expectMel({ conditioner, melBands, hopSamples }: DiffWaveConfig): { melBands: number; hopSamples: number } {
  if (conditioner === 'mel') return { melBands: melBands!, hopSamples: hopSamples! };
  throw new UserError('this network makes no sound from spectrograms: it was trained without (`conditioner`)');
}

/** What the network is told of a clip. Throws a `UserError` where that is no spectrogram. */
function frontEnd(config: DiffWaveConfig): MelSpectrogram {
  const { melBands, hopSamples } = expectMel(config);
  return new MelSpectrogram({ sampleRate: config.sampleRate, hopSamples, melBands });
}

/** Its crops are those of the whole clip's spectrogram. */
export function melConditioning(config: DiffWaveConfig): Conditioning {
  const { melBands, hopSamples } = expectMel(config);
  const shape = (L: number): [number, number] => {
    if (L % hopSamples !== 0) throw new UserError(`a network for spectrograms makes a multiple of ${hopSamples} samples, its hop, not ${L}: use another length (\`cropSamples\`)`);
    return [L / hopSamples, melBands];
  };
  let computed: MelSpectrogram | undefined;
  const kept = new WeakMap<ClipSource, Map<number, Float32Array>>();
  return {
    shape,
    alignment: hopSamples,
    alongTime: true,
    numbers(clips, { clip, start, L, gain = 1 }) {
      const mel = (computed ??= frontEnd(config));
      const [count] = shape(L);
      const first = start / hopSamples;
      const fits = mel.framesOf(clips.clipSamples) * melBands * clips.clipCount <= mostKept;
      // What is louder is not what it was before plus a number: quiet bands are at the floor.
      if (Math.abs(gain) !== 1) return mel.of(clips.clip(clip).map((sample) => gain * sample), { first, count });
      if (!fits) return mel.of(clips.clip(clip), { first, count });
      const ofClips = kept.get(clips) ?? new Map<number, Float32Array>();
      kept.set(clips, ofClips);
      const whole = ofClips.get(clip) ?? mel.of(clips.clip(clip));
      ofClips.set(clip, whole);
      return whole.slice(first * melBands, (first + count) * melBands);
    },
  };
}

/**
 * What sampling tells a network for spectrograms, for a clip of frames · hopSamples samples. Throws a `UserError` on one of other bands, without
 * frames, or with a value that is no number, and where the network has no use for it.
 */
export function melTold(config: DiffWaveConfig, { frames, bands, values }: Mel): Told {
  const { melBands } = expectMel(config);
  if (bands !== melBands) throw new UserError(`the spectrogram has ${bands} bands, and this network wants ${melBands}: use one of (${melBands}, frames)`);
  if (frames < 1 || values.length !== frames * bands) throw new UserError(`a spectrogram of ${frames} frames of ${bands} bands has ${values.length} numbers`);
  const broken = values.findIndex((value) => !(value >= -rounding && value <= 1 + rounding));
  if (broken >= 0) {
    throw new UserError(
      `the spectrogram has ${values[broken]} in frame ${Math.floor(broken / bands)}, band ${broken % bands}: values go from 0 (-100 dB) to 1 (0 dB), as lmnt-com/diffwave's preprocess.py makes them`,
    );
  }
  return { numbers: values };
}

/**
 * The spectrogram of a sound (L) at the network's rate, in as many frames as whole hops fit into it; a sound shorter than one hop has one.
 * Throws a `UserError` where the network has no use for it.
 */
export function melSpectrogramOf(config: DiffWaveConfig, sound: Float32Array): Mel {
  const mel = frontEnd(config);
  const frames = Math.max(1, Math.floor(sound.length / mel.hopSamples));
  return { frames, bands: mel.bands, values: mel.of(sound, { first: 0, count: frames }) };
}

/**
 * A spectrogram out of a .npy file, (bands, frames) or (1, bands, frames) as preprocess.py of lmnt-com/diffwave writes it. Throws a
 * `UserError` that names the file, `where`, on another shape.
 */
export function melOfNpy(bytes: Uint8Array, { where, config: { melBands } }: { readonly where: string; readonly config: DiffWaveConfig }): Mel {
  const { shape, data } = readNpy(bytes, where);
  const [bands, frames, ...more] = shape.length === 3 && shape[0] === 1 ? shape.slice(1) : shape;
  if (bands === undefined || frames === undefined || more.length > 0) throw new UserError(`${where} has the shape (${shape.join(', ')}), wanted (bands, frames)`);
  if (bands !== melBands && frames === melBands) {
    throw new UserError(`${where} has the shape (${shape.join(', ')}), wanted (bands, frames) with this network's ${melBands} bands: it looks like (frames, bands), so save its transpose (.T)`);
  }
  const values = Float32Array.from({ length: data.length }, (_, i) => data[(i % bands) * frames + Math.floor(i / bands)]!);
  return { frames, bands, values };
}
