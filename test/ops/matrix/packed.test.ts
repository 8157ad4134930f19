/** Weights that are packed as f16: what staging would make of them, so that it does not matter for any result when they are rounded. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Executable } from '../../../src/autograd/executable.ts';
import { Parameters } from '../../../src/autograd/parameters.ts';
import { planTape } from '../../../src/autograd/plan.ts';
import { Tape } from '../../../src/autograd/tape.ts';
import type { Packed } from '../../../src/ops/packing.ts';
import { packWeights, prepareWeights } from '../../../src/ops/packing.ts';
import { roundToHalf } from '../../../src/reference/half.ts';
import { gpuForTests } from '../../gpuForTests.ts';
import { matrixVariant, settingsFor, shapes } from './emulated.ts';

const test = suite('weights packed as f16');

const [K, Cin, Cout] = [3, 20, 136];

/** The number that 16 bits are. */
function ofHalf(bits: number): number {
  const [sign, exponent, rest] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return rest ? NaN : sign * Infinity;
  return sign * (exponent === 0 ? rest * 2 ** -24 : (1024 + rest) * 2 ** (exponent - 25));
}

/** Numbers of every size, those that are delicate in front: beyond f16, between two of it, too small for it. */
function numbers(count: number, factor: number): Float32Array<ArrayBuffer> {
  const edges = [1e6, -1e30, Infinity, 65504, 65519, NaN, 2049, 2051, 2 ** -24, -(2 ** -25), 1e-9, -0];
  return Float32Array.from({ length: count }, (_, i) => edges[i] ?? factor * Math.sin(i * 12.9898) * 2 ** ((i % 23) - 14));
}

/** Words of packed weights and where their slices are, with matrices of f16 or f32; `many` packs as a network does. */
async function packedWith(component: 'f16' | 'f32', { paired, many }: { paired: boolean; many: boolean }): Promise<{ words: Uint32Array; forms: Packed[] }> {
  const gpu = await gpuForTests();
  const specs = [{ name: 'weight', shape: [K, Cin, Cout] }, { name: 'bias', shape: [Cout] }];
  using parameters = new Parameters(gpu, specs);
  parameters.write(parameters.values, new Map([['weight', numbers(K * Cin * Cout, 1)], ['bias', numbers(Cout, 3)]]));
  const tape = new Tape({ variant: matrixVariant(settingsFor(shapes[component])), parameters });
  const affine = { weight: tape.parameter('weight'), bias: tape.parameter('bias'), factor: 0.75 };
  const ofNetwork = (): Packed[] => {
    const { forward, transposed } = prepareWeights(tape, [{ ...affine, paired }], { gradients: true })[0]!.prepared!;
    return [forward, transposed!];
  };
  const forms = many ? ofNetwork() : [packWeights(tape, affine, { paired, transposed: false })];
  const tensor = tape.keep(forms[0]!.tensor);
  using executable = await Executable.build(gpu, planTape(tape));
  executable.run();
  return { words: new Uint32Array((await executable.read(tensor)).buffer), forms };
}

for (const [paired, many] of [[false, false], [true, false], [false, true], [true, true]] as const) {
  test(`${many ? 'all of a network' : 'one'}${paired ? ', in pairs' : ''}: every weight is rounded once, the bias is not`, async () => {
    const wanted = await packedWith('f32', { paired, many });
    const got = await packedWith('f16', { paired, many });
    assert.is(got.forms.length, wanted.forms.length);
    got.forms.forEach((form, number) => {
      const other = wanted.forms[number]!;
      assert.equal([form.words, other.words, form.slices], [2, 4, other.slices]);
      const { taps, inputs, lanes, wide, slices } = form;
      const [weights, biases] = [taps * inputs * lanes * wide * 4, lanes * wide * 4];
      for (let slice = 0; slice < slices; slice++) {
        const halves = new Uint16Array(got.words.buffer, (form.start + slice * form.stride * 2) * 4, weights);
        const floats = new Float32Array(wanted.words.buffer, (other.start + slice * other.stride * 4) * 4, weights);
        const wrong = floats.findIndex((value, i) => ofHalf(halves[i]!) !== roundToHalf(value) && !(Number.isNaN(value) && Number.isNaN(ofHalf(halves[i]!))));
        assert.is(wrong, -1, `slice ${slice}: ${floats[wrong]} became ${ofHalf(halves[wrong] ?? 0)}`);
        const bias = got.words.subarray(form.start + slice * form.stride * 2 + weights / 2).subarray(0, biases);
        assert.equal(bias, wanted.words.subarray(other.start + slice * other.stride * 4 + weights).subarray(0, biases));
      }
    });
  });
}

test.run();
