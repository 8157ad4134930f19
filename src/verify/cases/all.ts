/** Every case there is, by operation. */
import { adamCases } from './adam.ts';
import { addStepCases } from './addStep.ts';
import type { KernelCase } from '../case.ts';
import { conv1dCases } from './conv1d.ts';
import { diffuseCases } from './diffuse.ts';
import { encodeCases } from './encode.ts';
import { firCases } from './fir.ts';
import { gateCases } from './gate.ts';
import { guideCases } from './guide.ts';
import { keepFigureCases } from './keepFigure.ts';
import { linearCases } from './linear.ts';
import { lossCases } from './loss.ts';
import { mixedCases } from './mixed.ts';
import { noiseCases } from './noise.ts';
import { normCases } from './norm.ts';
import { packWeightsCases } from './packWeights.ts';
import { reduceCases } from './reduce.ts';
import { reluCases } from './relu.ts';
import { renoiseCases } from './renoise.ts';
import { residualCases } from './residual.ts';
import { residualLayerCases } from './residualLayer.ts';
import { reverseCases } from './reverse.ts';
import { scaleCases } from './scale.ts';
import { siluCases } from './silu.ts';
import { stepProjectionsCases } from './stepProjections.ts';
import { timelineCases } from './timeline.ts';
import { upsampleCases } from './upsample.ts';
import { windowCases } from './window.ts';

export const allCases: readonly KernelCase[] = [
  ...encodeCases,
  ...linearCases,
  ...siluCases,
  ...stepProjectionsCases,
  ...conv1dCases,
  ...packWeightsCases,
  ...reluCases,
  ...addStepCases,
  ...gateCases,
  ...residualCases,
  ...residualLayerCases,
  ...mixedCases,
  ...upsampleCases,
  ...scaleCases,
  ...lossCases,
  ...reduceCases,
  ...normCases,
  ...keepFigureCases,
  ...adamCases,
  ...noiseCases,
  ...diffuseCases,
  ...renoiseCases,
  ...reverseCases,
  ...guideCases,
  ...timelineCases,
  ...windowCases,
  ...firCases,
];
