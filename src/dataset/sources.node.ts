/** The sound files of a folder, in an order that is the same on every machine. */
import { createHash } from 'node:crypto';
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { UserError } from '../errors.ts';
import { soundEndings } from '../formats/sound.ts';

export interface SourceFile {
  readonly path: string; // relative to the folder, with forward slashes
  readonly size: number; // bytes; 0 for what cannot be looked at
  readonly modified: number; // milliseconds since 1970
}

/**
 * Finds every file below a folder whose name ends as those of sound files do (`soundEndings`), through links as well; sorted by path.
 *
 * @throws UserError when the folder is missing, is no folder, or has no such file
 */
export function findSoundFiles(folder: string): SourceFile[] {
  requireFolder(folder);
  const files: SourceFile[] = [];
  const visited = new Set<string>(); // real paths: a link may lead back upwards

  const walk = (relative: string) => {
    const real = realpathSync(join(folder, relative));
    if (visited.has(real)) return;
    visited.add(real);
    for (const name of readdirSync(real)) {
      const path = relative ? `${relative}/${name}` : name;
      // A link that leads nowhere has no status; it is kept, so that it is named among the files left out.
      const status = statSync(join(folder, path), { throwIfNoEntry: false });
      if (status?.isDirectory()) walk(path);
      else if (soundEndings.test(name)) files.push({ path, size: status?.size ?? 0, modified: status?.mtimeMs ?? 0 });
    }
  };
  walk('');
  if (files.length === 0) throw new UserError(`There is no sound file (.wav, .mp3, .flac, .ogg, .m4a, …) in ${folder} or the folders below it`);
  // By code units, not by a language's rules.
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** @throws UserError when there is nothing at that path or it is not a folder */
export function requireFolder(folder: string): void {
  const status = statSync(folder, { throwIfNoEntry: false });
  if (!status) throw new UserError(`There is no folder ${folder}${isAbsolute(folder) ? '' : ` in ${process.cwd()}`}`);
  if (!status.isDirectory()) throw new UserError(`${folder} is a file, but a folder is needed`);
}

/** Changes when a file is added, removed, renamed or written to. */
export function fingerprint(files: readonly SourceFile[]): string {
  const hash = createHash('sha256');
  for (const { path, size, modified } of files) hash.update(`${path}\t${size}\t${modified}\n`);
  return hash.digest('hex');
}
