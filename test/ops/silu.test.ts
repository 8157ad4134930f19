import { siluCases } from '../../src/verify/cases/silu.ts';
import { kernelSuite } from './kernelSuite.ts';

kernelSuite('silu', siluCases).run();
