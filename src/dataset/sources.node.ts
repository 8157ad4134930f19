/** The sound files of a folder, in an order that is the same on every machine, and what there is instead of one. */
import { createHash } from 'node:crypto';
import type { Dirent, Stats } from 'node:fs';
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { UserError } from '../errors.ts';
import type { FilePath } from '../disk/regularFile.node.ts';
import { whyNoFile } from '../disk/regularFile.node.ts';
import { systemReason } from '../disk/systemErrors.node.ts';
import { soundEndings } from '../formats/sound.ts';
import { findOnDisk, joined, textOf } from '../disk/names.node.ts';

export interface SourceFile {
  readonly path: string; // relative to the folder, with forward slashes; bytes that are not UTF-8 are written \xff
  readonly onDisk: FilePath; // what opens it
  readonly size: number; // bytes; 0 for what cannot be looked at
  readonly modified: number; // milliseconds since 1970
  /** Why it is none, or a folder that cannot be searched: the rest of a sentence that begins with the path. */
  readonly problem?: string;
  /** What systems leave beside music, under names of sound files. */
  readonly isClutter: boolean;
}

/**
 * Names of files and folders that systems make by themselves: macOS's other halves of files (`._a.wav`) on foreign disks and in
 * archives, waste baskets, thumbnails and indices of NAS systems, what is left of a check of the disk.
 */
const clutter = /^(\._.*|\.Trash(es|-.*)?|\.AppleDouble|\.Spotlight-V100|\.fseventsd|\.DocumentRevisions-V100|\.TemporaryItems|__MACOSX|\$RECYCLE\.BIN|System Volume Information|@eaDir|#recycle|@Recycle|lost\+found)$/;

/**
 * Finds every file below a folder whose name ends as those of sound files do (`soundEndings`), through links as well; sorted by path.
 * What cannot be looked at, and what is no regular file, is among them with its problem.
 *
 * @throws UserError when the folder is missing, is no folder, cannot be read, or has no such file
 */
export function findSoundFiles(folder: string): SourceFile[] {
  const root = findOnDisk(folder);
  requireFolder(folder);
  const files: SourceFile[] = [];
  const visited = new Set<string>(); // real paths: a link may lead back upwards

  const walk = (at: FilePath, relative: string, isClutter: boolean): void => {
    const real = realpathSync.native(at, 'buffer').toString('latin1');
    if (visited.has(real)) return;
    visited.add(real);
    for (const entry of readdirSync(at, { withFileTypes: true, encoding: 'buffer' }) as unknown as Dirent<Buffer>[]) {
      const name = textOf(entry.name);
      look({ entry, name, onDisk: joined(at, entry.name), path: relative ? `${relative}/${name}` : name, isClutter: isClutter || clutter.test(name) });
    }
  };
  const look = ({ entry, name, onDisk, path, isClutter }: Pick<SourceFile, 'path' | 'onDisk' | 'isClutter'> & { entry: Dirent<Buffer>; name: string }): void => {
    const isSound = soundEndings.test(name);
    const add = (status: Stats | undefined, problem?: string): void =>
      void files.push({ path, onDisk, size: status?.size ?? 0, modified: status?.mtimeMs ?? 0, problem, isClutter });
    let status: Stats | undefined;
    try {
      status = statSync(onDisk);
      if (status.isDirectory()) return walk(onDisk, path, isClutter);
    } catch (error) {
      const reason = systemReason(error);
      if (reason === undefined) throw error;
      // A link that leads nowhere is of no interest unless its name says that it is music. What could be a folder is.
      const isGone = ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code!);
      const isFolder = entry.isDirectory() || status !== undefined;
      if (isSound || isFolder || (entry.isSymbolicLink() && !isGone)) add(undefined, `cannot be ${isFolder ? 'searched' : 'read'}: ${reason}`);
      return;
    }
    if (isSound) add(status, whyNoFile(status));
  };
  try {
    walk(root, '', false);
  } catch (error) {
    const reason = systemReason(error);
    throw reason ? new UserError(`${folder} cannot be searched: ${reason}`) : error;
  }
  if (!files.some(({ isClutter, problem }) => !isClutter && !problem)) {
    const [first] = files.filter(({ problem }) => problem);
    const instead = first ? `; ${first.path} ${first.problem}` : '';
    throw new UserError(`There is no sound file (.wav, .mp3, .flac, .ogg, .m4a, …) in ${folder} or the folders below it${instead}`);
  }
  // By code units, not by a language's rules.
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** @throws UserError when there is nothing at that path or it is not a folder */
export function requireFolder(folder: string): void {
  let status: Stats | undefined;
  try {
    status = statSync(findOnDisk(folder), { throwIfNoEntry: false });
  } catch (error) {
    const reason = systemReason(error);
    throw reason ? new UserError(`${folder} cannot be looked at: ${reason}`) : error;
  }
  if (!status) throw new UserError(`There is no folder ${folder}${isAbsolute(folder) ? '' : ` in ${process.cwd()}`}`);
  if (status.isDirectory()) return;
  throw new UserError(status.isFile() ? `${folder} is a file, but a folder is needed` : `${folder} ${whyNoFile(status)}, but a folder is needed`);
}

/** Changes when a file is added, removed, renamed or written to. */
export function fingerprint(files: readonly SourceFile[]): string {
  const hash = createHash('sha256');
  for (const { path, size, modified } of files) hash.update(`${path}\t${size}\t${modified}\n`);
  return hash.digest('hex');
}
