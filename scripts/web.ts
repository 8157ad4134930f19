/** npm run web: the notebook as a page, served on this machine or written as static files. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../src/errors.ts';
import { writeFileAtomic } from '../src/disk/files.node.ts';
import { command } from './lib/cli/command.ts';
import { interruptSignal } from './lib/cli/interrupt.ts';
import { serveSite } from './lib/web/serve.ts';
import { buildSite, firstLoadBytes } from './lib/web/site.ts';

export default command({
  name: 'web',
  summary: 'Builds the page that trains and samples in a browser, and serves it on 127.0.0.1.',
  flags: {
    out: { type: 'string', placeholder: '<folder>', help: 'write static files there, for any host and any path, in place of serving them' },
    port: { type: 'integer', default: 8080, min: 0, max: 65535, help: 'where it is served; 0: one that is free' },
  },
}).does(async ({ flags, given }) => {
  if (flags.out !== undefined && given.has('port')) throw new UserError('--port is for serving, and with --out nothing is served');
  if (flags.out !== undefined) requireSiteOrNothing(flags.out);
  const site = await buildSite();
  console.log(`page      ${site.size} files, ${(firstLoadBytes(site) / 1000).toFixed(0)} kB compressed at first load`);
  if (flags.out !== undefined) {
    for (const [path, bytes] of site) writeFileAtomic(join(flags.out, path), bytes);
    console.log(`wrote     ${flags.out}: put it on any static host`);
    return;
  }
  const { server, address } = await serveSite(site, flags.port).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    throw new UserError(`port ${flags.port} is taken by another program: give another --port, or 0 for one that is free`);
  });
  console.log(`open      ${address} in a browser that has WebGPU (Ctrl-C ends it)`);
  const signal = interruptSignal('stopping');
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  server.closeAllConnections();
  server.close();
});

/** Somebody's folder is not ours to mix files into. */
function requireSiteOrNothing(folder: string): void {
  if (!existsSync(folder) || readdirSync(folder).length === 0 || existsSync(join(folder, 'music', 'list.json'))) return;
  throw new UserError(`${folder} has other files in it: choose an empty folder for --out`);
}
