/** In the place of `@audio/decode-aac`, which is under the GPL and stays out of what `npm run web` writes. */
import { UserError } from '../../src/web.ts';

export function decoder(): never {
  throw new UserError('holds AAC, which this browser does not decode: convert it to WAV or FLAC');
}
