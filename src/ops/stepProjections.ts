import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { elementsOf, expectShape } from '../autograd/tensor.ts';
import { alignUp, bindingAlignment } from '../gpu/device/buffers.ts';
import { hasManyThreads } from '../gpu/device/variant.ts';
import { lanesFor, treeColumns, workgroupsFor } from './lanes.ts';

/**
 * The linear layers of all residual layers on the step embedding e (B, H): one tensor (B, C) per layer,
 * e·weight_l + bias_l, in one dispatch instead of one each. weight_l (H, C) and bias_l (C) are parameters of the tape
 * that lie at equal distances, as those of equal layers do.
 */
export function stepProjections(
  tape: Tape, e: Tensor, layers: readonly { readonly weight: Tensor; readonly bias: Tensor }[],
): Tensor[] {
  const [B, H] = e.shape as [number, number];
  const C = layers[0]!.weight.shape[1]!;
  for (const { weight, bias } of layers) {
    expectShape(weight, [H, C], 'stepProjections weight');
    expectShape(bias, [C], 'stepProjections bias');
  }
  const { Lane, width } = lanesFor(C);
  const place = alignUp(B * C, bindingAlignment / 4);
  const params = {
    layers: layers.length, rows: B, inputs: H, outputs: C, width: C / width, lane: width, place,
    ...placesOf(tape, layers),
  };
  const tree = hasManyThreads(tape.variant);
  const parameters = tape.allParameters();
  const all = tape.result('step projections', [layers.length, place], [e, ...layers.map(({ weight }) => weight)]);
  tape.record({
    kernel: { shader: 'stepProjections', entry: tree ? 'forwardTree' : 'forward', constants: { Lane } },
    reads: { x: e, parameters },
    writes: { y: all },
    params,
    workgroups: tree ? layers.length * B * Math.ceil(C / width / treeColumns) : workgroupsFor((layers.length * B * C) / width),
  });
  const steps = layers.map((_, layer) => tape.part(all, layer * place, [B, C]));

  // y_l = e·w_l + bias_l  ⇒  dw_l = eᵀ·dy_l,  dbias_l = Σ_b dy_l,  de = Σ_l dy_l·w_lᵀ
  const dAll = tape.result('d step projections', all.shape);
  steps.forEach((step, layer) => tape.placeGradient(step, tape.part(dAll, layer * place, [B, C])));
  tape.onBackward(steps, () => {
    if (steps.some((step) => !tape.gradient(step))) throw new Error('stepProjections: every projection must reach the loss');
    const slots = layers.flatMap(({ weight, bias }) => [tape.gradientSlot(weight), tape.gradientSlot(bias)]);
    const accumulate = slots[0]?.accumulate ?? false;
    if (slots.some((slot) => slot?.accumulate !== accumulate)) throw new Error('stepProjections: its parameters must have the same readers');
    tape.record({
      kernel: { shader: 'stepProjections', entry: 'weightGradient', constants: { Lane }, overrides: { ACCUMULATE: accumulate } },
      reads: { x: e, dOutput: dAll },
      writes: { gradients: tape.allGradients() },
      params,
      workgroups: workgroupsFor((layers.length * (H + 1) * C) / width),
    });
    const slot = tape.gradientSlot(e);
    if (!slot) return;
    tape.record({
      kernel: {
        shader: 'stepProjections',
        entry: tree ? 'inputGradientTree' : 'inputGradient',
        constants: { Lane },
        overrides: { ACCUMULATE: slot.accumulate },
      },
      reads: { dOutputScalars: dAll, parameterScalars: parameters },
      writes: { dInput: slot.tensor },
      params,
      workgroups: tree ? elementsOf(e.shape) : workgroupsFor(elementsOf(e.shape)),
    });
  });
  return steps;
}

/** Where the first layer's parameters are among all of them, and how far the next layer's are from those. */
function placesOf(
  tape: Tape, layers: readonly { readonly weight: Tensor; readonly bias: Tensor }[],
): { weightAt: number; biasAt: number; stride: number } {
  const places = layers.map(({ weight, bias }) => [tape.parameterOffset(weight), tape.parameterOffset(bias)] as const);
  const [weightAt, biasAt] = places[0]!;
  const stride = (places[1]?.[0] ?? weightAt) - weightAt;
  places.forEach(([weight, bias], layer) => {
    if (weight !== weightAt + layer * stride || bias !== biasAt + layer * stride) {
      throw new Error('stepProjections: the parameters of the layers do not lie at equal distances');
    }
  });
  return { weightAt, biasAt, stride };
}
