/** Every kernel is held by a case: every entry point of every file, and every form in which the presets use one. */
import { readFileSync, readdirSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Parameters } from '../../src/autograd/parameters.ts';
import { diffWaveNetwork } from '../../src/diffwave/model/network.ts';
import type { Network, Told } from '../../src/diffwave/model/contract.ts';
import type { Preset } from '../../src/diffwave/presets.ts';
import { PRESETS } from '../../src/diffwave/presets.ts';
import { haloOf } from '../../src/diffwave/sampling/tiles.ts';
import { recordTile } from '../../src/diffwave/sampling/tileProgram.ts';
import { recordStep } from '../../src/diffwave/training/step.ts';
import { allCases } from '../../src/verify/cases/all.ts';
import { allVariants, entriesOf, formOf, formsOfCases } from '../../src/verify/coverage.ts';
import { placesOnly } from '../../src/verify/prepared.ts';

const test = suite('coverage');

const covered = formsOfCases(allCases);

test('every @compute entry of every shader is reached by a case', () => {
  const folder = new URL('../../shaders/', import.meta.url);
  const entries = readdirSync(folder).flatMap((file) =>
    entriesOf(file.replace('.wgsl', ''), readFileSync(new URL(file, folder), 'utf8')));
  const reached = new Set([...covered].map((form) => form.split(' ')[0]!));
  assert.ok(entries.includes('reduce.tree') && entries.includes('stepProjections.inputGradient') && entries.length > 40);
  assert.equal(entries.filter((entry) => !reached.has(entry)), []);
});

/** Kernels of a preset's training step and of its reverse step, in every way that they can be recorded. */
function formsOf({ model, training }: Preset): Set<string> {
  const network = diffWaveNetwork(model);
  const parameters = placesOnly(network.specs) as Parameters;
  const forms = new Set<string>();
  const flat = parameters.values;
  const flats = { m: flat, v: flat, average: flat };
  const rings = { losses: flat.buffer, norms: flat.buffer };
  for (const variant of allVariants) {
    for (const precision of variant.variant === 'naive' ? ['float32'] as const : ['float32', 'mixed'] as const) {
      for (const recompute of [false, true]) {
        for (const own of [{}, { minSnr: 5, clipNorm: 1 }]) {
          const { tape } = recordStep({
            network, prediction: model.prediction, loss: model.loss, parameters, variant, flats, rings,
            L: training.cropSamples ?? 36_750, training: { ...training, ...own, precision },
            memory: { microBatches: 2, recompute },
          });
          for (const operation of tape.operations) forms.add(formOf(operation));
        }
      }
    }
    for (const [width, history] of [[4096, false], [4097, true]] as const) {
      const halo = haloOf(network);
      const alignment = network.conditioning?.alignment ?? 1;
      const L = Math.ceil((width + 5) / alignment) * alignment;
      const windows = [{ start: 0, coreStart: 0, coreEnd: width - halo }, { start: 5, coreStart: 5 + halo, coreEnd: 5 + width }];
      const { plan } = recordTile(
        { parameters, network, gpu: { variant } }, { B: 1, L, firstItem: 0, history, told: toldOf(network, L) }, { width, halo, windows });
      for (const operation of plan.operations) forms.add(formOf(operation));
    }
  }
  return forms;
}

/** Something that the network can be told, with guidance where it knows that. */
function toldOf({ conditioning }: Network, L: number): Told | undefined {
  if (!conditioning) return undefined;
  const numbers = new Float32Array(conditioning.shape(L).reduce((product, size) => product * size, 1));
  return conditioning.nothing ? { numbers: new Float32Array(2 * numbers.length), places: [0, 7], guidance: 2 } : { numbers };
}

const labels = { conditioner: 'labels', labels: ['a', 'b'], labelWidth: 128 } as const;
const withLabels = Object.fromEntries((['tiny', 'gtzan'] as const).map((name) =>
  [`${name} with labels`, { ...PRESETS[name], model: { ...PRESETS[name].model, ...labels } }]));

for (const [name, preset] of Object.entries({ ...PRESETS, ...withLabels })) {
  test(`${name}: what a training step and a reverse step run is held by cases in the same form`, () => {
    const used = formsOf(preset);
    assert.ok(used.size > 40);
    assert.equal([...used].filter((form) => !covered.has(form)).sort(), []);
  });
}

test('a kernel that no case reaches is found', () => {
  const without = formsOfCases(allCases.filter(({ stem }) => stem !== 'reduce'));
  assert.ok([...covered].some((form) => form.startsWith('reduce.tree') && !without.has(form)));
});

test.run();
