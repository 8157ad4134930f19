/**
 * A run as one ZIP file: the run folder of `run.node.ts` with one checkpoint in it, which Node goes on with once it is unpacked, and
 * the other way round. Where there is no disk, it is also what is kept.
 */
import { unzipSync, zipSync } from 'fflate';
import { UserError, escaped } from '../../errors.ts';
import { sha256 } from '../../formats/sha256.ts';
import type { TrackLabels } from '../data/labels.ts';
import { labelTable, labelsName, labelsOfTable } from '../data/labels.ts';
import type { DiffWave } from '../model/model.ts';
import type { Checkpoint, CheckpointState } from './checkpoint.ts';
import { optimizerFile, optimizerName, readCheckpoint, stateFile, stateName, weightsFiles } from './checkpoint.ts';
import type { Validation } from '../validation/validation.ts';
import type { LogEntry } from './logEntries.ts';
import { isLogEntry, isValidation, staysAt } from './logEntries.ts';
import type { RunConfig } from './runConfig.ts';
import { checkedRunConfig } from './runConfig.ts';

export interface RunContent {
  readonly config: RunConfig;
  /** The lines of log.jsonl, what else happened than updates as well. */
  readonly log: readonly LogEntry[];
  readonly validations: readonly Validation[];
  /** What labels.csv says of the tracks, where the network has labels. */
  readonly labels?: TrackLabels;
}

/** A run that was read: `load` puts its weights into a model of its configuration and gives the optimizer's state. */
export interface ArchivedRun extends RunContent {
  readonly step: number;
  /** Fingerprint of the data that it was trained on, where it is known. */
  readonly data?: string;
  /** Bytes of weights.safetensors. */
  readonly weights: Uint8Array;
  /** Throws a `UserError` that names the file if one is missing, edited or of another network; then `model` is as it was. */
  load(model: DiffWave): Checkpoint;
}

/** The beginning of ZIP: files of a fixed date, so that the same run gives the same bytes. */
const unpacked = { level: 0, mtime: '1980-01-01' } as const;

/** The run as it is now, its weights those of `model`. */
export async function archiveRun(model: DiffWave, state: Checkpoint, { config, log, validations, labels }: RunContent): Promise<Uint8Array<ArrayBuffer>> {
  const weights = await weightsFiles(model, state);
  const checkpoint = new Map([...weights, [optimizerName, optimizerFile(model.config, state)]]);
  const hashes: Record<string, string> = {};
  for (const [name, bytes] of checkpoint) hashes[name] = await sha256(bytes as Uint8Array<ArrayBuffer>);
  const text = (content: string): Uint8Array => new TextEncoder().encode(content);
  const folder = `checkpoints/step-${state.step}`;
  return zipSync({
    'config.json': text(`${JSON.stringify(config, null, 2)}\n`),
    'log.jsonl': text(linesOf(log)),
    ...(validations.length > 0 && { 'validation.jsonl': text(linesOf(validations)) }),
    ...(labels && { [labelsName]: text(labelTable(labels)) }),
    ...Object.fromEntries(weights),
    ...Object.fromEntries([...checkpoint].map(([name, bytes]) => [`${folder}/${name}`, bytes])),
    [`${folder}/${stateName}`]: text(stateFile(state, hashes)),
  }, unpacked) as Uint8Array<ArrayBuffer>;
}

/**
 * Reads a ZIP file of a run, also one of a whole run folder that was packed with its folder's name. The newest checkpoint counts.
 * Throws a `UserError` that names the file, `where`, if it is no ZIP file or no run.
 */
export async function readRunArchive(bytes: Uint8Array, where: string): Promise<ArchivedRun> {
  const files = filesOf(bytes, where);
  const root = [...files.keys()].find((name) => /^([^/]+\/)?config\.json$/.test(name))?.replace('config.json', '');
  if (root === undefined) throw new UserError(`${escaped(where)} is not a run: it has no config.json`);
  const config = checkedRunConfig(parsed(files, `${root}config.json`, where), `${where}: config.json`);
  const steps = [...files.keys()].flatMap((name) => (name.startsWith(root) ? /^checkpoints\/step-(\d+)\/state\.json$/.exec(name.slice(root.length))?.[1] ?? [] : []));
  if (steps.length === 0) throw new UserError(`${escaped(where)} has no checkpoint to go on from`);
  const newest = Math.max(...steps.map(Number));
  const path = `${root}checkpoints/step-${newest}`;
  const state = parsed<CheckpointState>(files, `${path}/${stateName}`, where);
  const hashes = new Map<Uint8Array, string>();
  for (const [name, content] of files) if (name.startsWith(`${path}/`)) hashes.set(content, await sha256(content));
  const read = (name: string): Uint8Array => {
    const content = files.get(`${path}/${name}`);
    if (!content) throw new UserError(`${escaped(where)}: ${path}/${name} is missing`);
    return content;
  };
  const table = files.get(`${root}${labelsName}`);
  return {
    config,
    step: newest,
    ...(typeof state.data === 'string' && { data: state.data }),
    log: entriesOf<LogEntry>(files.get(`${root}log.jsonl`), isLogEntry).filter((entry) => staysAt(newest, entry)),
    validations: entriesOf<Validation>(files.get(`${root}validation.jsonl`), isValidation).filter(({ step }) => step <= newest),
    ...(table && { labels: labelsOfTable(new TextDecoder().decode(table), `${escaped(where)}: ${labelsName}`) }),
    weights: read('weights.safetensors'),
    load: (model) => readCheckpoint(
      { path: `${where}: ${path}`, state, read, hashOf: (content) => hashes.get(content)! }, model, { averages: config.training.emaDecay > 0 },
    ),
  };
}

function filesOf(bytes: Uint8Array, where: string): Map<string, Uint8Array<ArrayBuffer>> {
  try {
    return new Map(Object.entries(unzipSync(bytes)).map(([name, content]) => [name, new Uint8Array(content)]));
  } catch {
    throw new UserError(`${escaped(where)} is not a ZIP file, or it is damaged; a run is one, as it was downloaded or as its folder is packed`);
  }
}

function parsed<T>(files: ReadonlyMap<string, Uint8Array>, name: string, where: string): T {
  try {
    const content = JSON.parse(new TextDecoder().decode(files.get(name)));
    if (typeof content === 'object' && content !== null) return content;
  } catch {
    // Said below.
  }
  throw new UserError(`${escaped(where)}: ${escaped(name)} is damaged, it is no JSON object`);
}

const linesOf = (entries: readonly object[]): string => entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');

/** The lines of a file that `isSound`; what else there is in it, such as a last line that was cut off, is left out. */
function entriesOf<T>(bytes: Uint8Array = new Uint8Array(), isSound: (entry: Readonly<Record<string, unknown>>) => boolean): T[] {
  return new TextDecoder().decode(bytes).split('\n').flatMap((line) => {
    try {
      const entry = JSON.parse(line);
      return typeof entry === 'object' && entry !== null && isSound(entry) ? [entry as T] : [];
    } catch {
      return [];
    }
  });
}
