#!/usr/bin/env node
/** `diffwave <command>`: all commands of the package under one name. */
import { UserError } from '../src/errors.ts';
import { completions } from './lib/cli/completion.ts';
import type { Command } from './lib/cli/command.ts';
import { endProcess, explain } from './lib/cli/command.ts';
import { nearest } from './lib/cli/flags.ts';
import { packageVersion, typedCommand } from './lib/cli/invocation.ts';

/** Loaded when they are asked for: `--help` of one command does not need the others. */
const commands: Readonly<Record<string, { summary: string; load: () => Promise<{ default: Command }> }>> = {
  demo: { summary: 'trains for three minutes on the recordings that come with it', load: () => import('./demo.ts') },
  dataset: { summary: 'music of any format becomes equal clips at a low rate', load: () => import('./dataset.ts') },
  train: { summary: 'trains, prints the loss, saves checkpoints', load: () => import('./train.ts') },
  sample: { summary: 'makes sounds, also from sounds of yours', load: () => import('./sample.ts') },
  evaluate: { summary: 'how much samples are like music', load: () => import('./evaluate.ts') },
  schedule: { summary: 'what a noise schedule does to the spectrum', load: () => import('./schedule.ts') },
  report: { summary: 'one HTML file about a run', load: () => import('./report.ts') },
  web: { summary: 'the page that trains and samples in a browser', load: () => import('./web.ts') },
  overfit: { summary: 'learns four clips by heart and recognises them, PASS or FAIL', load: () => import('./overfit.ts') },
  verify: { summary: 'holds every kernel against float64 on your adapter', load: () => import('./verify.ts') },
  info: { summary: 'the adapter, its limits, the kernels it gets', load: () => import('./info.ts') },
  tune: { summary: 'compares sizes of kernels on a GPU', load: () => import('./tune.ts') },
};

const [name, ...rest] = process.argv.slice(2);
if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
  process.stdout.write(overview());
} else if (name === '--version' || name === '-v') {
  console.log(packageVersion());
} else if (name === 'complete') {
  const specs = await Promise.all(Object.values(commands).map(async ({ load }) => (await load()).default.spec));
  try {
    completions(specs, rest);
  } catch (error) {
    await failWith(error);
  }
} else if (Object.hasOwn(commands, name)) {
  await (await commands[name]!.load()).default.run(rest);
} else {
  const guess = nearest(name, Object.keys(commands));
  await failWith(new UserError(`there is no command '${name}'${guess ? `, did you mean ${guess}?` : '; --help lists them'}`));
}

async function failWith(error: unknown): Promise<never> {
  const { text, code } = explain(error);
  console.error(`diffwave: ${text}`);
  return endProcess(code);
}

function overview(): string {
  const width = Math.max(...Object.keys(commands).map((each) => each.length));
  return [
    'diffwave: trains and samples DiffWave, a diffusion model of raw audio, on any WebGPU adapter.',
    '',
    ...Object.entries(commands).map(([each, { summary }]) => `  ${each.padEnd(width)}  ${summary}`),
    '',
    `${typedCommand('<command>')} --help explains a command's flags. --version prints the version;`,
    '`diffwave complete bash|zsh|fish|powershell` prints a script that completes commands and flags in that shell.',
    '',
  ].join('\n');
}
