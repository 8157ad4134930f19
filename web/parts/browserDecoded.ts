/** Sound that only the browser can decode, as a WAV that takes the same way as every other file. */
import { encodeWav } from '../../src/web.ts';

/** AAC, which the page brings no decoder for: that one is under the GPL, and browsers have their own. */
export const isForBrowser = (name: string): boolean => /\.(m4a|aac|mp4)$/i.test(name);

/** Most recordings have it; browsers bring others to the rate that they are asked for. */
const rate = 44100; // Hz

/** Its channels' mean as a WAV of float32. Rejects if the browser cannot decode it either. */
export async function wavOf(file: Blob, name: string): Promise<File> {
  const buffer = await new OfflineAudioContext(1, 1, rate).decodeAudioData(await file.arrayBuffer());
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, i) => buffer.getChannelData(i));
  const samples = channels[0]!.map((_, i) => channels.reduce((sum, channel) => sum + channel[i]!, 0) / channels.length);
  return new File([encodeWav(samples, { sampleRate: rate, format: 'float' }) as Uint8Array<ArrayBuffer>], name);
}
