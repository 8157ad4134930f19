/** The shaders as one module for browsers. */
import { readFileSync, readdirSync } from 'node:fs';
import { inPackage } from '../cli/invocation.ts';

/** The kernels, and the probes that tell how fast they could be. */
const folders = ['shaders', 'bench/probes'];

/** The text of the module `#shaders`: every file's text by its stem. */
export function shaderModule(): string {
  const texts = folders.flatMap((folder) => readdirSync(inPackage(folder)).sort()
    .map((file) => [file.replace('.wgsl', ''), readFileSync(inPackage(`${folder}/${file}`), 'utf8')]));
  return `export const shaders = ${JSON.stringify(Object.fromEntries(texts), null, 1)};\n`;
}
