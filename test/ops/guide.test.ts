import { guideCases } from '../../src/verify/cases/guide.ts';
import { kernelSuite } from './kernelSuite.ts';

kernelSuite('guide', guideCases).run();
