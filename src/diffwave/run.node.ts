/**
 * The folder of a training run:
 *
 *   config.json                what is trained, how, on what
 *   log.jsonl                  one object a line: step, loss, learningRate, seconds
 *   weights.safetensors        the latest weights
 *   checkpoints/step-N/        weights.safetensors, optimizer.safetensors, state.json after N updates
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { readFileOrExplain, syncFolder, writeFileAtomic } from '../files.node.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { DiffWaveConfig, TrainingConfig } from './config.ts';
import { validateConfig, validateTraining } from './config.ts';
import { DiffWave } from './model.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';
import type { OptimizerState } from './trainer.ts';
import type { Progress } from './training.ts';
import { weightsFromDisk, weightsToDisk } from './weights.ts';

const formatVersion = 1;

export interface RunConfig {
  readonly format: number;
  readonly preset: string;
  readonly model: DiffWaveConfig;
  readonly training: TrainingConfig;
  /** Where the data came from, as the user typed it. */
  readonly data: string;
}

export type Checkpoint = OptimizerState & { readonly seconds: number };

const checkpointName = /^step-(\d+)$/;

export class RunFolder {
  readonly path: string;
  readonly config: RunConfig;

  private constructor(path: string, config: RunConfig) {
    this.path = path;
    this.config = config;
  }

  /** Throws a `UserError` if there is anything where a new run shall go. */
  static requireEmpty(path: string): void {
    if (existsSync(join(path, 'config.json'))) {
      throw new UserError(`${path} already has a run in it: go on with --resume, or choose another --out`);
    }
    if (existsSync(path) && readdirSync(path).length > 0) {
      throw new UserError(`${path} is not empty and is not a run: choose another --out`);
    }
  }

  /** A new run. Throws a `UserError` if the folder has anything in it. */
  static create(path: string, config: Omit<RunConfig, 'format'>): RunFolder {
    RunFolder.requireEmpty(path);
    const complete = { format: formatVersion, ...config };
    writeFileAtomic(join(path, 'config.json'), `${JSON.stringify(complete, null, 2)}\n`);
    return new RunFolder(path, complete);
  }

  /** An existing run. Throws a `UserError` if there is none, or its configuration cannot be read. */
  static open(path: string): RunFolder {
    const file = join(path, 'config.json');
    if (!existsSync(path)) throw new UserError(`${path}: there is no such folder (a run wanted)`);
    if (!existsSync(file)) throw new UserError(`${path} is not a run: it has no config.json; "npm run train" makes one`);
    const config = parseJson<RunConfig>(file);
    if (config.format !== formatVersion) {
      throw new UserError(`${file}: format ${config.format} is not one that this version reads (${formatVersion})`);
    }
    validateConfig(config.model ?? {}, file);
    validateTraining(config.training ?? {}, file);
    return new RunFolder(path, config);
  }

  get weightsFile(): string {
    return join(this.path, 'weights.safetensors');
  }

  get logFile(): string {
    return join(this.path, 'log.jsonl');
  }

  /**
   * The network with the latest weights. Throws a `UserError` if they are missing or damaged, or belong to another
   * network than config.json says.
   */
  async load(gpu: Gpu): Promise<DiffWave> {
    const model = await DiffWave.load(gpu, this.weightsFile);
    for (const [field, wanted] of Object.entries(this.config.model)) {
      const found = model.config[field as keyof DiffWaveConfig];
      if (found === undefined || found === wanted) continue;
      model.destroy();
      throw new UserError(
        `${this.weightsFile} is of another network than ${join(this.path, 'config.json')}: its ${field} is ${found}, ` +
          `not ${wanted}; put back the file that belongs there`,
      );
    }
    return model;
  }

  appendLog({ step, loss, learningRate, seconds }: Progress): void {
    appendFileSync(this.logFile, `${JSON.stringify({ step, loss, learningRate, seconds })}\n`);
  }

  /** The log so far; a last line that a crash cut off is left out. */
  readLog(): Pick<Progress, 'step' | 'loss' | 'learningRate' | 'seconds'>[] {
    if (!existsSync(this.logFile)) return [];
    return readFileSync(this.logFile, 'utf8').split('\n').flatMap((line) => {
      try {
        return [JSON.parse(line)];
      } catch {
        return [];
      }
    });
  }

  /** Saves a checkpoint, complete or not at all, then the run's latest weights. */
  async save(model: DiffWave, state: Checkpoint): Promise<void> {
    const weights = await model.toBytes();
    const folder = join(this.path, 'checkpoints', `step-${state.step}`);
    const temporary = `${folder}.tmp`;
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary, { recursive: true });
    try {
      writeFileAtomic(join(temporary, 'weights.safetensors'), weights);
      const tensors = new Map([
        ...weightsToDisk(model.config, state.m, 'm.'),
        ...weightsToDisk(model.config, state.v, 'v.'),
      ]);
      const metadata = { format: 'pt', step: String(state.step) };
      writeFileAtomic(join(temporary, 'optimizer.safetensors'), writeSafetensors({ tensors, metadata }));
      const { step, seconds } = state;
      writeFileAtomic(join(temporary, 'state.json'), `${JSON.stringify({ step, seconds })}\n`);
      rmSync(folder, { recursive: true, force: true });
      renameSync(temporary, folder);
    } catch (error) {
      rmSync(temporary, { recursive: true, force: true });
      throw error;
    }
    syncFolder(join(this.path, 'checkpoints'));
    writeFileAtomic(this.weightsFile, weights);
  }

  /** Folders of the checkpoints, newest first. */
  checkpoints(): { readonly step: number; readonly path: string }[] {
    const folder = join(this.path, 'checkpoints');
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .flatMap((name) => {
        const match = checkpointName.exec(name);
        return match ? [{ step: Number(match[1]), path: join(folder, name) }] : [];
      })
      .sort((a, b) => b.step - a.step);
  }

  /**
   * The newest checkpoint: its weights are written into `model`, the optimizer's state is returned. Throws a
   * `UserError` if there is none, or if it is broken; then it says which older one there is. Never starts again.
   * The log loses the lines after the checkpoint, which the run will write again.
   */
  resume(model: DiffWave): Checkpoint {
    const [newest, older] = this.checkpoints();
    if (!newest) throw new UserError(`${this.path} has no checkpoint to resume from: delete the folder to start again`);
    let state: Checkpoint;
    try {
      state = loadCheckpoint(newest.path, model);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const way = older ? `delete ${newest.path} to resume from step ${older.step}` : 'there is no older checkpoint';
      throw new UserError(`${error.message}; ${way}`);
    }
    const kept = this.readLog().filter((line) => line.step <= state.step);
    writeFileAtomic(this.logFile, kept.map((line) => `${JSON.stringify(line)}\n`).join(''));
    return state;
  }
}

function loadCheckpoint(path: string, model: DiffWave): Checkpoint {
  const weightsFile = join(path, 'weights.safetensors');
  const optimizerFile = join(path, 'optimizer.safetensors');
  const { step, seconds } = parseJson<{ step: number; seconds: number }>(join(path, 'state.json'));
  const weights = weightsFromDisk(model.config, readSafetensors(readFileOrExplain(weightsFile, 'weights'), weightsFile), {
    file: weightsFile,
  });
  const stored = readSafetensors(readFileOrExplain(optimizerFile, 'optimizer state'), optimizerFile);
  if (!Number.isSafeInteger(step) || stored.metadata.step !== String(step)) {
    throw new UserError(`${path}: state.json says step ${step}, optimizer.safetensors step ${stored.metadata.step}`);
  }
  const moment = (prefix: string) => weightsFromDisk(model.config, stored, { file: optimizerFile, prefix });
  const state = { step, seconds: Number(seconds) || 0, m: moment('m.'), v: moment('v.') };
  model.parameters.write(model.parameters.values, weights);
  return state;
}

/** The object in a JSON file. The parser's own message is left out: it quotes the file, over several lines. */
function parseJson<T extends object>(file: string): T {
  const text = new TextDecoder().decode(readFileOrExplain(file, 'JSON'));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UserError(`${file} is damaged: it is not valid JSON`);
  }
  if (typeof value !== 'object' || value === null) throw new UserError(`${file} is damaged: there is no object in it`);
  return value as T;
}
