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
}
