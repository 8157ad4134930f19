/**
 * Where a NaN came from. A training loop looks at its numbers now and then, and by the time it sees a NaN everything is
 * NaN. Updates are functions of (seed, step), so the way there can be walked a second time from the last good state, with
 * a look at every update and, in the broken one, at what every single dispatch wrote.
 */
import type { Tensor } from '../../autograd/tensor.ts';
import { UserError } from '../../errors.ts';
import { kernelName } from '../../gpu/wgsl/kernels.ts';
import type { BatchSource } from './batches.ts';
import type { Snapshot } from './snapshot.ts';
import { restoreSnapshot, snapshotOf } from './snapshot.ts';
import type { Trainer } from './trainer.ts';

/** The first dispatch that wrote something that is not finite. */
export interface Origin {
  /** Number of the update, counted from 1. */
  readonly update: number;
  /** 'gate.forward'. */
  readonly kernel: string;
  /** Name and shape of what it wrote. */
  readonly tensor: string;
}

/** Some number of the training is NaN or infinite; the message says which and when it was seen. */
export class NotFiniteError extends Error {}

/** Updates between two looks at the state; the first interval that ends badly is walked again, one by one. */
const strideOfLooks = 16;

/**
 * What a user is told: what was seen, where it came from, which checkpoint is good. `from` is a state before that. `renew` makes
 * a trainer on a new device, where the GPU is lost on the way there.
 */
export async function explainNotFinite(
  seen: NotFiniteError,
  { trainer, batches, from, saved = 0, renew }: {
    trainer: Trainer; batches: BatchSource; from: Snapshot; saved?: number; renew?: () => Promise<Trainer>;
  },
): Promise<UserError> {
  const walk = { from, batches, until: trainer.step };
  const again = async (error: unknown): Promise<Origin | undefined> =>
    renew && (await trainer.model.gpu.lossBehind(error)) ? findNonFinite(await renew(), walk) : undefined;
  // The second pass may fail as well, on memory or a device that is lost again: what was seen is then still worth telling.
  const origin = await findNonFinite(trainer, walk).catch(again).catch(() => undefined);
  const place = origin ? `; it first appeared in update ${origin.update}, where ${origin.kernel} wrote '${origin.tensor}'` : '';
  const remedy = saved > 0 ? `go back to the checkpoint of step ${saved} and` : 'there is no checkpoint to go back to: start again and';
  return new UserError(`${seen.message}${place}: ${remedy} use a lower \`learningRate\``);
}

/**
 * Does the updates from `from` up to number `until` again and finds the first that is not finite. Undefined if all are,
 * as it is when somebody else changed the weights, and where only a sum over parts or the update after it is broken. Ranks that work
 * together walk together, and look at the dispatches each for itself, all of them at the same. Leaves the trainer in some state in between.
 */
export async function findNonFinite(
  trainer: Trainer, walk: { from: Snapshot; until: number; batches: BatchSource },
): Promise<Origin | undefined> {
  const interval = await firstBadInterval(trainer, { ...walk, stride: strideOfLooks });
  const single = interval && (await firstBadInterval(trainer, { ...walk, ...interval, stride: 1 }));
  return single && firstBadDispatch(trainer, single.from, walk.batches);
}

async function firstBadInterval(
  trainer: Trainer, walk: { from: Snapshot; until: number; batches: BatchSource; stride: number },
): Promise<{ from: Snapshot; until: number } | undefined> {
  let from = walk.from;
  restoreSnapshot(trainer, from);
  while (trainer.step < walk.until) {
    const until = Math.min(trainer.step + walk.stride, walk.until);
    while (trainer.step < until) {
      await trainer.update(walk.batches.at(trainer.step));
      await trainer.model.gpu.throttle();
    }
    const losses = await trainer.losses(until - from.step);
    const reached = await snapshotOf(trainer);
    if (!losses.every(Number.isFinite) || !isFinite(reached)) return { from, until };
    from = reached;
  }
  return undefined;
}

/** Dispatch by dispatch through the update after `from`, or through its parts, whichever rank's they are. */
async function firstBadDispatch(trainer: Trainer, from: Snapshot, batches: BatchSource): Promise<Origin | undefined> {
  const { executable, training: { parts }, model: { gpu } } = trainer;
  for (let part = 0; part < (parts ?? 1); part++) {
    const batch = batches.at(from.step);
    restoreSnapshot(trainer, from);
    // Writes the inputs and the step uniforms, which stay.
    if (parts === null) trainer.update(batch);
    else trainer.computePart(batch, part);
    restoreSnapshot(trainer, from);
    clearScratch(trainer);
    for (const [position, operation] of executable.plan.operations.slice(0, executable.program.length).entries()) {
      const encoder = gpu.device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      executable.program.encode(pass, { start: position, end: position + 1 });
      pass.end();
      gpu.device.queue.submit([encoder.finish()]);
      for (const tensor of Object.values(operation.writes)) {
        const { buffer, offset } = executable.range(tensor);
        const bytes = await gpu.read(buffer, { offset, size: tensor.bytes });
        if (hasOnlyFinite(bytes, tensor.dtype)) continue;
        return { update: from.step + 1, kernel: kernelName(operation.kernel), tensor: String(tensor) };
      }
    }
  }
  return undefined;
}

/**
 * Zeros whatever a step computes for itself: the update that was run has left its NaNs there, also between the parts of a
 * tensor that are written one by one, and in gradients that are not yet computed again.
 */
function clearScratch({ executable, model: { gpu, parameters } }: Trainer): void {
  const encoder = gpu.device.createCommandEncoder();
  for (const tensor of executable.plan.operations.flatMap(({ writes }) => Object.values(writes))) {
    const { buffer, offset } = executable.range(tensor);
    if (tensor.storage.kind !== 'planned' && buffer !== parameters.gradients.buffer) continue;
    encoder.clearBuffer(buffer, offset, tensor.bytes);
  }
  gpu.device.queue.submit([encoder.finish()]);
}

function isFinite({ weights, m, v }: Snapshot): boolean {
  return [weights, m, v].every((flat) => [...flat.values()].every((values) => values.every(Number.isFinite)));
}

function hasOnlyFinite(bytes: ArrayBuffer, dtype: Tensor['dtype']): boolean {
  const halfExponent = 0x7c00; // all its bits are set in infinities and NaNs
  switch (dtype) {
    case 'f32': return new Float32Array(bytes).every(Number.isFinite);
    case 'f16': return new Uint16Array(bytes).every((bits) => (bits & halfExponent) !== halfExponent);
    case 'u32': return true;
  }
}
