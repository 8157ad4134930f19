/** Node's side of `platform.ts`: Dawn for the GPU, the package's own folder for the shaders. */
import { readFile } from 'node:fs/promises';
import type { Platform } from './platform.ts';
import { providePlatform } from './platform.ts';
import { openProvider, releaseProvider } from './provider.node.ts';

const shaderFolder = new URL('../../shaders/', import.meta.url);

export async function nodePlatform(): Promise<Platform> {
  return {
    gpu: await openProvider(),
    shader: (stem) => readFile(new URL(`${stem}.wgsl`, shaderFolder), 'utf8'),
    release: releaseProvider,
  };
}

/** Makes it the platform of every `Gpu` that is opened without one. */
export function provideNodePlatform(): void {
  providePlatform(nodePlatform);
}
