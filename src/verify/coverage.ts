/**
 * Which kernels there are, and which of them the cases reach: by what is recorded, without a GPU. A kernel is told from another by
 * its form: file, entry, and all that it is made from but sizes, of which a handful of cases has many.
 */
import type { Operation } from '../autograd/operation.ts';
import type { VariantSettings } from '../gpu/device/variant.ts';
import type { MatrixSettings } from '../gpu/device/matrix.ts';
import { chooseMatrix, matrixLanes } from '../gpu/device/matrix.ts';
import { defaultTile } from '../gpu/device/variant.ts';
import type { KernelCase } from './case.ts';
import { recordCase } from './prepared.ts';
import { withSecondReaders } from './run.ts';

/** Constants and overrides that are sizes: they say how often a loop runs, not what it does. */
const sizes = new Set([
  'ROWS', 'DEEP', 'LANES', 'TOLD', 'SOURCES', 'TAPS', 'INPUTS', 'OUTPUTS', 'CHANNELS', 'LOADS', 'WIDE', 'STORED', 'GROUPS', 'TOTAL',
  'M', 'N', 'K', 'SUBGROUP', 'SUBGROUP_ROWS', 'CHUNK', 'PAD', 'SLAB', 'DEPTH', 'DOWN', 'ACROSS', 'INPUT_LOADS', 'WEIGHT_LOADS', 'OUTPUT_LOADS',
]);

/** Matrices of half precision as NVIDIA's GPUs have them, and of single precision as Apple's. */
const matrices = (['f16', 'f32'] as const).map((componentType) => {
  const size = componentType === 'f16' ? 16 : 8;
  return chooseMatrix({
    features: { has: () => true },
    limits: { maxComputeWorkgroupStorageSize: 32768, maxComputeInvocationsPerWorkgroup: 256 },
    info: {
      subgroupMinSize: 32, subgroupMaxSize: 32,
      subgroupMatrixConfigs: [{ componentType, resultComponentType: 'f32', M: size, N: size, K: size }],
    },
  }) as MatrixSettings;
});

/** The variants as adapters have them: what GPUs run, what lavapipe runs, and what every adapter can. */
export const allVariants: readonly VariantSettings[] = [
  { variant: 'naive', lanes: 0, maxUniformBytes: 65536, maxStorageBytes: 2 ** 27, maxWorkgroupBytes: 2 ** 15, tile: defaultTile },
  { variant: 'tile', lanes: 16, maxUniformBytes: 65536, maxStorageBytes: 2 ** 27, maxWorkgroupBytes: 2 ** 15, tile: defaultTile },
  { variant: 'broadcast', lanes: 8, maxUniformBytes: 65536, maxStorageBytes: 2 ** 27, maxWorkgroupBytes: 2 ** 15, tile: defaultTile },
  ...matrices.map((matrix): VariantSettings =>
    ({ variant: 'matrix', lanes: matrixLanes, maxUniformBytes: 65536, maxStorageBytes: 2 ** 27, maxWorkgroupBytes: 2 ** 15, tile: defaultTile, matrix })),
];

/** `conv1d.tile.forward GATE=1 SAVE=1 In=vec4f`: what is false or absent is left out. */
export function formOf({ kernel: { shader, entry, constants, overrides } }: Pick<Operation, 'kernel'>): string {
  const settings = Object.entries({ ...constants, ...overrides })
    .filter(([name, value]) => !sizes.has(name) && value !== 0 && value !== false)
    .map(([name, value]) => `${name}=${value === true ? 1 : value}`)
    .sort();
  return [`${shader}.${entry}`, ...settings].join(' ');
}

/** The forms that the cases run, on every variant that they have; each gradient alone, and with another reader's added to. */
export function formsOfCases(cases: readonly KernelCase[]): Set<string> {
  const forms = new Set<string>();
  for (const kernelCase of cases) {
    const shared = Object.entries(kernelCase.inputs).filter(([, input]) => input.gradient && !input.soleReader);
    for (const variant of kernelCase.hasVariants ? allVariants : allVariants.slice(0, 1)) {
      if (kernelCase.precision === 'mixed' && variant.variant === 'naive') continue;
      for (const each of [kernelCase, withSecondReaders(kernelCase, shared.map(([name]) => name))]) {
        for (const operation of recordCase(each, variant).tape.operations) forms.add(formOf(operation));
      }
    }
  }
  return forms;
}

/** The entry points of a file of `shaders/`, `reduce.tree`. */
export function entriesOf(stem: string, text: string): string[] {
  return [...text.matchAll(/@compute[^{]*?\bfn\s+(\w+)/g)].map(([, entry]) => `${stem}.${entry}`);
}
