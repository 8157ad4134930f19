/** The page as static files: scripts, style, text, and the recordings that come with the project. */
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Plugin } from 'esbuild';
import { inPackage, isClone, packageVersion } from '../cli/invocation.ts';
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

/** Where an installed package has what `bundlePage` made: it comes without the bundler. */
export const bundledPage = 'dist/web';

/** The page with the recordings and the values that the package has in any case. */
export async function buildSite(): Promise<Site> {
  const site = new Map(isClone ? await bundlePage() : filesBelow(bundledPage));
  const music = 'music/genres_original';
  const recordings = [...filesBelow(music)].filter(([name]) => name.endsWith('.wav'));
  for (const [name, bytes] of recordings) site.set(`music/${name}`, bytes);
  site.set('music/list.json', json(recordings.map(([name]) => name)));
  // Values that PyTorch computed, which the page holds the adapter against when it is asked to.
  const golden = [...filesBelow('test/golden')];
  for (const [name, bytes] of golden) site.set(`golden/${name}`, bytes);
  site.set('golden/list.json', json(golden.map(([name]) => name)));
  return site;
}

/** Bundles `web/`. Decoders of compressed sound are files of their own, which are fetched when such a file is met. */
export async function bundlePage(): Promise<Site> {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: {
      page: inPackage('web/page.ts'), worker: inPackage('web/engine/worker.ts'), pictures: inPackage('web/view/pictureWorker.ts'), style: inPackage('web/style.css'),
    },
    outdir: '/', chunkNames: 'parts/[name]-[hash]', bundle: true, splitting: true, format: 'esm', platform: 'browser', target: 'es2022',
    define: { PACKAGE_VERSION: JSON.stringify(packageVersion()) },
    minify: true, legalComments: 'none', write: false, logLevel: 'silent', plugins: [forPages],
  });
  const page = new Map<string, Uint8Array>();
  // Paths are of this system; the site has forward slashes.
  for (const { path, contents } of outputFiles) page.set(path.replaceAll('\\', '/').replace(/^([a-z]:)?\//i, ''), contents);
  for (const name of ['index.html', 'icon.svg']) page.set(name, readFileSync(inPackage(`web/${name}`)));
  return page;
}

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** The files of a folder of the package, by their path below it. */
function filesBelow(folder: string): Site {
  const entries = readdirSync(inPackage(folder), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => relative(inPackage(folder), join(entry.parentPath ?? entry.path, entry.name))); // Node 20.11 has no parentPath yet
  return new Map(paths.sort().map((path) => [path.replaceAll('\\', '/'), readFileSync(inPackage(join(folder, path)))]));
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
