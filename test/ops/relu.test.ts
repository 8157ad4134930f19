import { reluCases } from '../../src/verify/relu.ts';
import { kernelSuite } from './kernelSuite.ts';

kernelSuite('relu', reluCases).run();
