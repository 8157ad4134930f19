/** npm run schedule: what a noise schedule does to the level of a sound, before anything is trained. */
import { datasetFrom } from '../src/dataset/dataset.node.ts';
import { powerSpectrum } from '../src/audio/powerSpectrum.ts';
import { shapedClips } from '../src/diffwave/data/shapedClips.ts';
import type { DiffWaveConfig } from '../src/diffwave/model/config.ts';
import { configFor, shapingOf } from '../src/diffwave/model/config.ts';
import { DEFAULT_PRESET, PRESETS, presetNamed } from '../src/diffwave/presets.ts';
import { receptiveField } from '../src/diffwave/model/shapes.ts';
import { diagnoseData } from '../src/diffwave/schedule/doctor.ts';
import { RunFolder, preparationOf } from '../src/diffwave/files/run.node.ts';
import { scheduleOf } from '../src/diffwave/schedule/schedule.ts';
import { UserError } from '../src/errors.ts';
import { command } from './lib/cli/command.ts';
import { configFlag, readConfigFile, withFile } from './lib/config/file.ts';
import { scheduleFlags, scheduleFrom } from './lib/schedule/flags.ts';
import { dataLine, minSnrLine, scheduleReport } from './lib/schedule/report.ts';

/** Clips that are looked at, from all over the data set: a spectrum takes some milliseconds. */
const mostClips = 50;

const cli = command({
  name: 'schedule',
  summary: 'Says what a noise schedule does to loud and quiet parts of the spectrum, and what to do about it.',
  flags: {
    run: { type: 'string', placeholder: '<run>', help: 'the schedule of a training run; other flags say what would be if' },
    preset: { type: 'string', placeholder: '<name>', help: `one of ${Object.keys(PRESETS).join(', ')} (${DEFAULT_PRESET})` },
    config: configFlag,
    ...scheduleFlags,
    variance: { type: 'string', choices: ['beta', 'posterior'], default: 'beta', help: 'σ² of the reverse steps, as in sample' },
    data: { type: 'string', placeholder: '<folder>', help: 'data set, or folder of music: say how loud its bins are' },
  },
});

export default cli.does(async ({ flags }) => {
  for (const other of ['preset', 'config'] as const) {
    if (flags.run !== undefined && flags[other] !== undefined) throw new UserError(`--run has its own configuration: leave out --${other}`);
  }
  const run = flags.run === undefined ? undefined : RunFolder.open(flags.run);
  const file = flags.config === undefined ? undefined : readConfigFile(flags.config);
  const preset = withFile(presetNamed(run?.config.preset ?? flags.preset ?? file?.preset ?? DEFAULT_PRESET), file);
  const base = run?.config.model ?? preset.model;
  const model: DiffWaveConfig = { ...base, ...scheduleFrom(flags, base) };
  const schedule = scheduleOf(model); // before data is read, as it may be refused
  const data = flags.data === undefined ? undefined : await datasetFrom(flags.data, run ? preparationOf(run.config) : preset.data, console.log);
  console.log(scheduleReport(model, flags.variance));
  if (model.zeroTerminalSnr && (run?.config ?? preset).training.minSnr) console.log(minSnrLine);
  if (!data) return;
  // As fine as the network can tell frequencies apart.
  const size = 2 ** Math.floor(Math.log2(Math.min(Math.max(receptiveField(model), 4), data.clipSamples)));
  const seen = shapedClips(data, shapingOf(configFor(model, data)));
  const count = Math.min(mostClips, data.clipCount);
  const spectra = Array.from({ length: count }, (_, i) =>
    powerSpectrum(seen.clip(Math.floor((i * data.clipCount) / count)), { size }));
  console.log(`\n${dataLine(diagnoseData(spectra, { schedule, variance: flags.variance }))}`);
});
