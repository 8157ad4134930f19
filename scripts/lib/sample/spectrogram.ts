/** `--mel` and `--like`: the spectrogram that a network for spectrograms makes sound of. */
import type { DiffWaveConfig } from '../../../src/diffwave/model/config.ts';
import type { Told } from '../../../src/diffwave/model/contract.ts';
import { melOfNpy, melSpectrogramOf, melTold } from '../../../src/diffwave/model/mels.ts';
import { readFileOrExplain } from '../../../src/disk/files.node.ts';
import { UserError } from '../../../src/errors.ts';
import type { CommandSpec, Parsed } from '../cli/flags.ts';
import type { Sound } from './input.ts';

export const spectrogramFlags = {
  mel: { type: 'string', placeholder: '<npy>', help: 'the log-mel spectrogram (bands, frames) to make sound of, by a network of diffwave-vocoder’s kind' },
  like: { type: 'string', placeholder: '<wav>', help: 'the same with the spectrogram of this sound, of any format' },
} as const satisfies CommandSpec['flags'];

export type SpectrogramFlags = Parsed<{ name: string; summary: string; flags: typeof spectrogramFlags }>['flags'];

/** What is told, and the samples that this makes. */
export interface ToldMel {
  readonly told: Told;
  readonly L: number;
  /** One line about what a file does not say and is taken to be. */
  readonly note?: string;
}

/**
 * What the flags tell a network for spectrograms; undefined of another network, where there are none of these flags. Throws a `UserError`
 * where a network wants a spectrogram and has none, or has one and no use for it, and on a file that is none.
 */
export function melBy({ mel, like }: SpectrogramFlags, { config, load }: { config: DiffWaveConfig; load: (path: string) => Sound }): ToldMel | undefined {
  const given = mel !== undefined ? '--mel' : like !== undefined ? '--like' : undefined;
  if (config.conditioner !== 'mel') {
    if (given) throw new UserError(`${given} is for a network that makes sound out of spectrograms, and this one does not: train one with --preset diffwave-vocoder`);
    return undefined;
  }
  if (mel !== undefined && like !== undefined) throw new UserError('--mel and --like say two things at once: give one of them');
  if (!given) throw new UserError('this network makes sound out of spectrograms: give it one with --mel <npy>, or a sound with --like <wav>');
  const spectrogram = mel !== undefined ? melOfNpy(readFileOrExplain(mel, 'a spectrogram'), { where: mel, config }) : melSpectrogramOf(config, load(like!).samples);
  const L = spectrogram.frames * config.hopSamples!;
  return { told: melTold(config, spectrogram), L, ...(mel !== undefined && { note: assumed(mel, { ...spectrogram, L }, config) }) };
}

/** A .npy file has no hop and no rate: those of the network are taken, and sound of others is too long or too short, and out of tune. */
function assumed(path: string, { frames, L }: { frames: number; L: number }, { hopSamples, sampleRate }: DiffWaveConfig): string {
  return `${path} does not say its hop and rate: its ${frames} frames are taken as ${hopSamples} samples apart at ${sampleRate} Hz, which makes ${(L / sampleRate).toFixed(2)} s`;
}
