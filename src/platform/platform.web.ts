/** A browser's side of `platform.ts`: its own WebGPU, and the shaders as the package's build has put them together. */
import { UserError } from '../errors.ts';
import type { Platform } from './platform.ts';

/**
 * The platform of a page or a worker. `shaders` are the texts by stem. Throws a `UserError` where the browser has no WebGPU, as
 * it has none on pages that are neither https nor localhost.
 */
export async function webPlatform(shaders: Readonly<Record<string, string>>): Promise<Platform> {
  const gpu = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  if (!gpu) {
    throw new UserError('this browser has no WebGPU here: use a recent Chrome, Edge, Safari or Firefox, and a page over https or from localhost');
  }
  return {
    gpu,
    async shader(stem) {
      const text = shaders[stem];
      if (text === undefined) throw new Error(`there is no shader '${stem}'`);
      return text;
    },
    release() {}, // a page keeps its GPU
  };
}
