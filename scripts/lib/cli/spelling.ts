/**
 * The library's messages name its options, `cropSamples`, and its functions, `train()`. On the command line they are flags and
 * commands, and are spelled so.
 */
import { typed } from './flags.ts';
import { typedCommand } from './invocation.ts';

/** The commands of functions that have another name. */
const commandOf: Readonly<Record<string, string>> = { prepareDataset: 'dataset' };

/** A message of the library as the command line says it. */
export function spelled(message: string): string {
  return message
    .replace(/`([a-z]\w*)\(\)`/gi, (_, name: string) => typedCommand(commandOf[name] ?? name).replace(/ --$/, ''))
    .replace(/`([a-z]\w*)`/g, (_, name: string) => typed(name));
}
