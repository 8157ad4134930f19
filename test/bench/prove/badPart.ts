/** A part that goes wrong in the way that it is named after, for the test of what starts parts. */
import { spawn } from 'node:child_process';
import type { PartOptions } from '../../../bench/prove/messages.ts';
import { send } from '../../../bench/prove/messages.ts';

const options: PartOptions = JSON.parse(process.argv[2]!);
send({ kind: 'adapter', from: { date: 'now', adapter: 'Card 3', driver: 'driver', software: false, versions: {} } });
send({ kind: 'row', bench: options.part, row: { before: true } });
send({ kind: 'line', text: 'a line' });
process.stdout.write('{"kind": a driver prints something like this\n');
switch (options.part) {
  case 'wrong':
    send({ kind: 'wrong', text: 'y is off' });
    send({ kind: 'wrong', text: 'so is x' });
    break;
  case 'absent':
    send({ kind: 'absent', text: 'there is no such thing here' });
    break;
  case 'throws':
    throw new Error('the pipeline was refused');
  case 'aborts':
    console.error('device.cc:12: an assertion failed');
    process.abort();
  case 'ends':
    process.exit(0);
  case 'hangs': {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    send({ kind: 'line', text: `child ${child.pid}` });
    for (;;); // not even a timer fires
  }
  case 'unfinished':
    send({ kind: 'unfinished', text: 'half of it' });
    break;
  case 'large':
    for (let i = 0; i < 200; i++) send({ kind: 'row', bench: 'large', row: { text: 'x'.repeat(10_000), i } });
    break;
}
send({ kind: 'done' });
process.exit(0);
