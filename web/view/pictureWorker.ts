/** Computes spectrograms beside the page, which stays at hand meanwhile. */
import { spectrogramOf } from './spectrogram.ts';

onmessage = ({ data: { id, samples } }: MessageEvent<{ id: number; samples: Float32Array }>) => {
  const image = spectrogramOf(samples).transferToImageBitmap();
  (postMessage as (message: unknown, transfer: Transferable[]) => void)({ id, image }, [image]);
};
