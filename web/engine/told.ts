/** What the network is told of a sound: from the page's wish to the library's numbers. */
import type { DiffWaveConfig, Mel, SampleOptions } from '../../src/web.ts';
import { UserError, labelMixture, labelsAlong, labelsTold, melOfNpy, melSpectrogramOf, melTold } from '../../src/web.ts';
import type { ToldWish } from './protocol.ts';

export interface ToldNetwork {
  readonly told?: SampleOptions['told'];
  /** Samples that a spectrogram makes. */
  readonly samples?: number;
  /** As flags of `npm run sample`. */
  readonly flags: readonly string[];
}

/** Throws a `UserError` on what this network cannot be told. */
export async function toldBy(wish: ToldWish | undefined, config: DiffWaveConfig): Promise<ToldNetwork> {
  if (!wish) return { flags: [] };
  switch (wish.kind) {
    case 'labels': case 'along': {
      const { text, guidance } = wish;
      const labels = wish.kind === 'labels' ? { labels: labelMixture(text, '“Mixture”') } : { overTime: labelsAlong(text, config, '“Labels over time”') };
      return {
        told: labelsTold(config, { ...labels, guidance }),
        flags: [`${wish.kind === 'labels' ? '--label' : '--labels-over-time'} ${text}`, ...(guidance === 1 ? [] : [`--guidance ${guidance}`])],
      };
    }
    case 'sound': {
      const { audio: { samples, sampleRate }, name } = wish;
      if (sampleRate !== config.sampleRate) {
        throw new UserError(`the weights are for ${config.sampleRate} Hz, but ${name} was prepared at ${sampleRate} Hz: choose it as a sound of yours`);
      }
      return ofMel(config, melSpectrogramOf(config, samples), `--like ${name}`);
    }
    case 'spectrogram':
      return ofMel(config, melOfNpy(new Uint8Array(await wish.file.arrayBuffer()), { where: wish.file.name, config }), `--mel ${wish.file.name}`);
  }
}

function ofMel(config: DiffWaveConfig, mel: Mel, flag: string): ToldNetwork {
  return { told: melTold(config, mel), samples: mel.frames * config.hopSamples!, flags: [flag] };
}

/** A line about a spectrogram; throws a `UserError` where the network can make nothing of it. */
export async function spectrogramLine(file: File, config: DiffWaveConfig): Promise<string> {
  const { samples } = await toldBy({ kind: 'spectrogram', file }, config);
  return `${file.name}: ${samples! / config.hopSamples!} frames, ${(samples! / config.sampleRate).toFixed(2)} s`;
}
