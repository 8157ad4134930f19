import { scaleCases } from '../../src/verify/cases/scale.ts';
import { kernelSuite } from './kernelSuite.ts';

kernelSuite('scale', scaleCases).run();
