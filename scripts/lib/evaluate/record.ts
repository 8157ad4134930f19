/** An evaluation as it is kept: evaluation.json. */
import { join } from 'node:path';
import { existsSync } from 'node:fs';
import type { ClassComparison } from '../../../src/evaluation/classes.ts';
import type { Copies, Measurement } from '../../../src/evaluation/measurement.ts';
import { parseJsonFile, writeFileAtomic } from '../../../src/disk/files.node.ts';
import { UserError } from '../../../src/errors.ts';

/** Goes up when fields change their meaning, or the measures give other figures for the same sounds. */
export const recordVersion = 1;

export interface Evaluation {
  readonly format: number;
  readonly version: string; // of this package
  /** How many samples of how many seconds, the shortest. */
  readonly count: number;
  readonly seconds: number;
  readonly sampleRate: number; // Hz
  /** Updates that the weights have had; null where the samples are files, or nobody knows. */
  readonly step: number | null;
  /** Everything that was typed. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly heldOut: { readonly clips: number; readonly files: readonly string[] };
  readonly measurement: Measurement;
  readonly copies: Copies;
  /** Where samples were asked for by label, the names of the classes and how the samples compare with them. */
  readonly labels?: readonly string[];
  readonly classes?: ClassComparison;
  readonly verdict: string;
}

/** Where the evaluation of a run, or of a folder of sounds, lies. */
export function evaluationFile(folder: string): string {
  return join(folder, 'evaluation.json');
}

export function writeEvaluation(file: string, evaluation: Evaluation): void {
  writeFileAtomic(file, `${JSON.stringify(evaluation, null, 2)}\n`);
}

/** The evaluation of a run; undefined where there is none. Throws a `UserError` if the file is not one of this version. */
export function readEvaluation(folder: string): Evaluation | undefined {
  const file = evaluationFile(folder);
  if (!existsSync(file)) return undefined;
  const evaluation = parseJsonFile<Evaluation>(file);
  if (evaluation.format !== recordVersion || !isWhole(evaluation)) {
    throw new UserError(`${file} is not an evaluation that this version reads: make it again, or delete it`);
  }
  return evaluation;
}

/** A figure that was no number is null in JSON. */
const isNumber = (value: unknown): boolean => value === null || typeof value === 'number';
const isInterval = (value: unknown): boolean => value === undefined || (Array.isArray(value) && value.length === 2 && value.every(isNumber));
const has = (object: unknown, keys: readonly string[]): boolean =>
  typeof object === 'object' && object !== null &&
  keys.every((key) => isNumber((object as Record<string, unknown>)[key])) &&
  ['interval', 'percentInterval'].every((key) => isInterval((object as Record<string, unknown>)[key]));

/** A row for every class that there are samples of. */
const areClasses = (classes: ClassComparison | undefined): boolean => classes === undefined ||
  (has(classes, ['rate', 'heldOut', 'chance']) && Array.isArray(classes.classes) && classes.classes.every((each) =>
    has(each, ['label', 'pieces', 'nearest']) && Array.isArray(each.logSpectrum) && each.logSpectrum.every(isNumber)));

function isWhole({ labels, classes, count, seconds, step, measurement, copies, verdict, heldOut }: Evaluation): boolean {
  const figure = ['samples', 'floor', 'spectrum', 'white'];
  const { frechet, modulation, logSpectrum, level, variety } = measurement ?? {};
  return [count, seconds, step].every(isNumber) && typeof verdict === 'string' && areClasses(classes) && (classes === undefined || Array.isArray(labels)) &&
    has(heldOut, ['clips']) && Array.isArray(heldOut.files) &&
    has(frechet, [...figure, 'percent']) && has(modulation, [...figure, 'percent']) && has(logSpectrum, figure) &&
    has(level, ['samples', 'training', 'heldOut']) && (variety === undefined || has(variety, ['samples', 'training'])) &&
    [copies?.samples, copies?.heldOut].every((matches) => Array.isArray(matches) && matches.length > 0 && matches.every(isNumber));
}
