/** The page as static files: scripts, style, text, and the recordings that come with the project. */
import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Plugin } from 'esbuild';
import { inPackage } from '../cli/invocation.ts';
import { shaderModule } from './shaders.ts';

/** Files by their path within the site. */
export type Site = ReadonlyMap<string, Uint8Array>;

/** What is another thing on the page: shaders are a module, which Node reads from files, and AAC is the browser's own. */
const forPages: Plugin = {
  name: 'pages',
  setup(build) {
    build.onResolve({ filter: /^@audio\/decode-aac$/ }, () => ({ path: inPackage('web/engine/noAac.ts') }));
    build.onResolve({ filter: /^#shaders$/ }, () => ({ path: 'shaders', namespace: 'shaders' }));
    build.onLoad({ filter: /.*/, namespace: 'shaders' }, () => ({ contents: shaderModule(), loader: 'js' }));
  },
};

/** Values that PyTorch computed, which the page holds the adapter against when it is asked to. */
const goldenFiles = ['transformer-4x16.safetensors', 'diffwave-6x8-l1.safetensors'];

/** Bundles `web/`. Decoders of compressed sound are files of their own, which are fetched when such a file is met. */
export async function buildSite(): Promise<Site> {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: {
      page: inPackage('web/page.ts'), worker: inPackage('web/engine/worker.ts'), pictures: inPackage('web/view/pictureWorker.ts'), style: inPackage('web/style.css'),
    },
    outdir: '/', chunkNames: 'parts/[name]-[hash]', bundle: true, splitting: true, format: 'esm', platform: 'browser', target: 'es2022',
    define: { PACKAGE_VERSION: JSON.stringify(JSON.parse(readFileSync(inPackage('package.json'), 'utf8')).version) },
    minify: true, legalComments: 'none', write: false, logLevel: 'silent', plugins: [forPages],
  });
  const site = new Map<string, Uint8Array>();
  // Paths are of this system; the site has forward slashes.
  for (const { path, contents } of outputFiles) site.set(path.replaceAll('\\', '/').replace(/^([a-z]:)?\//i, ''), contents);
  site.set('index.html', readFileSync(inPackage('web/index.html')));
  site.set('icon.svg', readFileSync(inPackage('web/icon.svg')));
  const names = readdirSync(inPackage('music'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.wav')).sort();
  for (const name of names) site.set(`music/${basename(name)}`, readFileSync(inPackage(join('music', name))));
  site.set('music/list.json', new TextEncoder().encode(JSON.stringify(names.map((name) => basename(name)))));
  for (const name of goldenFiles) site.set(`golden/${name}`, readFileSync(inPackage(`test/golden/${name}`)));
  return site;
}

/** Bytes that a browser fetches before anything is asked of the page, as a host sends them that compresses. */
export function firstLoadBytes(site: Site): number {
  const followed = new Set<string>();
  const follow = (name: string): void => {
    const bytes = site.get(name);
    if (!bytes || followed.has(name)) return;
    followed.add(name);
    if (!name.endsWith('.js')) return;
    // Static imports of the bundle's own parts; those that are fetched later are calls of import().
    const text = new TextDecoder().decode(bytes);
    for (const [, path] of text.matchAll(/(?:from|import)\s*"(\.[^"]+)"/g)) follow(join('/', name, '..', path!).replaceAll('\\', '/').slice(1));
  };
  for (const name of ['index.html', 'icon.svg', 'style.css', 'page.js', 'worker.js', 'pictures.js']) follow(name);
  return [...followed].reduce((sum, name) => sum + gzipSync(site.get(name)!).length, 0);
}
