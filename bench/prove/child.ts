/** Child of `prove`: one part, in a process of its own, so that whatever it does to the device or to Dawn ends with it. */
import { endProcess, explain } from '../../scripts/lib/cli/command.ts';
import type { PartOptions } from './messages.ts';
import { send } from './messages.ts';
import { PartContext } from './part.ts';
import { parts } from './parts.ts';

const options: PartOptions = JSON.parse(process.argv[2]!);
// Whoever started it ends it in time, unless that was killed itself.
setTimeout(() => process.exit(1), (options.seconds + 10) * 1000).unref();
const spec = parts.find(({ name }) => name === options.part);
try {
  if (!spec) throw new Error(`there is no part '${options.part}'`);
  await (await spec.load())(new PartContext(options, send));
  send({ kind: 'done' });
  await endProcess(0);
} catch (error) {
  console.error(explain(error).text);
  await endProcess(1);
}
