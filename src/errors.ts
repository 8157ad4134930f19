/**
 * What a user can mend: a wrong option, a missing folder, a file that is not what its name says, an adapter that is
 * too small. The message is one line that says what was wrong, where, and what to do; a command prints it without a
 * stack trace and exits with 1. Our own bugs are ordinary exceptions and keep their stack.
 *
 * Below `scripts/` there are no flags and no commands: messages name an option as the API does, in backticks as in
 * `cropSamples`, and a function with its parentheses, as in `train()`. A command spells both as the user types them.
 */
export class UserError extends Error {
  override readonly name = 'UserError';

  constructor(message: string, options?: ErrorOptions) {
    super(escaped(message), options); // names and what stands in files may have line breaks in them
  }
}

/** Text of one line: control characters become signs. */
export function escaped(text: string): string {
  return text.replace(/[\r\n\t]+/g, ' ').replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, '?');
}
