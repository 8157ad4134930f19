/** Node's side of `platform.ts`: Dawn for the GPU, the repository's own folder for the shaders. */
import { readFile } from 'node:fs/promises';
import { openProvider, releaseProvider } from './provider.node.ts';
import type { Platform } from './platform.ts';

const shaderFolder = new URL('../../shaders/', import.meta.url);

export async function nodePlatform(): Promise<Platform> {
  return {
    gpu: await openProvider(),
    shader: (stem) => readFile(new URL(`${stem}.wgsl`, shaderFolder), 'utf8'),
    release: releaseProvider,
  };
}
