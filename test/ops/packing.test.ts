import { packWeightsCases } from '../../src/verify/cases/packWeights.ts';
import { kernelSuite } from './kernelSuite.ts';

kernelSuite('packing', packWeightsCases).run();
