/** What the operating system refuses, in the user's words. */
import { getSystemErrorMap } from 'node:util';

const words: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file is too large for this file system',
  ENOENT: 'no such file or folder',
  ENOTDIR: 'not a folder',
  EISDIR: 'is a folder, not a file',
  EEXIST: 'exists already',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'a link that leads to itself, or too many links',
  EMFILE: 'too many open files',
  ENFILE: 'too many open files',
  EIO: 'the disk reports an error',
  ESTALE: 'it is gone from the network file system',
};

/** Of what we ask for, and not of the disk: a bug of ours. */
const ours = new Set(['EBADF', 'EFAULT', 'EINVAL']);

/** 'permission denied (EACCES)'; undefined for errors that the system did not report, or that are no user's. */
export function systemReason(error: unknown): string | undefined {
  const { code, errno, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (!(error instanceof Error) || typeof code !== 'string' || ours.has(code)) return undefined;
  const known = words[code] ?? (syscall !== undefined && errno !== undefined ? getSystemErrorMap().get(errno)?.[1] : undefined);
  return known && `${known} (${code})`;
}
