import { timelineCases } from '../../src/verify/cases/timeline.ts';
import { kernelSuite } from './kernelSuite.ts';

kernelSuite('timeline', timelineCases).run();
