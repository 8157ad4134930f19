import { windowCases } from '../../src/verify/cases/window.ts';
import { kernelSuite } from './kernelSuite.ts';

kernelSuite('window', windowCases).run();
