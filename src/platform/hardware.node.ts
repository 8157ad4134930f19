/**
 * Why a machine that has a GPU shows WebGPU none. Dawn reaches GPUs through Vulkan on Linux: a loader, and a manifest in one of
 * its folders that names the driver. In containers and WSL the device is often there and one of these is not, and then hours of
 * training would run on the processor.
 */
import { accessSync, constants, existsSync, readFileSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';

/** What is looked at of a machine. */
export interface Machine {
  readonly platform: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  exists(path: string): boolean;
  /** Names in a folder; none where there is no such folder, or it may not be looked into. */
  list(folder: string): string[];
  /** A small file's text, empty where it cannot be had. */
  read(path: string): string;
  mayUse(path: string): boolean;
}

/** The machine that this runs on. */
export function thisMachine(): Machine {
  const attempt = <T>(body: () => T, otherwise: T): T => {
    try {
      return body();
    } catch {
      return otherwise;
    }
  };
  return {
    platform: process.platform,
    env: process.env,
    home: homedir(),
    exists: existsSync,
    list: (folder) => attempt(() => readdirSync(folder), []),
    read: (path) => attempt(() => readFileSync(path, 'utf8').trim(), ''),
    mayUse: (path) => attempt(() => (accessSync(path, constants.R_OK | constants.W_OK), true), false),
  };
}

interface Found {
  /** 'an NVIDIA GPU'. */
  readonly what: string;
  /** Its file in /dev. */
  readonly device: string;
  /** Manifests of its drivers have such names. */
  readonly driver: RegExp;
  /** What brings its Vulkan driver. */
  readonly remedy: string;
}

const mesa = 'install Mesa\'s Vulkan drivers (Debian, Ubuntu, Fedora: mesa-vulkan-drivers; Arch: vulkan-radeon or vulkan-intel)';

/** By the PCI vendor's number. Others, such as those of virtual machines' displays, are no GPU to train on. */
const vendors: Readonly<Record<string, Pick<Found, 'what' | 'driver' | 'remedy'>>> = {
  '0x1002': { what: 'an AMD GPU', driver: /radeon|amd/i, remedy: mesa },
  '0x8086': { what: 'an Intel GPU', driver: /intel/i, remedy: mesa },
  '0x10de': { what: 'an NVIDIA GPU', driver: /nvidia|nouveau/i, remedy: 'install NVIDIA\'s driver with its Vulkan part' },
};

const manifestFolders = [
  '/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/etc/vulkan/icd.d', '/usr/local/etc/vulkan/icd.d',
];

/** Where some clusters mount NVIDIA's driver; the Vulkan loader does not look there. */
const mountedFolder = '/usr/local/nvidia/share/vulkan/icd.d';

const libraryFolders = [
  '/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib', '/lib64', '/lib', '/usr/local/lib',
];

/**
 * 'there is an NVIDIA GPU here (/dev/nvidia0), but …: …': for a machine where WebGPU finds no adapter, or a program on the
 * processor alone. Undefined where there is no GPU to be seen, and outside Linux, where drivers come with their loader.
 */
export function missedGpu(machine: Machine = thisMachine()): string | undefined {
  const found = machine.platform === 'linux' ? gpuOf(machine) : undefined;
  return found && `there is ${found.what} here (${found.device}), but ${reasonFor(found, machine)}`;
}

function gpuOf(machine: Machine): Found | undefined {
  const nvidia = machine.list('/dev').filter((name) => /^nvidia\d+$/.test(name)).sort()[0];
  if (nvidia) return { ...vendors['0x10de']!, device: `/dev/${nvidia}` };
  for (const name of machine.list('/dev/dri').filter((each) => each.startsWith('renderD')).sort()) {
    const about = `/sys/class/drm/${name}/device`;
    const known = vendors[machine.read(`${about}/vendor`)];
    if (known) return { ...known, device: `/dev/dri/${name}` };
  }
  if (!machine.exists('/dev/dxg')) return undefined;
  return { what: 'Windows\' GPU', device: '/dev/dxg', driver: /dzn/i, remedy: '' };
}

/** Whether it is the file of NVIDIA's own driver, which containers get by NVIDIA's tools. */
function isNvidia(device: string): boolean {
  return device.startsWith('/dev/nvidia');
}

function reasonFor({ device, driver, remedy }: Found, machine: Machine): string {
  const { env } = machine;
  if (device === '/dev/dxg') {
    return 'WSL hands it on to CUDA and Direct3D, not to a Vulkan that WebGPU can use: run this in Windows itself, with Node.js for Windows';
  }
  if (!machine.mayUse(device)) {
    return `this user may not use it: become a member of its group (\`ls -l ${device}\`; mostly \`sudo usermod -aG render $USER\`, then log in again)`;
  }
  const chosen = (['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'] as const).find((name) => env[name]);
  if (chosen && !env[chosen]!.split(':').some((path) => driver.test(basename(path)))) {
    return `${chosen} hides its driver: unset it`;
  }
  const capabilities = env.NVIDIA_DRIVER_CAPABILITIES;
  if (isNvidia(device) && capabilities && !/\b(all|graphics)\b/.test(capabilities)) {
    return `NVIDIA_DRIVER_CAPABILITIES=${capabilities} of this container has no 'graphics': start it with NVIDIA_DRIVER_CAPABILITIES=all`;
  }
  if (!chosen) {
    const own = [join(env.XDG_DATA_HOME || join(machine.home, '.local/share'), 'vulkan/icd.d')];
    const added = (env.VK_ADD_DRIVER_FILES ?? '').split(':').map((path) => basename(path));
    const manifests = [...[...manifestFolders, ...own].flatMap((folder) => machine.list(folder)), ...added];
    if (!manifests.some((name) => driver.test(name))) return withoutManifest(device, remedy, machine);
  }
  const folders = [...(env.LD_LIBRARY_PATH ?? '').split(':').filter(Boolean), ...libraryFolders];
  if (!folders.some((folder) => machine.list(folder).some((name) => name.startsWith('libvulkan.so')))) {
    return 'there is no Vulkan loader: install it (Debian, Ubuntu: libvulkan1; Fedora: vulkan-loader; Arch: vulkan-icd-loader)';
  }
  return 'its Vulkan driver gives no adapter: see what `vulkaninfo` says, and update the driver';
}

function withoutManifest(device: string, remedy: string, machine: Machine): string {
  const mounted = isNvidia(device) ? machine.list(mountedFolder).find((name) => /nvidia/i.test(name)) : undefined;
  if (mounted) return `Vulkan does not look where its driver is: set VK_ADD_DRIVER_FILES=${mountedFolder}/${mounted}`;
  const isContainer = machine.exists('/.dockerenv') || machine.exists('/run/.containerenv') || machine.env.KUBERNETES_SERVICE_HOST;
  if (isNvidia(device) && isContainer) {
    return 'this container has no Vulkan driver for it: start it with NVIDIA_DRIVER_CAPABILITIES=all';
  }
  return `there is no Vulkan driver for it: ${remedy}`;
}
