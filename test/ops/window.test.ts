import { windowCases } from '../../src/verify/window.ts';
import { kernelSuite } from './kernelSuite.ts';

kernelSuite('window', windowCases).run();
