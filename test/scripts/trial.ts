/** A command that does what its first argument says: what the tests of commands run as a program. */
import { UserError } from '../../src/errors.ts';
import { command } from '../../scripts/lib/cli/command.ts';
import { ensureAdapter } from '../../scripts/lib/adapter/gpu.ts';

const cli = command({
  name: 'trial',
  summary: 'for tests only',
  positionals: [{ name: 'deed', help: 'what to do', required: true }],
  flags: { size: { type: 'integer', default: 10, min: 1, help: 'letters to print' } },
});

const sleep = () => new Promise<void>((wake) => setTimeout(wake, 60_000));

await cli.does(async ({ flags, positionals }) => {
  switch (positionals.deed) {
    case 'print': process.stdout.write(`${'x'.repeat(flags.size)}\n`); return;
    case 'user': throw new UserError('the folder is empty');
    case 'bug': throw new TypeError('cannot read');
    case 'late': setTimeout(() => { throw new TypeError('too late'); }); return sleep();
    case 'forever': return new Promise(() => {});
    case 'lively': setInterval(() => {}, 60_000); return;
    case 'code': return 3;
    case 'exitCode': process.exitCode = 4; return;
    case 'adapter': await ensureAdapter(); console.log('ready'); return flags.size;
    case 'wait':
      for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => { console.log(signal); process.exit(9); });
      await ensureAdapter();
      console.log('ready');
      return sleep();
    default: throw new UserError(`no deed ${positionals.deed}`);
  }
}).run();
