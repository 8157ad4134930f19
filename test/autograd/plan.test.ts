/** The planner: no two tensors that are alive at the same time share memory, and what it predicts is what is used. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Executable } from '../../src/autograd/executable.ts';
import { Parameters } from '../../src/autograd/parameters.ts';
import type { Plan } from '../../src/autograd/plan.ts';
import { checkPlan, listPlan, planTape } from '../../src/autograd/plan.ts';
import { Tape } from '../../src/autograd/tape.ts';
import type { Storage, Tensor } from '../../src/autograd/tensor.ts';
import type { DiffWaveConfig } from '../../src/diffwave/model/config.ts';
import { network, parameterSpecs } from '../../src/diffwave/model/network.ts';
import { initialWeights } from '../../src/diffwave/model/weights.ts';
import { UserError } from '../../src/errors.ts';
import type { Gpu } from '../../src/gpu/device/gpu.ts';
import { loss } from '../../src/ops/loss.ts';
import { uniform } from '../../src/random.ts';
import { gpuForTests } from '../gpuForTests.ts';
import { classic } from '../diffwave/classic.ts';

const test = suite('planner');

const config: DiffWaveConfig = {
  ...classic.model, layers: 3, channels: 8, dilationCycle: 2, encodingWidth: 8, embeddingWidth: 12,
};
const [B, L] = [2, 37];

/** The network with loss and gradients, and what a test wants to know of it. */
function training(gpu: Gpu, parameters: Parameters) {
  const tape = new Tape({ parameters, variant: gpu.variant });
  const inputs = [tape.input('noisy', [B, L]), tape.input('t', [B]), tape.input('noise', [B, L])] as const;
  const [noisy, t, wanted] = inputs;
  const predicted = tape.keep(network(tape, config, { noisy, t }));
  const value = tape.keep(loss(tape, { predicted, wanted, kind: 'mse' }));
  tape.backward(value);
  return { tape, inputs, predicted, value };
}

/** Every pair of tensors in one buffer, of which one is used while the other still is; found by looking at all. */
function conflicts(tape: Tape, plan: Plan): string[] {
  const uses = new Map<Storage, number[]>();
  tape.operations.forEach(({ reads, writes }, position) => {
    for (const { storage } of [...Object.values(reads), ...Object.values(writes)]) {
      uses.set(storage, [...(uses.get(storage) ?? []), position]);
    }
  });
  const found: string[] = [];
  const placed = [...plan.place];
  placed.forEach(([a, place], i) => {
    if (a.size > plan.buffers[place]!) found.push(`${a.name} does not fit`);
    for (const [b, other] of placed.slice(i + 1)) {
      if (place !== other) continue;
      const [usesA, usesB] = [uses.get(a) ?? [], uses.get(b) ?? []];
      const isApart = Math.max(...usesA) < Math.min(...usesB) || Math.max(...usesB) < Math.min(...usesA);
      if (!isApart || a.kind !== 'planned' || b.kind !== 'planned') found.push(`${a.name} and ${b.name}`);
    }
  });
  for (const storage of uses.keys()) {
    if (storage.kind !== 'fixed' && !plan.place.has(storage)) found.push(`${storage.name} has no place`);
  }
  return found;
}

/** A tape whose operations read and write at random; nothing is computed. */
function randomTape(seed: number): Tape {
  let index = 0;
  const below = (n: number): number => Math.floor(uniform({ seed, stream: 0, step: 0, item: 0, index: index++ }) * n);
  const tape = new Tape();
  const kernel = { shader: 'none', entry: 'none' };
  const tensors: Tensor[] = [tape.input('input', [100])];
  for (let position = 0; position < 40; position++) {
    const reads = Array.from({ length: 1 + below(3) }, () => below(tensors.length));
    const writes: Tensor[] = Array.from({ length: 1 + below(2) }, () => tape.result(`r${position}`, [1 + below(5000)]));
    tape.record({
      kernel,
      reads: Object.fromEntries([...new Set(reads)].map((read, i) => [`x${i}`, tensors[read]!])),
      writes: Object.fromEntries(writes.map((tensor, i) => [`y${i}`, tensor])),
      workgroups: 1,
    });
    if (below(4) === 0) {
      const old = below(tensors.length);
      if (!reads.includes(old)) {
        tensors[old] = tape.updated(tensors[old]!);
        tape.record({ kernel, reads: {}, writes: { y: tensors[old] }, workgroups: 1 });
      }
    }
    if (below(8) === 0) tape.keep(writes[0]!);
    tensors.push(...writes);
  }
  return tape;
}

test('the search for conflicts finds one', () => {
  const tape = randomTape(0);
  const plan = planTape(tape);
  const place = new Map([...plan.place.keys()].map((storage) => [storage, 0])); // all in one buffer
  assert.ok(conflicts(tape, { ...plan, buffers: [1 << 20], place }).length > 0);
});

test('random tapes: nothing that is alive is overwritten, and memory is shared', () => {
  let [bytes, unshared] = [0, 0];
  for (let seed = 0; seed < 200; seed++) {
    const tape = randomTape(seed);
    const plan = planTape(tape);
    assert.equal(conflicts(tape, plan), [], `seed ${seed}`);
    bytes += plan.bytes;
    unshared += plan.unsharedBytes;
  }
  assert.ok(bytes < unshared, `${bytes} of ${unshared} bytes`);
});

test('the network with its gradients: no conflict, and less memory than without sharing', async () => {
  const gpu = await gpuForTests();
  const parameters = new Parameters(gpu, parameterSpecs(config));
  const { tape } = training(gpu, parameters);
  const plan = planTape(tape);
  assert.equal(conflicts(tape, plan), []);
  assert.ok(plan.bytes < plan.unsharedBytes, `${plan.bytes} of ${plan.unsharedBytes} bytes`);
  parameters.destroy();
});

test('the bytes that are predicted are those that are allocated', async () => {
  const gpu = await gpuForTests();
  const parameters = new Parameters(gpu, parameterSpecs(config));
  const { tape } = training(gpu, parameters);
  const plan = planTape(tape);
  void parameters.gradients;
  gpu.buffers.trim(); // so that none is left to be reused
  const before = gpu.buffers.liveBytes;
  const executable = await Executable.build(gpu, plan);
  assert.is(gpu.buffers.liveBytes - before, plan.bytes);
  executable.destroy();
  parameters.destroy();
});

test('sharing memory does not change a bit of any result', async () => {
  const gpu = await gpuForTests();
  const results: Float32Array[][] = [];
  for (const guardBytes of [0, 256]) {
    const parameters = new Parameters(gpu, parameterSpecs(config));
    const weights = initialWeights(config, 3);
    weights.get('output_projection.weight')!.fill(0.25); // 0 would keep every gradient but its own at 0
    parameters.write(parameters.values, weights);
    const { tape, inputs, predicted, value } = training(gpu, parameters);
    const executable = await Executable.build(gpu, planTape(tape, { guardBytes }));
    for (const input of inputs) {
      executable.write(input, Float32Array.from({ length: input.length }, (_, i) => Math.abs(Math.sin(i + 1))));
    }
    executable.run();
    const gradients = await parameters.read(parameters.gradients);
    results.push([await executable.read(predicted), await executable.read(value), ...gradients.values()]);
    executable.destroy();
    parameters.destroy();
  }
  const [shared, apart] = results;
  assert.ok(shared!.every((values) => values.some((number) => number !== 0)), 'every gradient has numbers in it');
  assert.equal(shared, apart);
});

test('a tensor that the adapter cannot bind is refused with both numbers', () => {
  const tape = new Tape();
  tape.input('small', [10]);
  tape.input('large', [3 * 2 ** 18]);
  const limits = { maxStorageBufferBindingSize: 2 ** 21 };
  const message =
    "the tensor 'large' needs 3.0 MiB, but this adapter binds at most 2.0 MiB at once: use a smaller batch";
  const refused = () => checkPlan(planTape(tape), limits, 'use a smaller batch');
  assert.throws(refused, (error: unknown) => error instanceof UserError && error.message === message);
  assert.not.throws(() => checkPlan(planTape(tape), { maxStorageBufferBindingSize: 3 * 2 ** 20 }, ''));
});

test('the listing has a line for each dispatch, with kernel, tensors and buffers', () => {
  const tape = randomTape(1);
  const lines = listPlan(planTape(tape)).split('\n');
  assert.is(lines.length, tape.operations.length);
  assert.match(lines[0]!, /^ {3}0 {2}none\.none: r0 \(\d+\) @\d+.* ← input \(100\) @0$/);
});

test.run();
