/** What sampling tells a network: a condition that holds for the whole clip or changes along it, and guidance towards it. */
import type { Tape } from '../../autograd/tape.ts';
import type { Tensor } from '../../autograd/tensor.ts';
import { elementsOf } from '../../autograd/tensor.ts';
import { UserError } from '../../errors.ts';
import { guide } from '../../ops/guide.ts';
import { counters } from '../../random.ts';
import type { Network, Told } from '../model/contract.ts';

/** Throws a `UserError` where a network cannot be told this for a clip of L samples, or has to be told something. */
export function expectTold({ conditioning }: Pick<Network, 'conditioning'>, told: Told | undefined, L: number): void {
  if (!conditioning) {
    if (told) throw new UserError('this network was trained without labels or spectrograms: it can be told nothing');
    return;
  }
  if (!told) {
    if (!conditioning.nothing) throw new UserError('this network makes sound from something that it must be told, such as a spectrogram or a label');
    return;
  }
  const { numbers, places, guidance = 1 } = told;
  const wanted = elementsOf(conditioning.shape(L)) * (places?.length ?? 1);
  if (numbers.length !== wanted) throw new UserError(`sample: what the network is told must have ${wanted} numbers, and has ${numbers.length}`);
  if (!Number.isFinite(guidance)) throw new UserError(`sample: guidance must be a number, got ${guidance}`);
  if (guidance !== 1 && !conditioning.nothing) throw new UserError('guidance needs a network that was also trained without being told anything');
  if (!places) return;
  if (conditioning.alongTime) throw new UserError('sample: what this network is told goes along with the clip by itself, and has no `places`');
  const isAscending = places.every((place, i) => Number.isSafeInteger(place) && place >= 0 && place < counters && (i === 0 || place > places[i - 1]!));
  if (places.length === 0 || !isAscending) throw new UserError(`sample: places must be whole samples from 0, each after the one before, got ${places.join(', ')}`);
}

/**
 * Records what the network predicts for x_t (B, W), a window of clips of `clipSamples`, when it is told this: once, or for guidance
 * once more without. Told nothing, it gets the condition that says so.
 */
export function recordTold(
  tape: Tape, network: Network, { noisy, t }: { noisy: Tensor; t: Tensor }, { told, clipSamples }: { told?: Told; clipSamples: number },
): Tensor {
  const { conditioning } = network;
  if (!conditioning) return network.record(tape, { noisy, t });
  const [B] = noisy.shape as [number, number];
  const predict = (numbers: Float32Array<ArrayBuffer>, places?: readonly number[]): Tensor => {
    const shape = conditioning.shape(clipSamples);
    const rows = places?.length ?? B;
    const content = places ? numbers : repeated(numbers, B);
    return network.record(tape, {
      noisy, t, clipSamples,
      condition: tape.constant('condition', [rows, ...shape], content),
      ...(places && { places: tape.constant('places', [rows], Uint32Array.from(places)) }),
    });
  };
  const { nothing } = conditioning;
  const { numbers, places, guidance: w = 1 } = told ?? { guidance: 0 };
  if (w === 1 || !nothing) return predict(numbers!, places);
  if (w === 0) return predict(nothing);
  return guide(tape, { none: predict(nothing), told: predict(numbers!, places), w });
}

function repeated(numbers: Float32Array<ArrayBuffer>, count: number): Float32Array<ArrayBuffer> {
  const all = new Float32Array(count * numbers.length);
  for (let i = 0; i < count; i++) all.set(numbers, i * numbers.length);
  return all;
}
