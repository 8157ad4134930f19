/** Folders that a command replaces, and the recordings that come with the project. */
import { existsSync, readdirSync } from 'node:fs';
import { isTemporary } from '../../../src/disk/files.node.ts';
import { lockName } from '../../../src/disk/lock.node.ts';
import { UserError } from '../../../src/errors.ts';

/** Within the project or package, see `inPackage`. */
export const recordings = 'music/genres_original';

/** Throws a `UserError` if something lies in `out` that the command, an earlier `what`, does not write there: names in `ours`. */
export function throwUnlessOurs(out: string, { ours, what }: { ours: readonly string[]; what: string }): void {
  const foreign = existsSync(out) ? readdirSync(out).find((name) => !ours.includes(name) && name !== lockName && !isTemporary(name, lockName)) : undefined;
  if (foreign !== undefined) throw new UserError(`\`out\` ${out} has ${foreign} in it, which is not of an earlier ${what}: choose another folder`);
}
