/** The fingerprint of a data set. */
import { createHash } from 'node:crypto';
import type { Dataset } from './dataset.ts';
import { identityOf } from './identity.ts';

/** SHA-256 of `identityOf`; a gigabyte takes about a second. */
export function contentFingerprint(dataset: Dataset): string {
  const hash = createHash('sha256');
  for (const part of identityOf(dataset)) hash.update(part);
  return hash.digest('hex');
}
