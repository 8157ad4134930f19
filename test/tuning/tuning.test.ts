/** Tuning: which sizes fit, that all candidates compute the same, what is chosen, and where it is kept. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { VariantSettings } from '../../src/gpu/device/variant.ts';
import { defaultTile, variantNamed } from '../../src/gpu/device/variant.ts';
import { contract, tilesOf } from '../../src/ops/contraction.ts';
import { conv1dBackward } from '../../src/reference/conv1d.ts';
import type { KernelCase } from '../../src/verify/case.ts';
import { sums } from '../../src/verify/case.ts';
import { Tape } from '../../src/autograd/tape.ts';
import type { Trial } from '../../src/tuning/tuning.ts';
import { geometries, mostCandidates, refinements, tileProblem } from '../../src/tuning/candidates.ts';
import { adapterKey, tuningKey } from '../../src/tuning/entries.ts';
import { fastest, fault, gainOf, partsToTime, rowsFor, tune, tuningRows } from '../../src/tuning/tuning.ts';
import { findTuned, keepTuned, tunedFor, versionsInKeys } from '../../src/tuning/tuning.node.ts';
import { pageTuningStore } from '../../src/tuning/tuning.web.ts';
import { temporaryFolder } from '../audio/helpers.ts';
import { gpuForTests, ownGpu } from '../gpuForTests.ts';
import { shortage } from '../shortage.ts';

const test = suite('tuning');

const lanes = 16;
/** What WebGPU guarantees, and 32 KiB, which every GPU of the last ten years has. */
const limits = {
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupStorageSize: 32768,
};

test('sizes that the kernels\' loops or the adapter cannot have', () => {
  const fit = (tile: Partial<typeof defaultTile>, own = {}): string => tileProblem({ ...defaultTile, ...tile }, lanes, { ...limits, ...own }) ?? 'fits';
  for (const tile of geometries) for (const refine of [(same: typeof tile) => same, ...refinements.flat()]) assert.is(fit(refine(tile)), 'fits');
  assert.is(fit({ rows: 60 }), '8 rows per invocation do not divide 60');
  assert.is(fit({ rows: 62, deep: 2 }), '496 invocations cannot share out the inputs of 62 rows');
  assert.is(fit({ rows: 48 }), '96 invocations cannot share out 256 weights');
  assert.is(fit({ rows: 128, deep: 4 }), '512 invocations cannot share out 256 weights');
  assert.is(fit({}, { maxComputeInvocationsPerWorkgroup: 64 }), '128 invocations, the adapter has 64');
  assert.is(fit({}, { maxComputeWorkgroupSizeX: 64 }), '128 invocations, the adapter has 64');
  assert.is(fit({ rows: 128 }, { maxComputeWorkgroupStorageSize: 16384 }), '18432 bytes of workgroup memory, the adapter has 16384');
  assert.is(fit({}, { maxComputeWorkgroupStorageSize: 16384 }), 'fits'); // the default has to, everywhere
  for (const wrong of [0, 1.5, NaN, undefined as unknown as number]) {
    assert.is(fit({ gradientGroups: wrong }), 'sizes must be whole numbers above 0');
  }
});

/** As many channels as are staged at once; one tap, as every further one takes seconds to compile. */
const shape = { B: 2, L: 150, Cin: 4, Cout: 16, K: 1, D: 1, bias: null };

/**
 * The gradient in the input of a convolution, and its sums over the rows of every tile: one kernel that goes through
 * all that the sizes decide, where a layer would have ten to compile.
 */
function contractionCase(variant: VariantSettings): KernelCase {
  const { B, L, Cin, Cout, K } = shape;
  const tape = new Tape({ variant });
  const tilesFor = (samples: number): number => tilesOf(tape, tape.input('weight', [K, Cin, Cout]), { paired: false, transposed: true }, samples);
  const tiles = tilesFor(L);
  let rows = 1; // of a tile, which few channels make longer
  while (tilesFor(rows + 1) === 1) rows++;
  const tileSums = (dx: Float64Array): Float64Array => {
    const partial = new Float64Array(B * tiles * Cin);
    dx.forEach((value, i) => {
      const [b, t, c] = [Math.floor(i / (L * Cin)), Math.floor(i / Cin) % L, i % Cin];
      partial[(b * tiles + Math.floor(t / rows)) * Cin + c]! += value;
    });
    return partial;
  };
  return {
    stem: 'contraction',
    name: `${rows} rows`,
    inputs: { x: { shape: [B, L, Cout] }, weight: { shape: [K, Cin, Cout] }, bias: { shape: [Cout] } },
    record(tape, { x, weight, bias }) {
      const y = tape.result('y', [B, L, Cin]);
      const partial = tape.result('partial', [B * tiles, Cin]);
      contract(tape, { finish: 'STEP_GRADIENT', last: true }, {
        affine: { weight: weight!, bias: bias! }, transposed: true, B, L, dilation: shape.D, reads: { x: x! }, writes: { y, partial },
      });
      return { y, partial };
    },
    expected: (given) => sums(
      given,
      ({ x, weight }) => {
        const { dInput } = conv1dBackward({ ...shape, input: new Float64Array(B * L * Cin), weight: weight!, dOutput: x! });
        return { y: dInput, partial: tileSums(dInput) };
      },
      { y: K * Cout, partial: K * Cout + rows },
    ),
  };
}

async function faultOf(sizes: Partial<typeof defaultTile>): Promise<string | undefined> {
  const gpu = await gpuForTests();
  const settings = variantNamed('tile', gpu.device, gpu.info)!;
  const chosen = { ...settings, tile: { ...settings.tile, ...sizes } };
  return fault(gpu, contractionCase(chosen), chosen);
}

for (const { rows, deep } of geometries) {
  test(`${rows} rows × ${deep} deep compute what the reference does`, async () => {
    assert.is(await faultOf({ rows, deep }), undefined);
  });
}

test('sizes that do not fit compute something wrong, and are refused', async () => {
  assert.match((await faultOf({ rows: 24, deep: 8 }))!, /^wrong: y is off by \S+, allowed \S+e-7$/);
});

test('what does not compile is refused, too', async () => {
  assert.match((await faultOf({ rows: 64, deep: 0 }))!, /^WGSL does not compile: shaders\/conv1d\.tile\.wgsl:\d+:\d+: /);
});

test('the fastest is chosen, of equals the first; what was refused never is', () => {
  const trial = (rows: number, seconds?: number): Trial => ({ tile: { ...defaultTile, rows }, seconds });
  const trials = [trial(64, 3), trial(128, 2), trial(256), trial(32, 2)];
  assert.is(fastest(trials), trials[1]);
  assert.is(gainOf({ trials, best: trials[1] }), 0.5);
  assert.is(fastest([trial(64), trial(128)]), undefined);
  assert.is(gainOf({ trials: [trial(64), trial(128, 1)], best: trial(128, 1) }), undefined);
});

test('a tuning without time tries the default only, and that is timed', async () => {
  // Channels and taps of a case of residualLayer.test.ts: the same kernels, so none is compiled twice.
  const { trials, best, seconds } = await tune(await gpuForTests(), { channels: 36, kernelSize: 3 }, { budget: 0, rows: 64 });
  assert.is(trials.length, mostCandidates);
  assert.ok(mostCandidates <= 12);
  assert.is(best, trials[0]);
  assert.equal(best!.tile, defaultTile);
  assert.ok(best!.seconds! > 0 && best!.seconds! < seconds);
  for (const trial of trials.slice(1)) assert.is(trial.refused, 'not tried: out of time');
  const sizes = trials.map(({ tile }) => JSON.stringify(tile));
  assert.is(new Set(sizes).size, mostCandidates);
});

test('a tuning without patience ends after the default, however much there is to measure', async () => {
  const { trials } = await tune(await gpuForTests(), { channels: 36, kernelSize: 3 }, { rows: 64, budget: 1000, patience: 0 });
  assert.is(trials.filter(({ refused }) => refused !== 'not tried: out of time').length, 1);
});

test('rows fill a large GPU, and are fewer where a dispatch or the memory would be too much', () => {
  const roomy = { maxStorageBufferBindingSize: 2 ** 31 };
  assert.ok(tuningRows >= 131_072);
  assert.is(rowsFor({ channels: 64, kernelSize: 3 }, roomy), tuningRows);
  assert.is(rowsFor({ channels: 32, kernelSize: 3 }, roomy), tuningRows);
  const wide = rowsFor({ channels: 256, kernelSize: 3 }, roomy);
  assert.ok(wide * 2 * 3 * 256 * 512 <= 16e9 && wide > 10_000, String(wide));
  const narrow = rowsFor({ channels: 64, kernelSize: 3 }, { maxStorageBufferBindingSize: 2 ** 24 });
  assert.ok(narrow * 128 * 4 <= 2 ** 24 && narrow % 256 === 0, String(narrow));
  assert.is(rowsFor({ channels: 4096, kernelSize: 9 }, roomy), 4096);
});

test('all dispatches are timed but those that pack weights', () => {
  const named = (...shaders: string[]) => shaders.map((shader) => ({ kernel: { shader, entry: 'forward' } }));
  assert.equal(partsToTime(named('packWeights', 'a', 'b', 'packWeights', 'packWeights', 'c')), [{ start: 1, end: 3 }, { start: 5, end: 6 }]);
  assert.equal(partsToTime(named('a')), [{ start: 0, end: 1 }]);
});

test('where there is no memory for the rows, a quarter of them is timed', async () => {
  const gpu = await ownGpu();
  const rows = 4 * 4096;
  const limited = shortage(gpu.device, ({ size }) => size >= rows * 4 * 4); // of x at four channels, and what is larger
  try {
    const { best, rows: timed } = await tune(gpu, { channels: 4, kernelSize: 1 }, { budget: 0, rows });
    assert.is(timed, 4096);
    assert.equal(best?.tile, defaultTile);
  } finally {
    limited.end();
    gpu.close();
  }
});

const info = { vendor: 'maker', architecture: 'core-2', device: 'Card 3', description: 'driver 4.5' };
const adapter = { info, variant: { lanes }, device: { limits } };
const network = { channels: 64, kernelSize: 3 };
const versions = ['diffwave-webgpu 1.0.0', 'webgpu 2.0.0'];
const tile = { rows: 128, deep: 8, gradientGroups: 384, prefetch: true };
const tuning = { trials: [{ tile: defaultTile, seconds: 3 }], best: { tile, seconds: 2 } };

test('the key has adapter, driver, versions and shape', () => {
  const key = (own: Partial<typeof info> = {}, wanted = network, installed = versions): string =>
    tuningKey({ info: { ...info, ...own } }, wanted, installed);
  const keys = [
    key(),
    ...Object.keys(info).map((field) => key({ [field]: 'another' })),
    ...versions.map((each, i) => key({}, network, versions.with(i, `${each}9`))),
    ...Object.keys(network).map((size) => key({}, { ...network, [size]: 5 })),
  ];
  assert.is(new Set(keys).size, 1 + 4 + 2 + 2);
  assert.is(key(), 'maker | core-2 | Card 3 | driver 4.5 | diffwave-webgpu 1.0.0 | webgpu 2.0.0 | C=64 K=3 rows=2^17');
});

const newFile = (): string => join(temporaryFolder(), 'cache', 'tuning.json');

test('a choice is kept for its adapter and network, beside others', () => {
  const path = newFile();
  assert.is(findTuned(adapter, network, path), undefined);
  keepTuned(adapter, network, tuning, path);
  keepTuned(adapter, { ...network, channels: 32 }, { ...tuning, best: tuning.trials[0] }, path);
  keepTuned({ info: { ...info, device: 'Card 4' } }, network, tuning, path);
  const { date, ...entry } = findTuned(adapter, network, path)!;
  assert.equal(entry, { ...network, tile, gain: 0.5 });
  assert.ok(Math.abs(Date.parse(date) - Date.now()) < 3.6e6);
  assert.equal(tunedFor(adapter, path).map(({ channels }) => channels), [64, 32]);
  assert.equal(tunedFor({ ...adapter, info: { ...info, device: 'Card' } }, path), []);
  assert.equal(readdirSync(dirname(path)), ['tuning.json']);
});

test('a file that cannot be read is as good as none, and is written anew', () => {
  const path = newFile();
  mkdirSync(dirname(path));
  for (const broken of ['', '{"a": ', '[]', 'null', '3']) {
    writeFileSync(path, broken);
    assert.is(findTuned(adapter, network, path), undefined);
    keepTuned(adapter, network, tuning, path);
    assert.equal(findTuned(adapter, network, path)?.tile, tile);
  }
});

test('an entry that is none, or that this adapter cannot have, counts for nothing', () => {
  const path = newFile();
  mkdirSync(dirname(path));
  const key = tuningKey(adapter, network, versionsInKeys());
  for (const wrong of [null, 3, {}, { tile: null, gain: 1 }, { tile, gain: 'much' }, { tile: { rows: 128 }, gain: 1 }]) {
    writeFileSync(path, JSON.stringify({ [key]: wrong, [`${adapterKey(adapter, versionsInKeys())} | other`]: wrong }));
    assert.is(findTuned(adapter, network, path), undefined, JSON.stringify(wrong));
    assert.equal(tunedFor(adapter, path), []);
  }
  keepTuned(adapter, network, tuning, path);
  const small = { ...adapter, device: { limits: { ...limits, maxComputeWorkgroupStorageSize: 16384 } } };
  assert.is(findTuned(small, network, path), undefined);
});

test('a page keeps its choices in its storage, until the kernels are others', () => {
  const values = new Map<string, string>();
  const storage = { getItem: (key: string) => values.get(key) ?? null, setItem: (key: string, value: string) => void values.set(key, value) };
  const store = (text: string) => pageTuningStore({ 'conv1d.tile': text, scale: 'any' }, storage)!;
  const whole = { ...tuning, seconds: 1, rows: 64 };
  assert.is(store('one').find(adapter, network), undefined);
  store('one').keep(adapter, network, whole);
  assert.equal((store('one').find(adapter, network) as { tile: object }).tile, tile);
  assert.is(store('another').find(adapter, network), undefined);
  assert.is(store('one').find(adapter, { ...network, channels: 32 }), undefined);
  for (const key of values.keys()) values.set(key, '{"damaged');
  assert.is(store('one').find(adapter, network), undefined);
  assert.is(pageTuningStore({}, undefined), undefined, 'Node has no localStorage');
});

test('a tuning without a winner is not kept', () => {
  const path = newFile();
  assert.throws(() => keepTuned(adapter, network, { trials: [], best: undefined }, path), /without a winner/);
  assert.not.ok(existsSync(path));
});

test.run();
