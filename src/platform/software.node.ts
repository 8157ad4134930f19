/**
 * A WebGPU adapter for machines without a GPU: Mesa's lavapipe, which runs Vulkan on the CPU, unpacked from the
 * distribution's own packages into the user's cache folder. Nothing is installed, the system is not touched, and root
 * is not needed. It works where there is apt (Debian, Ubuntu and their like); elsewhere it says what to install.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../disk/cache.node.ts';
import { makeFolder, temporaryName } from '../disk/files.node.ts';
import { UserError } from '../errors.ts';

/** What brings an adapter to the whole system, by platform. */
const BY_HAND: Partial<Record<NodeJS.Platform, string>> = {
  linux: 'install the Vulkan driver of your GPU, or Mesa\'s for the CPU (Debian, Ubuntu: mesa-vulkan-drivers ' +
    'libvulkan1; Fedora: mesa-vulkan-drivers vulkan-loader; Arch: vulkan-swrast vulkan-icd-loader)',
  darwin: 'a Mac with Metal is needed; a virtual machine has to pass its GPU on',
  win32: 'install or update the driver of your graphics card (Direct3D 12)',
};

/** Their versions must be those that Node itself runs with, so they come from the system. */
const SYSTEM_PACKAGES = /^(libc6|libstdc\+\+6|libgcc-s1|gcc-[\d.]+-base)$/;

/** Debian 12 has Mesa 22.3, on which Dawn finds no adapter; its backports have 25.0. Newer releases are new enough. */
const NEEDS_BACKPORTS = ['bookworm'];

/** The error for a machine where no adapter can be had: `why`, then what to install. */
export function noAdapter(why: string): UserError {
  return new UserError(`${why}; ${BY_HAND[process.platform] ?? 'install a Vulkan driver'}`);
}

/**
 * The environment variables with which Node has to be started to find lavapipe, fetched and unpacked on the first
 * call (on Debian 12 56 MB of packages, 250 MB on disk), which `log` tells. Undefined if DIFFWAVE_SOFTWARE_ADAPTER is `off`. Throws
 * a `UserError` where it cannot be had. Processes that call it at once do not disturb each other.
 */
export async function prepareSoftwareAdapter(
  log: (line: string) => void,
): Promise<Record<string, string> | undefined> {
  if (process.env.DIFFWAVE_SOFTWARE_ADAPTER === 'off') return undefined;
  const release = readRelease();
  if (process.platform !== 'linux' || !release || !existsSync('/usr/bin/apt-get')) {
    throw noAdapter('no WebGPU adapter, and without apt no software adapter can be fetched');
  }
  const folder = join(cacheFolder(), `lavapipe-${release.id}-${release.codename}-${process.arch}`);
  if (!existsSync(folder)) {
    await fetchLavapipe({ folder, release, log }).catch((error: Error) => {
      throw noAdapter(`no WebGPU adapter, and fetching a software adapter failed (${error.message})`);
    });
  }
  return environmentOf(folder);
}

interface Release {
  id: string; // debian, ubuntu, …
  codename: string; // bookworm, noble, …
}

/** Name of the distribution, from os-release(5). */
function readRelease(): Release | undefined {
  if (!existsSync('/etc/os-release')) return undefined;
  const text = readFileSync('/etc/os-release', 'utf8');
  const field = (key: string) => text.match(new RegExp(`^${key}="?([\\w.-]+)`, 'm'))?.[1];
  const [id, codename] = [field('ID'), field('VERSION_CODENAME')];
  return id && codename ? { id, codename } : undefined;
}

/** Fills `folder`, which appears only when it is complete. */
async function fetchLavapipe({ folder, release, log }: {
  folder: string; release: Release; log: (line: string) => void;
}): Promise<void> {
  const work = temporaryName(folder);
  const unpacked = join(work, 'unpacked');
  const stop = new AbortController(); // an interrupted download is cleared away
  const interrupt = () => stop.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    log(`no adapter found: fetching a software adapter (Mesa lavapipe) into ${folder}`);
    for (const name of ['state/lists/partial', 'cache/archives/partial', 'packages', 'unpacked']) {
      makeFolder(join(work, name));
    }
    const apt = await openApt({ work, release, signal: stop.signal });
    const packages = await apt.closure(['mesa-vulkan-drivers', 'libvulkan1']);
    const megabytes = Math.round(packages.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6);
    log(`from ${apt.sources}, ${megabytes} MB: ${packages.map(({ name }) => name).join(' ')}`);
    for (const file of await apt.download(packages)) {
      await run('dpkg-deb', ['-x', file, unpacked], { signal: stop.signal });
    }
    writeManifest(unpacked);
    try {
      renameSync(unpacked, folder);
    } catch (error) {
      if (!existsSync(folder)) throw error; // otherwise another process was faster, and its folder is as good
    }
    log('done; the system itself is unchanged, and the folder may be deleted at any time');
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    rmSync(work, { recursive: true, force: true });
  }
}

interface Package {
  name: string;
  bytes: number; // of the .deb file
}

/** Apt with the machine's mirrors, proxies and keys, but with all of its state under `work`. */
async function openApt({ work, release, signal }: { work: string; release: Release; signal: AbortSignal }) {
  const backports = NEEDS_BACKPORTS.includes(release.codename) ? `${release.codename}-backports` : undefined;
  const state = { 'Dir::State': join(work, 'state'), 'Dir::Cache': join(work, 'cache'), 'Debug::NoLocking': '1' };
  const asOptions = Object.entries(state).flatMap(([key, value]) => ['-o', `${key}=${value}`]);

  // `apt-get indextargets` would name the mirrors too, but is silent where the package lists were never fetched.
  const targets = await run('apt-get', [...asOptions, 'update', '--print-uris'], { signal });
  const { uri, suites, components } = findArchive(targets, release);
  const keyring = `/usr/share/keyrings/${release.id}-archive-keyring.gpg`;
  const sources = join(work, 'distribution.sources');
  writeFileSync(sources, [
    'Types: deb',
    `URIs: ${uri}`,
    `Suites: ${[...suites, ...(backports ? [backports] : [])].join(' ')}`,
    `Components: ${components.join(' ')}`,
    'Targets: Packages',
    ...(existsSync(keyring) ? [`Signed-By: ${keyring}`] : []),
  ].join('\n') + '\n');

  // Only how to reach the network is taken over: the machine's hooks and pins are about its own packages.
  const machine = await run('apt-config', ['dump'], { signal });
  const config = join(work, 'apt.conf');
  writeFileSync(config, [
    ...machine.split('\n').filter((line) => /^(Acquire::|APT::Architecture )/.test(line)),
    ...Object.entries({
      ...state,
      'Dir::State::status': '/dev/null', // nothing counts as installed, so that the whole closure is listed
      'Dir::Etc::main': '/dev/null',
      'Dir::Etc::parts': '/dev/null',
      'Dir::Etc::preferences': '/dev/null',
      'Dir::Etc::preferencesparts': '/dev/null',
      'Dir::Etc::sourcelist': sources,
      'Dir::Etc::sourceparts': '/dev/null',
      'APT::Sandbox::User': 'root', // as root: apt's own user cannot write here
      'APT::Update::Error-Mode': 'any',
      ...(backports ? { 'APT::Default-Release': backports } : {}),
    }).map(([key, value]) => `${key} "${value}";`),
  ].join('\n') + '\n');
  const aptGet = (args: string[], cwd = work) =>
    run('apt-get', ['-q', ...args], { signal, cwd, env: { ...process.env, APT_CONFIG: config, LC_ALL: 'C' } });

  // A suite that is missing is no reason to stop as long as the packages are found.
  const updateError = await aptGet(['update']).then(() => undefined, (error: Error) => error);
  return {
    sources: `${uri} (${release.codename}${backports ? ` with ${backports}` : ''})`,
    /** The packages that `names` need beside those of the system. */
    async closure(names: string[]): Promise<Package[]> {
      const args = ['install', '--yes', '--no-install-recommends', '--print-uris', ...names];
      const listing = await aptGet(args).catch((error: Error) => { throw updateError ?? error; });
      const files = [...listing.matchAll(/^'[^']+' ([^_ ]+)_\S+ (\d+)/gm)];
      return files.map(([, name, bytes]) => ({ name: name!, bytes: Number(bytes) }))
        .filter(({ name }) => !SYSTEM_PACKAGES.test(name!));
    },
    /** Their .deb files, with apt's check of the signed hashes. */
    async download(packages: Package[]): Promise<string[]> {
      const folder = join(work, 'packages');
      await aptGet(['download', ...packages.map(({ name }) => name)], folder);
      return readdirSync(folder).map((name) => join(folder, name));
    },
  };
}

/** The distribution's own archive among the lines of `apt-get update --print-uris`, which names every source. */
export function findArchive(
  targets: string,
  { codename }: { codename: string },
): { uri: string; suites: string[]; components: string[] } {
  const found = [...targets.matchAll(/^'(?!cdrom:)([^']+?)\/?\/dists\/([^/']+)\/([^/']+)\/binary-[^/']+\/Packages/gm)]
    .map(([, uri, suite, component]) => ({ uri, suite, component }));
  // Other vendors name their suites after the release too, but have no component main with updates beside it.
  const isOwn = ({ suite, component }: typeof found[number]) =>
    component === 'main' && [codename, 'stable', 'oldstable', 'testing', 'unstable', 'sid'].includes(suite!);
  const uri = found.find(isOwn)?.uri;
  if (!uri) throw new Error(`no archive of ${codename} among the machine's package sources`);
  const own = found.filter((target) => target.uri === uri);
  return {
    uri,
    suites: [...new Set(own.map(({ suite }) => suite!))],
    components: [...new Set(own.map(({ component }) => component!))].filter((name) => /^(main|universe)$/.test(name!)),
  };
}

/** The driver's manifest with the library's bare name: it is looked up in LD_LIBRARY_PATH, wherever the folder lies. */
function writeManifest(unpacked: string): void {
  const folder = join(unpacked, 'usr/share/vulkan/icd.d');
  const name = readdirSync(folder).find((file) => file.startsWith('lvp_icd'));
  if (!name) throw new Error('mesa-vulkan-drivers has no lavapipe in it');
  const manifest = JSON.parse(readFileSync(join(folder, name), 'utf8'));
  manifest.ICD.library_path = basename(manifest.ICD.library_path);
  writeFileSync(join(unpacked, 'lavapipe.json'), JSON.stringify(manifest, null, 2));
}

function environmentOf(folder: string): Record<string, string> {
  // Libraries lie in usr/lib/<architecture> or, before Debian 13, some in lib/<architecture>.
  const libraries = ['usr/lib', 'lib']
    .map((name) => join(folder, name))
    .filter((path) => existsSync(path))
    .flatMap((path) => readdirSync(path).map((name) => join(path, name)))
    .filter((path) => statSync(path).isDirectory() && readdirSync(path).some((name) => name.includes('.so')));
  return {
    LD_LIBRARY_PATH: [...libraries, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':'),
    VK_DRIVER_FILES: join(folder, 'lavapipe.json'),
    LP_NUM_THREADS: process.env.LP_NUM_THREADS ?? '4',
  };
}

/** Output of a program; its failure is an Error with what it said. */
async function run(
  program: string,
  args: string[],
  options: { signal: AbortSignal; cwd?: string; env?: NodeJS.ProcessEnv },
): Promise<string> {
  try {
    return (await promisify(execFile)(program, args, { maxBuffer: 1 << 26, ...options })).stdout;
  } catch (error) {
    const said = String((error as { stderr?: string }).stderr ?? '').trim().split('\n');
    const reason = said.find((line) => line.startsWith('E: ')) ?? said[0];
    throw new Error(reason || (error as Error).message);
  }
}
