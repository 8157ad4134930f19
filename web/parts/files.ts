/** Files that are chosen or dropped, each with its path below the folder that was meant. */
import type { NamedFile } from '../engine/protocol.ts';

/** Of a dialog: those of a folder know their path with the folder's own name, which is none of theirs. */
export function chosen(files: readonly File[]): NamedFile[] {
  return files.map((file) => ({ name: file.webkitRelativePath.split('/').slice(1).join('/') || file.name, file }));
}

/** Files that were dropped, those in folders too. Of a single folder the paths are below it, as if it had been chosen. */
export async function dropped({ items, files }: DataTransfer): Promise<NamedFile[]> {
  const entries = [...items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (entries.length === 0) return chosen([...files]);
  const [only, ...more] = entries;
  const above = only!.isDirectory && more.length === 0 ? `${only!.fullPath}/` : '/';
  const walk = async (entry: FileSystemEntry): Promise<NamedFile[]> => {
    if (entry.isFile) {
      const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
      return [{ name: entry.fullPath.slice(above.length), file }];
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    const found: NamedFile[] = [];
    for (;;) { // a reader gives some at a time, and none at its end
      const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
      if (some.length === 0) return found;
      for (const each of some) found.push(...(await walk(each)));
    }
  };
  return (await Promise.all(entries.map(walk))).flat();
}
