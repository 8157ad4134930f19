/** Node's side of `platform.ts`: Dawn for the GPU, the package's own folder for the shaders. */
import { readFile } from 'node:fs/promises';
import type { Platform, PlatformOptions } from './platform.ts';
import { providePlatform } from './platform.ts';
import { rest } from './rest.node.ts';
import { openProvider, releaseProvider, togglesFor } from './provider.node.ts';

const shaderFolder = new URL('../../shaders/', import.meta.url);

export async function nodePlatform(options: PlatformOptions = {}): Promise<Platform> {
  return platformOn(await openProvider(togglesFor(options)), (stem) => readFile(new URL(`${stem}.wgsl`, shaderFolder), 'utf8'));
}

/** Node's platform on a Dawn that is open with toggles of one's own, with shaders from elsewhere. */
export function platformOn(gpu: GPU, shader: Platform['shader']): Platform {
  return { gpu, shader, release: releaseProvider, rest };
}

/** Makes it the platform of every `Gpu` that is opened without one. */
export function provideNodePlatform(): void {
  providePlatform(nodePlatform);
}
