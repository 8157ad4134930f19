/** The page on this machine: nobody else's can reach it. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Site } from './site.ts';

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', json: 'application/json',
  svg: 'image/svg+xml', wav: 'audio/wav', wasm: 'application/wasm',
};

/** Serves the site on 127.0.0.1; port 0 takes one that is free. Resolves to the server and its address. */
export async function serveSite(site: Site, port: number): Promise<{ server: Server; address: string }> {
  const server = createServer(({ method, url = '/' }, response) => {
    const path = new URL(url, 'http://localhost').pathname.slice(1) || 'index.html';
    const bytes = site.get(path);
    if (!bytes || (method !== 'GET' && method !== 'HEAD')) return void response.writeHead(bytes ? 405 : 404).end();
    const type = types[path.slice(path.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
    response.writeHead(200, { 'content-type': type, 'content-length': bytes.length, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    response.end(method === 'HEAD' ? undefined : bytes);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return { server, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}
