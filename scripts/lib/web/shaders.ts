/** The shaders as one module for browsers. */
import { readFileSync, readdirSync } from 'node:fs';
import { inPackage } from '../cli/invocation.ts';

/** The text of the module `#shaders`: every file's text by its stem, of these folders. */
export function shaderModule(folders: readonly string[] = ['shaders']): string {
  const texts = folders.flatMap((folder) => readdirSync(inPackage(folder)).sort()
    .map((file) => [file.replace('.wgsl', ''), readFileSync(inPackage(`${folder}/${file}`), 'utf8')]));
  return `export const shaders = ${JSON.stringify(Object.fromEntries(texts), null, 1)};\n`;
}
