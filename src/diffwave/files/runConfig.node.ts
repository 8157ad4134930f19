/** The config.json of a run folder. */
import { parseJsonFile } from '../../disk/files.node.ts';
import type { RunConfig } from './runConfig.ts';
import { checkedRunConfig } from './runConfig.ts';

/** The configuration in a file. Throws a `UserError` that names the file and the first field that is wrong. */
export function readRunConfig(file: string): RunConfig {
  return checkedRunConfig(parseJsonFile<RunConfig>(file), file);
}
