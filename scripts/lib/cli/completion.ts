/** Completion of commands and flags in a shell, out of what the commands say of themselves. */
import tab from '@bomb.sh/tab';
import { UserError } from '../../../src/errors.ts';
import type { CommandSpec } from './flags.ts';
import { typed } from './flags.ts';

const shells = ['bash', 'zsh', 'fish', 'powershell'];

/**
 * Prints a shell's script (`complete bash`), or what such a script asks (`complete -- tr`). Throws a `UserError` on anything
 * else.
 */
export function completions(specs: readonly CommandSpec[], [first, ...words]: readonly string[]): void {
  if (first !== '--' && !(words.length === 0 && shells.includes(first ?? ''))) {
    throw new UserError(`complete wants one shell: ${shells.join(', ')}`);
  }
  for (const { name, summary, flags } of specs) {
    const command = tab.command(name, summary);
    for (const [key, flag] of Object.entries(flags)) {
      const option = typed(key).slice(2);
      if (flag.type === 'string' && flag.choices) {
        const { choices } = flag;
        command.option(option, flag.help, (complete) => choices.forEach((choice) => complete(choice, '')));
      } else if (flag.type === 'boolean') command.option(option, flag.help);
      else command.option(option, flag.help, () => undefined);
    }
    command.option('help', 'print this and exit');
  }
  if (first === '--') tab.parse([...words]);
  else tab.setup('diffwave', 'npx diffwave', first!);
}
