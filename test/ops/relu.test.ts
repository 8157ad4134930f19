import { reluCases } from '../../src/verify/cases/relu.ts';
import { kernelSuite } from './kernelSuite.ts';

kernelSuite('relu', reluCases).run();
