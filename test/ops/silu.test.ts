import { siluCases } from '../../src/verify/silu.ts';
import { kernelSuite } from './kernelSuite.ts';

kernelSuite('silu', siluCases).run();
