/**
 * What a user can mend: a wrong flag, a missing folder, a file that is not what its name says, an adapter that is
 * too small. The message is one line that says what was wrong, where, and what to do; a command prints it without a
 * stack trace and exits with 1. Our own bugs are ordinary exceptions and keep their stack.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
}
