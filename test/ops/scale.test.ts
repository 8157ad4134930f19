import { scaleCases } from '../../src/verify/scale.ts';
import { kernelSuite } from './kernelSuite.ts';

kernelSuite('scale', scaleCases).run();
