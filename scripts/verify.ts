/** `npm run verify`: every kernel against float64, the whole network against golden files, on this machine. */
import { UserError } from '../src/errors.ts';
import { readFileOrExplain } from '../src/disk/files.node.ts';
import { Gpu } from '../src/gpu/device/gpu.ts';
import { allCases } from '../src/verify/cases/all.ts';
import { fullCases, compareWithNaive } from '../src/verify/full.ts';
import { clipLength, completeOptions } from '../src/dataset/options.ts';
import { DEFAULT_PRESET, PRESETS, presetNamed } from '../src/diffwave/presets.ts';
import { checkGolden } from '../src/verify/golden.ts';
import type { Row } from '../src/verify/run.ts';
import { checkCase } from '../src/verify/run.ts';
import { command } from './lib/cli/command.ts';
import { inPackage } from './lib/cli/invocation.ts';
import { ensureAdapter } from './lib/adapter/gpu.ts';
import { matricesFlag } from './lib/adapter/openGpu.ts';

const committed = ['transformer-4x16', 'diffwave-6x8-l1', 'diffwave-labels-5x8', 'diffwave-mel-6x8']
  .map((name) => inPackage(`test/golden/${name}.safetensors`));

/** Characters per column; what is longer pushes the others aside. */
const widths = [16, 54, 14, 9, 9, 4];

const kernels = [...new Set(allCases.map(({ stem }) => stem))];

export default command({
  name: 'verify',
  summary: 'checks every kernel against float64 and the network against golden files',
  positionals: [{ name: 'kernel', many: true, help: `only these: ${kernels.join(', ')}` }],
  flags: {
    full: { type: 'boolean', help: "hold this adapter's own kernels against the naive ones at the shapes of training" },
    preset: { type: 'string', placeholder: '<name>', default: DEFAULT_PRESET, help: `--full: whose network, one of ${Object.keys(PRESETS).join(', ')}` },
    batch: { type: 'integer', min: 1, help: "--full: clips (the preset's)" },
    length: { type: 'integer', min: 1, help: "--full: samples of a clip (the preset's crop)" },
    matrices: matricesFlag,
    golden: { type: 'strings', placeholder: '<file>…', help: 'golden files (default: those of the project)' },
  },
}).does(async ({ flags, positionals }) => {
  for (const name of positionals.kernel) {
    if (!kernels.includes(name)) throw new UserError(`there is no kernel '${name}'; there are ${kernels.join(', ')}`);
  }
  const cases = allCases.filter(({ stem }) => positionals.kernel.length === 0 || positionals.kernel.includes(stem));
  const files = (flags.golden.length > 0 ? flags.golden : committed)
    .map((path) => ({ bytes: readFileOrExplain(path, 'golden values'), path }));

  await ensureAdapter(flags);
  const gpu = await Gpu.open(flags);
  if (flags.matrices && typeof gpu.matrix === 'string') throw new UserError(`--matrices: this adapter (${gpu.name}) cannot do it: ${gpu.matrix}`);
  const variants = [gpu.variant, ...(typeof gpu.matrix === 'string' ? [] : [gpu.matrix])];
  try {
    console.log(`${gpu.describe()}\n\n${line(['kernel', 'case', 'what', 'error', 'tolerance', ''])}`);
    const rows: Row[] = [];
    const report = (more: Row[]): void => {
      for (const row of more) console.log(line(cells(row)));
      rows.push(...more);
    };
    if (flags.full) {
      const { model: config, training, data } = presetNamed(flags.preset);
      const sizes = { B: flags.batch ?? training.batchSize, L: flags.length ?? training.cropSamples ?? clipLength(completeOptions(data)) };
      const chosen = fullCases(config, sizes).filter(({ stem }) => positionals.kernel.length === 0 || positionals.kernel.includes(stem));
      for (const kernelCase of chosen) {
        for (const variant of variants) report(await compareWithNaive(gpu, kernelCase, { config, sizes, variant }));
      }
    } else {
      for (const kernelCase of cases) report(await checkCase(gpu, kernelCase, variants));
      for (const { bytes, path } of files) report(await checkGolden(gpu, { bytes, file: path }));
    }
    const failed = rows.filter(({ ok }) => !ok).length;
    console.log(failed === 0 ? `PASS (${rows.length} lines)` : `FAIL (${failed} of ${rows.length} lines)`);
    return failed === 0 ? 0 : 1;
  } finally {
    gpu.close();
  }
});

function cells({ subject, name, direction, error, tolerance, ok }: Row): string[] {
  return [subject, name, direction, short(error), short(tolerance), ok ? 'ok' : 'FAIL'];
}

function line(texts: readonly string[]): string {
  return texts.map((text, column) => text.padEnd(widths[column]!)).join(' ').trimEnd();
}

function short(value: number): string {
  return value === 0 ? '0' : value.toExponential(1);
}
