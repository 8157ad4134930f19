/** The shaders as one module for browsers. */
import { readFileSync, readdirSync } from 'node:fs';
import { inPackage } from '../cli/invocation.ts';

/** The text of the module `#shaders`: every file's text by its stem. */
export function shaderModule(): string {
  const texts = readdirSync(inPackage('shaders')).sort()
    .map((file) => [file.replace('.wgsl', ''), readFileSync(inPackage(`shaders/${file}`), 'utf8')]);
  return `export const shaders = ${JSON.stringify(Object.fromEntries(texts), null, 1)};\n`;
}
