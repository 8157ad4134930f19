/** How the user started us, and where the package is: a clone runs its TypeScript, an installed package what was built of it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const isClone = import.meta.url.endsWith('.ts');

/** The package's root: the clone, or the folder in node_modules. */
const root = new URL(isClone ? '../../../' : '../../../../', import.meta.url);

/** Path of a file that comes with the package. */
export function inPackage(path: string): string {
  return fileURLToPath(new URL(path, root));
}

/** The package's version. */
export function packageVersion(): string {
  return JSON.parse(readFileSync(inPackage('package.json'), 'utf8')).version;
}

/** How a command is typed, with room for its flags: `npm run train --` or `npx diffwave train`. */
export function typedCommand(name: string): string {
  return isClone ? `npm run ${name} --` : `npx diffwave ${name}`;
}
