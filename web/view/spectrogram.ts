/** The picture of a spectrogram: a pixel for each frame and frequency. */
import { colorMap, spectrogram } from '../../src/web.ts';

/** The quietest level that has a colour of its own, in dB below the loudest. */
const rangeDb = 80;

/** In the colours of all of the project's pictures; frames across, frequencies upwards. */
export function spectrogramOf(samples: Float32Array): OffscreenCanvas {
  const size = samples.length >= 8192 ? 512 : samples.length >= 1024 ? 256 : 64;
  const hop = Math.max(size / 16, Math.ceil(samples.length / 1200));
  const { frames, bins, db } = spectrogram(samples, { size, hop });
  const loudest = db.reduce((most, value) => Math.max(most, value), -Infinity);
  const isSilent = samples.every((value) => value === 0);
  const pixels = new ImageData(frames, bins);
  for (let frame = 0; frame < frames; frame++) {
    for (let bin = 0; bin < bins; bin++) {
      const color = colorMap(isSilent ? 0 : 1 + (db[frame * bins + bin]! - loudest) / rangeDb);
      pixels.data.set([...color, 255], 4 * ((bins - 1 - bin) * frames + frame));
    }
  }
  const canvas = new OffscreenCanvas(frames, bins);
  canvas.getContext('2d')!.putImageData(pixels, 0, 0);
  return canvas;
}
