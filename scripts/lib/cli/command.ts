/**
 * A command: flags in, one line out when something is wrong. Prints the usage, runs the script's body, and turns what
 * it throws into an exit code: 1 for what the user can mend, 70 (EX_SOFTWARE of sysexits.h) for our own bugs.
 */
import { systemReason } from '../../../src/disk/systemErrors.node.ts';
import { UserError, escaped } from '../../../src/errors.ts';
import { typedCommand } from './invocation.ts';
import { mayReport } from './ranks.ts';
import { spelled } from './spelling.ts';
import { type CommandSpec, type FlagSpec, type Parsed, type PositionalSpec, parse, rangeOf, typed } from './flags.ts';

const EXIT_USER = 1;
const EXIT_BUG = 70;

/** What a script does; a number that it returns is the exit code, else `process.exitCode` counts. */
export type Body<S extends CommandSpec> = (parsed: Parsed<S>) => Promise<number | void> | number | void;

/** Where text goes: `process.stdout` and `process.stderr`, or a test's own. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
}

/** A command: what it takes, and what it does with that. */
export interface Command {
  readonly spec: CommandSpec;
  /** Runs it with these words and ends the process; the last thing that a program does. */
  run(argv?: readonly string[]): Promise<never>;
}

/** The command that `spec` describes and that `does` what `body` says. */
export function command<const S extends CommandSpec>(spec: S): { does(body: Body<S>): Command } {
  return { does: (body) => ({ spec, run: (argv = process.argv.slice(2)) => runAsProcess(spec, argv, body) }) };
}

async function runAsProcess<const S extends CommandSpec>(spec: S, argv: readonly string[], body: Body<S>): Promise<never> {
  const report = (text: string) => process.stderr.write(`${spec.name}: ${text}\n`);
  process.on('uncaughtException', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT_USER); // who read our output went away, as `| head` does
    const { text, code } = explain(error);
    report(text);
    process.exit(code);
  });
  // Node ends silently when nothing is left that could settle a promise.
  process.once('beforeExit', () => {
    report('ended before its work was done; this is a bug in diffwave-webgpu');
    process.exit(EXIT_BUG);
  });
  return endProcess(await runCommand(spec, argv, body, {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
  }));
}

/**
 * Ends the process once its output is written (pipes may be written in the background), even where dawn.node would
 * keep it alive. `process.exitCode` counts if `code` is undefined.
 */
export async function endProcess(code: number | undefined): Promise<never> {
  for (const stream of [process.stdout, process.stderr]) await new Promise((flushed) => stream.write('', flushed));
  process.exitCode = code ?? process.exitCode; // process.exit(undefined) would overwrite it
  process.exit();
}

/** All of a command but the process around it. Resolves to the exit code, or undefined if `body` returned none. */
export async function runCommand<const S extends CommandSpec>(
  spec: S, argv: readonly string[], body: Body<S>, output: Output,
): Promise<number | undefined> {
  try {
    const end = argv.indexOf('--');
    if (argv.slice(0, end < 0 ? argv.length : end).some((word) => word === '--help' || word === '-h')) {
      output.out(usage(spec));
      return 0;
    }
    return await body(parse(spec, argv)) ?? undefined;
  } catch (error) {
    const { text, code } = explain(error);
    const speaker = await mayReport(error);
    if (speaker) output.err(`${spec.name}: ${speaker.prefix}${text}\n`);
    await speaker?.said?.();
    return code;
  }
}

/** The message and exit code for whatever a body threw. */
export function explain(error: unknown): { text: string; code: number } {
  if (error instanceof UserError) return { text: spelled(error.message), code: EXIT_USER };
  const reason = systemReason(error);
  if (reason !== undefined) {
    const { path, dest } = error as { path?: string; dest?: string };
    const where = [path, dest].filter(Boolean).join(' → ');
    return { text: escaped(`${where ? `${where}: ` : ''}${reason}`), code: EXIT_USER };
  }
  const stack = error instanceof Error ? error.stack : `thrown: ${String(error)}`;
  return { text: `this is a bug in diffwave-webgpu\n${stack}`, code: EXIT_BUG };
}

/** The text of `--help`. */
export function usage(spec: CommandSpec): string {
  const positionals = spec.positionals ?? [];
  const required = Object.entries(spec.flags).filter(([, flag]) => 'required' in flag && flag.required);
  const line = [
    typedCommand(spec.name),
    ...positionals.map(showPositional),
    ...required.map(([key, flag]) => showFlag(key, flag)),
    ...(required.length < Object.keys(spec.flags).length ? ['[flags]'] : []),
  ].join(' ');
  const rows = [
    ...positionals.map((positional) => [showPositional(positional), positional.help]),
    ...Object.entries(spec.flags).map(([key, flag]) => [showFlag(key, flag), helpOf(flag)]),
    ['--help', 'print this and exit'],
  ];
  const width = Math.max(...rows.map(([left]) => left!.length));
  const table = rows.map(([left, help]) => `  ${left!.padEnd(width)}  ${help}`);
  return [`${spec.name}: ${spec.summary}`, '', `  ${line}`, '', ...table].join('\n') + '\n';
}

function showPositional({ name, required, many }: PositionalSpec): string {
  const shown = `<${name}>${many ? '…' : ''}`;
  return required ? shown : `[${shown}]`;
}

function showFlag(key: string, flag: FlagSpec): string {
  if (flag.type === 'boolean') return typed(key);
  const placeholder = flag.placeholder
    ?? (flag.type === 'string' && flag.choices ? flag.choices.join('|')
      : { string: '<text>', integer: '<n>', number: '<x>', strings: '<text>…' }[flag.type]);
  return `${typed(key)} ${placeholder}`;
}

function helpOf(flag: FlagSpec): string {
  const isNumber = flag.type === 'number' || flag.type === 'integer';
  const notes = [
    isNumber && rangeOf(flag),
    'required' in flag && flag.required && 'required',
    'default' in flag && flag.default !== undefined && `default ${flag.default}`,
  ].filter(Boolean);
  return notes.length > 0 ? `${flag.help} (${notes.join('; ')})` : flag.help;
}
