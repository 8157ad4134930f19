import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { activationShape, expectShape } from '../autograd/tensor.ts';
import { addStep } from './addStep.ts';
import { contract, contractWeights, fitsOneKernel, isFast, projectsInKernel, tilesOf } from './contraction.ts';
import { conv1d, fastGradients } from './conv1d.ts';
import { gate } from './gate.ts';
import type { Affine } from './packing.ts';
import { reduceTogether } from './reduce.ts';
import { residual } from './residual.ts';

/** What all layers are told at every sample, `of` (B, L, M), and a layer's convolution of it to [g | f]: (1, M, 2C), (2C). */
export interface Projected extends Affine {
  readonly of: Tensor;
}

/** One residual layer's operands. */
export interface ResidualLayer {
  readonly x: Tensor; // (B, L, C)
  readonly step: Tensor; // (B, C) projected step embedding
  readonly skip: Tensor | undefined; // (B, L, C) sum of the layers before, updated where it is
  readonly dilated: Affine; // (K, C, 2C), (2C)
  readonly projection: Affine; // (1, C, 2C), (2C)
  /** What the network is told, added to [g | f]: (B, 2C), or (B, L, 2C), which nobody else may read, or a projection. */
  readonly condition?: Tensor | Projected;
  readonly dilation: number;
  readonly name: string;
}

/**
 * A residual layer of DiffWave (Kong et al. 2021, fig. 2):
 *   h = σ(g)·tanh(f) with [g | f] = dilated(x + step) + condition;  [r | s] = projection(h);  output = (x + r)/√2;  skip += s
 * A condition that is a projection is part of the dilated convolution's kernel where that knows how, and else in memory for as long as
 * the layer needs it.
 * The naive variant is the chain of single operations; the others do it in two kernels forward, or one where a workgroup has
 * room for all channels of h, and four backward. A tape that keeps layer inputs alone computes h and the gate again for the
 * gradients: the dilated convolution once more.
 */
export function residualLayer(tape: Tape, layer: ResidualLayer): { output: Tensor; skip: Tensor } {
  return isFast(tape, layer.x.shape[2]!) ? fused(tape, layer) : composed(tape, layer);
}

const isProjected = (condition: ResidualLayer['condition']): condition is Projected => condition !== undefined && 'of' in condition;

function projectedOf(tape: Tape, { of, ...affine }: Projected, name: string): Tensor {
  return conv1d(tape, { x: of, ...affine, dilation: 1, name: `${name}.condition` });
}

function composed(tape: Tape, layer: ResidualLayer): { output: Tensor; skip: Tensor } {
  const { x, step, skip, dilated, projection, condition, dilation, name } = layer;
  const projected = tape.recomputable(() => {
    const convolved = conv1d(tape, { x: addStep(tape, x, step), ...dilated, dilation, name: `${name}.dilated_conv` });
    const told = condition ? addStep(tape, convolved, isProjected(condition) ? projectedOf(tape, condition, name) : condition) : convolved;
    return conv1d(tape, { x: gate(tape, told), ...projection, dilation: 1, name: `${name}.output_projection` });
  });
  return residual(tape, { x, projected, skip });
}

function fused(tape: Tape, layer: ResidualLayer): { output: Tensor; skip: Tensor } {
  const { x, step, dilated, projection, dilation, name } = layer;
  const { B, L, C } = activationShape(x, name);
  const projected = isProjected(layer.condition) ? layer.condition : undefined;
  const inKernel = projected && projectsInKernel(tape, projected) ? projected : undefined;
  const record = projected && !inKernel ? () => projectedOf(tape, projected, name) : undefined;
  const condition = isProjected(layer.condition) ? record?.() : layer.condition;
  if (inKernel) expectShape(inKernel.of, [B, L, inKernel.weight.shape[1]!], `${name} condition`);
  expectShape(step, [B, C], `${name} step`);
  expectShape(dilated.weight, [dilated.weight.shape[0]!, C, 2 * C], `${name} dilated weight`);
  expectShape(projection.weight, [1, C, 2 * C], `${name} projection weight`);
  const sizes = { B, L };
  const eachRow = condition?.shape.length === 3;
  if (condition) expectShape(condition, eachRow ? [B, L, 2 * C] : [B, 2 * C], `${name} condition`);
  const told = (by: Tensor | undefined) => ({ x, stepEmbedding: step, ...(by && { condition: by }) });
  const conditions = inKernel ? [inKernel.of, inKernel.weight, inKernel.bias] : condition ? [condition] : [];
  const from = [x, step, dilated.weight, dilated.bias, projection.weight, projection.bias, ...conditions];

  const stored = tape.precision === 'mixed' ? 'f16' : 'f32'; // what backward will read, and the next layer
  if (x.dtype !== stored) throw new TypeError(`${name}: wanted ${x} as ${stored}, got ${x.dtype}`);
  const newH = () => tape.result(`${name} h`, [B, L, C], [], stored);
  const newGate = () => tape.result(`${name} gate`, [B, L, 2 * C], [], stored); // σ(g) | tanh(f)
  const gated = ({ save, by = condition }: { save: boolean; by?: Tensor }): { h: Tensor; saved?: Tensor } => {
    const h = newH();
    const saved = save ? newGate() : undefined;
    contract(tape, { load: 'STEP', finish: 'GATE', save, condition: inKernel ? 'projected' : !!condition }, {
      ...sizes, affine: dilated, projected: inKernel, dilation, reads: told(by), writes: { ...(saved && { saved }), y: h },
    });
    return { h, saved };
  };
  const save = tape.keeps === 'activations';
  const first = !layer.skip;
  const whole = fitsOneKernel(tape, dilated.weight, { buffers: 6 + (save ? 2 : 0) + (condition ? 1 : 0) });
  const forward = whole ? (save ? { h: newH(), saved: newGate() } : undefined) : gated({ save });
  const output = tape.result(name, [B, L, C], from, stored);
  const skip = layer.skip ? tape.updated(layer.skip, from) : tape.result('skip', [B, L, C], from);
  if (whole) {
    contract(tape, { load: 'STEP', finish: 'LAYER', save, first, condition: !!condition }, {
      ...sizes, affine: dilated, projection, dilation, reads: told(condition), writes: { y: output, skip, ...forward },
    });
  } else {
    contract(tape, { finish: 'RESIDUAL', first }, {
      ...sizes, affine: projection, dilation: 1, reads: { x: forward!.h, residual: x }, writes: { y: output, skip },
    });
  }

  tape.onBackward([output, skip], () => {
    const dOutput = tape.gradient(output); // of the last layer nobody reads the output
    const dSkip = tape.gradient(skip);
    if (!dSkip) throw new Error(`${name}: the skip sum must reach the loss`);
    if (layer.skip) tape.passGradient(layer.skip, dSkip);
    const last = !dOutput;
    const incoming = { ...(dOutput && { dOutput }), dSkip };
    const { h, saved } = forward?.saved ? forward : gated({ save: true, by: record && tape.again(record) });

    // dr = doutput/√2, ds = dskip  ⇒  dprojection = hᵀ·[dr | ds],  dh = [dr | ds]·projectionᵀ
    contractWeights(tape, { ...sizes, affine: projection, dilation: 1, x: h, ...incoming });
    // h = σ(g)·tanh(f)  ⇒  dg = dh·tanh(f)·σ(g)·(1 − σ(g)),  df = dh·σ(g)·(1 − tanh²(f))
    // Matrices of f16 take it as f16 anyway. What every row was told has it as its gradient, which others work on.
    const half = tape.variant.matrix?.component === 'f16' && stored === 'f16' && !eachRow;
    const dGate = tape.result(`d ${name} gate`, [B, L, 2 * C], [], half ? 'f16' : 'f32');
    contract(tape, { load: 'PAIR', finish: 'GATE_GRADIENT', last }, {
      ...sizes, affine: projection, transposed: true, dilation: 1,
      reads: { ...incoming, saved: saved! }, writes: { y: dGate },
    });
    if (condition && eachRow) tape.passGradient(condition, dGate);
    if (inKernel) fastGradients(tape, { ...inKernel, x: inKernel.of, dilation: 1 }, { dOutput: dGate });
    contractWeights(tape, { ...sizes, affine: dilated, dilation, x, step, dOutput: dGate, perItem: eachRow ? undefined : condition });
    // dx = doutput/√2 + dilatedᵀ(dg, df),  dstep[b, :] = Σ_t dilatedᵀ(dg, df)
    const xSlot = tape.gradientSlot(x);
    if (xSlot?.accumulate) throw new Error(`${name}: ${x} must have no reader after this layer`);
    const tiles = tilesOf(tape, dilated.weight, { paired: false, transposed: true }, L);
    const partial = tape.result(`partial d ${step.name}`, [B * tiles, C]);
    contract(tape, { finish: 'STEP_GRADIENT', last }, {
      ...sizes, affine: dilated, transposed: true, dilation,
      reads: { x: dGate, ...(dOutput && { dOutput }) },
      writes: { y: xSlot?.tensor ?? tape.result(`d ${x.name}`, x.shape), partial },
    });
    const stepSlot = tape.gradientSlot(step);
    if (stepSlot) reduceTogether(tape, { of: [step], slot: stepSlot }, partial, { segments: B, parts: tiles, stride: C, offset: 0, width: C });
  });
  return { output, skip };
}
