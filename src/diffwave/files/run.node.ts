/**
 * The folder of a training run:
 *
 *   config.json                what is trained, how, on what
 *   log.jsonl                  one object a line: step, loss, gradientNorm, learningRate, seconds; or `event` and what is
 *                              known of it
 *   weights.safetensors        the latest weights to sample from: averaged over time where the training does that
 *   weights-raw.safetensors    in that case, the latest weights themselves
 *   best.json                  the step of the checkpoint that did best in validation, if there was any
 *   checkpoints/step-N/        the same weights after N updates, optimizer.safetensors, state.json
 *   lock.json                  while a process writes into it: which one
 *
 * Whatever is written is there as a whole or not at all, at whichever moment the process is killed: a temporary name,
 * which ends in .tmp, is synced to the disk and renamed.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { UserError } from '../../errors.ts';
import { appendToFile, parseJsonFile, readFileOrExplain, writeFileAtomic } from '../../disk/files.node.ts';
import { FolderLock, lockName } from '../../disk/lock.node.ts';
import type { Gpu } from '../../gpu/device/gpu.ts';
import { dataOfCheckpoint, discard, hashOf, loadCheckpoint, stepOfFile, writeCheckpoint } from './checkpoint.node.ts';
import type { Checkpoint } from './checkpoint.ts';
import { expectSameNetwork, rawWeightsName, weightsFiles, weightsName } from './checkpoint.ts';
import type { DiffWave } from '../model/model.ts';
import { loadModel } from './model.node.ts';
import type { TrainingConfig } from '../training/config.ts';
import type { RunConfig } from './runConfig.ts';
import { formatVersion } from './runConfig.ts';
import { readRunConfig } from './runConfig.node.ts';
import type { Progress, Recovery } from '../training/loop.ts';
import { readLogEntries } from './log.node.ts';
import type { LogEntry, ReportEntry } from './logEntries.ts';
import { staysAt } from './logEntries.ts';

export type { Checkpoint } from './checkpoint.ts';

export type { RunConfig } from './runConfig.ts';
export { formatVersion, preparationOf } from './runConfig.ts';

/** Says which weights made a sound. */
export interface WeightsIdentity {
  /** Name within the run. */
  readonly file: string;
  readonly sha256: string;
  /** Updates that they have had; null where no checkpoint tells. */
  readonly step: number | null;
}

export type { NewDataEntry, RecoveryEntry, ReportEntry } from './logEntries.ts';

const checkpointName = /^step-(\d+)$/;
const isLeftover = (name: string): boolean => name.endsWith('.tmp');

/** What the system says when there is no room: disk, quota, size of a file. */
const noRoom = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

export class RunFolder {
  readonly path: string;
  #config: RunConfig;
  #lock: FolderLock | undefined;

  private constructor(path: string, config: RunConfig) {
    this.path = path;
    this.#config = config;
  }

  get config(): RunConfig {
    return this.#config;
  }

  /**
   * Takes the folder for this process, so that no other one writes into it; whoever creates or resumes a run in it then hands the
   * lock to the run with `writeUnder`. Throws a `UserError` that names the process and the host of whoever has it.
   */
  static lock(path: string, log?: (line: string) => void): Promise<FolderLock> {
    return FolderLock.take(path, { what: 'the run', log });
  }

  /** From now on nothing is written if the lock is another process's. */
  writeUnder(lock: FolderLock): void {
    this.#lock = lock;
  }

  /** Throws a `UserError` if another process has taken the folder over. */
  expectOurs(): void {
    this.#lock?.expectHeld();
  }

  /** Throws a `UserError` if there is anything where a new run shall go. */
  static requireEmpty(path: string): void {
    if (existsSync(join(path, 'config.json'))) {
      const way = existsSync(join(path, 'checkpoints')) ? 'go on with `resume`' : 'it has no checkpoint yet, so unless it is being trained delete the folder to start again';
      throw new UserError(`${path} already has a run in it: ${way}, or choose another \`out\``);
    }
    if (existsSync(path) && readdirSync(path).some((name) => !isLeftover(name) && name !== lockName)) {
      throw new UserError(`${path} is not empty and is not a run: choose another \`out\``);
    }
  }

  /** A new run. Throws a `UserError` if the folder has anything in it. */
  static create(path: string, config: Omit<RunConfig, 'format'>): RunFolder {
    RunFolder.requireEmpty(path);
    const run = new RunFolder(path, { format: formatVersion, ...config });
    run.#writeConfig();
    return run;
  }

  /** An existing run. Throws a `UserError` if there is none, or its configuration cannot be read. */
  static open(path: string): RunFolder {
    const file = join(path, 'config.json');
    if (!existsSync(path)) throw new UserError(`${path}: there is no such folder (a run wanted)`);
    if (!existsSync(file)) throw new UserError(`${path} is not a run: it has no config.json; \`train()\` makes one`);
    return new RunFolder(path, readRunConfig(file));
  }

  /** The weights to sample from. */
  get weightsFile(): string {
    return join(this.path, weightsName);
  }

  /** The weights as they were trained, not averaged over time; the same file where nothing is averaged. */
  get rawWeightsFile(): string {
    return join(this.path, this.#averages ? rawWeightsName : weightsName);
  }

  get #averages(): boolean {
    return this.config.training.emaDecay > 0;
  }

  get logFile(): string {
    return join(this.path, 'log.jsonl');
  }

  /**
   * The network with the latest weights, averaged over time where the training does that, unless `raw` is asked for.
   * Throws a `UserError` if they are missing or damaged, or belong to another network than config.json says.
   */
  async load(gpu: Gpu, { raw = false } = {}): Promise<DiffWave> {
    const file = raw ? this.rawWeightsFile : this.weightsFile;
    const model = await loadModel(gpu, file);
    try {
      expectSameNetwork(model.config, this.config.model, file);
    } catch (error) {
      model.destroy();
      throw error;
    }
    return model;
  }

  /** Which weights `load` takes. Throws a `UserError` if there are none. */
  identifyWeights({ raw = false } = {}): WeightsIdentity {
    const path = raw ? this.rawWeightsFile : this.weightsFile;
    const file = { name: basename(path), sha256: hashOf(readFileOrExplain(path, 'weights')) };
    const steps = this.checkpoints().map((checkpoint) => stepOfFile(checkpoint.path, file));
    return { file: file.name, sha256: file.sha256, step: steps.find((step) => step !== undefined) ?? null };
  }

  appendLog({ step, loss, gradientNorm, learningRate, seconds }: Progress): void {
    this.#append({ step, loss, gradientNorm, learningRate, seconds });
  }

  logRecovery(recovery: Recovery): void {
    this.#append({ event: 'device lost', ...recovery });
  }

  #append(entry: LogEntry): void {
    this.expectOurs();
    appendToFile(this.logFile, `${JSON.stringify(entry)}\n`);
  }

  /** The reports so far; a last line that a crash cut off is left out. */
  readLog(): ReportEntry[] {
    return readLogEntries(this.logFile).filter((entry): entry is ReportEntry => !('event' in entry));
  }

  /**
   * Saves a checkpoint, complete or not at all, then the run's latest weights; then deletes all checkpoints but the
   * `keep` newest and the best. Throws a `UserError` if there is no room for it; what was there before is still there.
   */
  async save(model: DiffWave, state: Checkpoint, { keep = Infinity } = {}): Promise<void> {
    this.expectOurs();
    if (this.#averages !== (state.average !== undefined)) {
      throw new TypeError(`${this.path} ${this.#averages ? 'wants an average' : 'has no average'} of the weights`);
    }
    const files = await weightsFiles(model, state);
    const folder = join(this.path, 'checkpoints', `step-${state.step}`);
    try {
      writeCheckpoint(folder, model, { state, files });
      for (const [name, bytes] of files) writeFileAtomic(join(this.path, name), bytes);
    } catch (error) {
      if (!noRoom.has((error as NodeJS.ErrnoException)?.code ?? '')) throw error;
      const [newest] = this.checkpoints();
      const rest = newest ? `, the checkpoint of step ${newest.step} is complete: make room and go on with \`resume\`` : '';
      throw new UserError(`step ${state.step} could not be saved in ${this.path} (${(error as Error).message})${rest}`);
    }
    this.#prune(keep);
  }

  /** Says which checkpoint is the best so far: it is kept whatever `keep` says, once it is saved. */
  markBest(best: { readonly step: number; readonly loss: number }): void {
    this.expectOurs();
    writeFileAtomic(join(this.path, 'best.json'), `${JSON.stringify(best)}\n`);
  }

  /** What `markBest` was told last. */
  get best(): { readonly step: number; readonly loss: number } | undefined {
    const file = join(this.path, 'best.json');
    return existsSync(file) ? parseJsonFile(file) : undefined;
  }

  /**
   * The fingerprint of the data that the newest checkpoint was trained on; undefined where there is none, and of versions that did
   * not keep it.
   */
  dataOfNewest(): string | undefined {
    const [newest] = this.checkpoints();
    return newest && dataOfCheckpoint(newest.path);
  }

  /**
   * Records what the run is trained on from now on: with `fingerprint` if that is other data than before, of which the log tells
   * and with which the best checkpoint so far cannot be compared. Written at once, after a `resume`.
   */
  recordData(data: Pick<RunConfig, 'data' | 'preparation'>, isNew?: { readonly step: number; readonly fingerprint: string }): void {
    this.expectOurs();
    if (isNew) {
      this.#append({ event: 'new data', step: isNew.step, data: data.data, fingerprint: isNew.fingerprint });
      rmSync(join(this.path, 'best.json'), { force: true });
    }
    this.#config = { ...this.#config, ...data };
    this.#writeConfig();
  }

  /**
   * Records what is otherwise from now on: that the batch is cut into parts, of a run that was begun without; a learning rate that
   * falls for longer. Written at once, after a `resume`.
   */
  recordTraining({ parts, decaySteps }: Pick<TrainingConfig, 'parts' | 'decaySteps'>): void {
    this.expectOurs();
    this.#config = { ...this.#config, training: { ...this.#config.training, parts, decaySteps } };
    this.#writeConfig();
  }

  #writeConfig(): void {
    writeFileAtomic(join(this.path, 'config.json'), `${JSON.stringify(this.#config, null, 2)}\n`);
  }

  #prune(keep: number): void {
    const best = this.best?.step;
    for (const { step, path } of this.checkpoints().slice(keep)) {
      if (step === best) continue;
      discard(path);
    }
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
   * What a crash may have left behind is put in order: the log loses the lines after the checkpoint, which the run will
   * write again, the run's latest weights become those of the checkpoint, and temporary files go. Unless it is only to be read:
   * among several ranks one writes.
   */
  resume(model: DiffWave, { readOnly = false } = {}): Checkpoint {
    const [newest, older] = this.checkpoints();
    if (!newest) throw new UserError(`${this.path} has no checkpoint to resume from: delete the folder to start again`);
    let state: Checkpoint;
    try {
      state = loadCheckpoint(newest.path, model, { averages: this.#averages });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const way = older ? `delete ${newest.path} to resume from step ${older.step}` : 'there is no older checkpoint';
      throw new UserError(`${error.message}; ${way}`);
    }
    if (readOnly) return state;
    for (const folder of [this.path, join(this.path, 'checkpoints')]) {
      for (const name of readdirSync(folder).filter(isLeftover)) rmSync(join(folder, name), { recursive: true });
    }
    for (const name of this.#averages ? [weightsName, rawWeightsName] : [weightsName]) {
      writeFileAtomic(join(this.path, name), readFileOrExplain(join(newest.path, name), 'weights'));
    }
    const kept = readLogEntries(this.logFile).filter((entry) => staysAt(state.step, entry));
    writeFileAtomic(this.logFile, kept.map((line) => `${JSON.stringify(line)}\n`).join(''));
    return state;
  }
}
