/** `npm run dataset`: prepares a folder of music as a data set for training. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DUPLICATES, withOptions } from '../src/dataset/options.ts';
import type { Manifest } from '../src/dataset/dataset.ts';
import { clutterLine, overshootLine } from '../src/dataset/dataset.ts';
import { findingLines } from '../src/dataset/doctor.ts';
import { loadDataset, prepareDataset } from '../src/dataset/dataset.node.ts';
import { DEFAULT_PRESET, PRESETS, presetNamed } from '../src/diffwave/presets.ts';
import { escaped } from '../src/formats/describe.ts';
import { encodeWav16 } from '../src/formats/wav.ts';
import { command } from './lib/cli/command.ts';
import { play } from './lib/cli/play.ts';
import { typedCommand } from './lib/cli/invocation.ts';

const cli = command({
  name: 'dataset',
  summary: 'Prepares a folder of music as a data set: mono, low-passed, downsampled, cut into clips.',
  positionals: [{ name: 'folder', help: 'folder of music (WAV, MP3, FLAC, Ogg, Opus, M4A, AIFF, AU, …); sub-folders are searched too', required: true }],
  flags: {
    out: { type: 'string', placeholder: '<dataset>', required: true, help: 'folder for the data set' },
    preset: { type: 'string', placeholder: '<name>', default: DEFAULT_PRESET, help: `the network that it is for: ${Object.keys(PRESETS).join(', ')}` },
    sampleRate: { type: 'integer', min: 1, help: "bring files to this rate in Hz before downsampling (the preset's, 22050)" },
    downsample: { type: 'integer', min: 1, help: "keep every n-th sample, after a low-pass (the preset's, 3)" },
    seconds: { type: 'number', above: 0, help: "use so much of each file (the preset's, 30; with --clip-seconds all)" },
    splits: { type: 'integer', min: 1, help: "clips that --seconds are cut into (the preset's, 6)" },
    clipSeconds: { type: 'number', above: 0, help: 'cut files into as many whole clips of this length as they have, instead of --splits' },
    duplicates: { type: 'string', choices: DUPLICATES, default: 'keep', help: 'tracks that repeat earlier ones: keep them, or drop all but the first' },
    details: { type: 'boolean', help: 'name every track that something is wrong with, not only the first few of each kind' },
    play: { type: 'integer', default: 0, min: 0, help: 'play so many of the prepared clips' },
  },
});

export default cli.does(async ({ flags, positionals, given }) => {
  const report = await prepareDataset({
    source: positionals.folder,
    out: flags.out,
    ...withOptions(presetNamed(flags.preset).data, flags),
    log: (line) => console.log(line),
  });
  if (report.reused) {
    console.log(`${report.out} is up to date and is used again`);
    if (report.manifest.clutter) console.log(clutterLine(report.manifest.clutter));
    for (const line of report.manifest.warnings) console.log(`warning: ${line}`);
    for (const { file, reason } of report.manifest.leftOut) console.log(`left out: ${escaped(file)} ${reason}`);
  }
  console.log(summary(report.manifest));
  const overshoot = overshootLine(report.manifest.statistics);
  if (overshoot) console.log(overshoot);
  for (const line of findingLines(report.manifest.findings, { details: flags.details })) console.log(line);
  if (flags.play > 0) await playClips(report.out, flags.play);
  const forPreset = given.has('preset') ? ` --preset ${flags.preset}` : '';
  console.log(`next: ${typedCommand('train')} --data ${report.out}${forPreset} --out <run>`);
});

function summary({ trackCount, leftOut, clipCount, clipSamples, sampleRate, statistics }: Manifest): string {
  const clipSeconds = clipSamples / sampleRate;
  return [
    `files    ${trackCount} used, ${leftOut.length} left out`,
    `clips    ${clipCount} of ${clipSamples} samples (${clipSeconds.toFixed(2)} s) at ${sampleRate} Hz`,
    `length   ${(clipCount * clipSeconds).toFixed(1)} s altogether`,
    `level    RMS ${statistics.rms.toFixed(4)}, peak ${statistics.peak.toFixed(4)}, mean ${statistics.mean.toFixed(5)}`,
  ].join('\n');
}

/** Plays clips from all over the data set, one after the other. */
async function playClips(out: string, wanted: number): Promise<void> {
  const dataset = loadDataset(out);
  const count = Math.min(wanted, dataset.clipCount);
  const folder = mkdtempSync(join(tmpdir(), 'diffwave-clips-'));
  for (let i = 0; i < count; i++) {
    const index = Math.floor((i * dataset.clipCount) / count);
    const { file, offsetSeconds } = dataset.manifest.clips[index]!;
    const path = join(folder, `clip-${index}.wav`);
    writeFileSync(path, encodeWav16(dataset.clip(index), dataset.sampleRate));
    console.log(`clip ${index}: ${escaped(file)} from ${offsetSeconds.toFixed(1)} s: ${path}`);
    await play(path);
  }
}
