/** The figures in words: what is good, what is not, what to try. */
import type { Copies, Measurement, ScaledFigure } from '../../../src/evaluation/measurement.ts';
import { typedCommand } from '../cli/invocation.ts';
import { foundAgain, hasScale } from './rows.ts';

/** In percent of the way from other music to noise of its spectrum. */
const likeMusic = 25;
const likeNoise = 75;
/** How far a spectrum may be off, in units of what other music's is. */
const spectrumMargin = 1.25;
const levelMargin = 2; // dB
/** Of the clips' variety. */
const varied = 0.7;
/** Share of pieces that are more like a training clip than any other music is; chance gives about one of all. */
const copied = 0.25;

/** Where a figure is between other music and noise; undefined where the two are not in that order and it is between them. */
function placeOf(figure: ScaledFigure): 'music' | 'noise' | 'between' | undefined {
  const { samples, floor, spectrum, percent } = figure;
  if (hasScale(figure)) return percent <= likeMusic ? 'music' : percent >= likeNoise ? 'noise' : 'between';
  return samples <= Math.min(floor, spectrum) ? 'music' : samples >= Math.max(floor, spectrum) ? 'noise' : undefined;
}

/** One line. */
export function inWords({ frechet, modulation, logSpectrum, level, variety }: Measurement, copies: Copies): string {
  const good: string[] = [];
  const bad: string[] = [];
  const say = (isGood: boolean, praise: string, blame: string): void => void (isGood ? good.push(praise) : bad.push(blame));

  const [nearness, movement] = [placeOf(frechet), placeOf(modulation)];
  const unclear: string[] = [];
  if (nearness === undefined) unclear.push('how near to music it is');
  else {
    say(nearness === 'music', 'as near to held-out music as other music is',
      nearness === 'noise'
        ? 'no nearer to music than noise that has its spectrum'
        : `${frechet.percent.toFixed(0)} % of the way from music to noise that has its spectrum`);
  }
  if (movement === undefined) unclear.push('whether it moves like music');
  else {
    say(movement === 'music', 'onsets and rhythm move as in music',
      movement === 'noise' ? 'no onsets: it moves like a stationary hiss' : `moves only partly like music (${modulation.percent.toFixed(0)} %)`);
  }
  say(logSpectrum.samples <= spectrumMargin * logSpectrum.floor, 'the mean spectrum is right',
    `the mean spectrum is off by ${logSpectrum.samples.toFixed(1)} dB, other music's by ${logSpectrum.floor.toFixed(1)}`);
  const louder = level.samples - level.training;
  say(Math.abs(louder) <= levelMargin, 'the level is right', `${Math.abs(louder).toFixed(1)} dB too ${louder > 0 ? 'loud' : 'quiet'}`);
  const ratio = variety ? variety.samples / variety.training : 1;
  if (variety) say(ratio >= varied, 'samples are as varied as clips', `samples are alike: ${(100 * ratio).toFixed(0)} % of the variety of clips`);
  const { above, pieces } = foundAgain(copies);
  const isCopied = above >= Math.max(2, copied * pieces);
  say(!isCopied, 'nothing is copied from the training clips', `${above} of ${pieces} pieces are found again in the training clips`);

  const isNoise = nearness === 'noise' || movement === 'noise';
  const isOff = Math.abs(louder) > levelMargin || logSpectrum.samples > spectrumMargin * logSpectrum.floor;
  const advice = isCopied ? 'more music, or fewer updates (an earlier checkpoint)'
    : isNoise ? `train longer before anything else (${typedCommand('train')} … --resume --steps N --decay-steps N)`
    : isOff ? `${typedCommand('schedule')} --run … --data …, and sample --start shaped`
    : ratio < varied ? 'train longer, or on more and more varied music'
    : bad.length > 0 ? 'train longer; a network that sees more (--layers, --dilation-cycle); more steps of sampling'
    : 'listen to them';
  return [
    good.length > 0 && `good: ${good.join(', ')}`, bad.length > 0 && `not: ${bad.join(', ')}`,
    unclear.length > 0 && `unclear: ${unclear.join(' and ')}, as the tracks held out are as unlike other music as noise is: hold out more`,
    `try: ${advice}`,
  ].filter(Boolean).join('; ');
}
