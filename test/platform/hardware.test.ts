/** GPUs that a machine has and WebGPU does not show: machines of a test's making, and this one. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { unusedGpuNote } from '../../scripts/lib/adapter/gpu.ts';
import type { Machine } from '../../src/platform/hardware.node.ts';
import { missedGpu, thisMachine } from '../../src/platform/hardware.node.ts';

const test = suite('hardware');

/** A machine of these files, with their text; `forbidden` may not be used. */
function machine({ files, env = {}, forbidden = [], platform = 'linux' }: {
  files: Readonly<Record<string, string>> | readonly string[]; env?: Machine['env']; forbidden?: readonly string[]; platform?: string;
}): Machine {
  const texts = new Map(Array.isArray(files) ? files.map((path: string) => [path, '']) : Object.entries(files));
  const within = (folder: string): string[] =>
    [...texts.keys()].filter((path) => path.startsWith(`${folder}/`)).map((path) => path.slice(folder.length + 1).split('/')[0]!);
  return {
    platform, env, home: '/home/me',
    exists: (path) => texts.has(path) || within(path).length > 0,
    list: (folder) => [...new Set(within(folder))],
    read: (path) => texts.get(path) ?? '',
    mayUse: (path) => texts.has(path) && !forbidden.includes(path),
  };
}

const nvidia = ['/dev/nvidia0', '/dev/nvidiactl'];
const loader = '/usr/lib/x86_64-linux-gnu/libvulkan.so.1';
const manifest = (name: string, folder = '/usr/share/vulkan/icd.d'): string => `${folder}/${name}`;
const dri = (vendor: string): Record<string, string> =>
  ({ '/dev/dri/card0': '', '/dev/dri/renderD128': '', '/sys/class/drm/renderD128/device/vendor': vendor });

const says = (given: Parameters<typeof machine>[0], wanted: RegExp): void => {
  const said = missedGpu(machine(given));
  assert.match(String(said), wanted);
  assert.not.match(String(said), /\n/);
};

test('no GPU, or one of a virtual machine\'s display, is none that was missed', () => {
  for (const files of [[], [loader, manifest('lvp_icd.json')], dri('0x1af4'), dri('0x15ad'), dri(''), ['/dev/nvidiactl', '/dev/nvidia-uvm']]) {
    assert.is(missedGpu(machine({ files })), undefined);
  }
  assert.is(missedGpu(machine({ files: nvidia, platform: 'win32' })), undefined);
});

test('a container whose NVIDIA driver came without graphics', () => {
  const env = { NVIDIA_DRIVER_CAPABILITIES: 'compute,utility' };
  says({ files: [...nvidia, loader], env },
    /^there is an NVIDIA GPU here \(\/dev\/nvidia0\), but NVIDIA_DRIVER_CAPABILITIES=compute,utility of this container has no 'graphics': start it with NVIDIA_DRIVER_CAPABILITIES=all$/);
  says({ files: ['/dev/nvidia3', loader, '/.dockerenv'] }, /\(\/dev\/nvidia3\), but this container has no Vulkan driver for it: start it with NVIDIA_DRIVER_CAPABILITIES=all$/);
  says({ files: [...nvidia, loader, manifest('lvp_icd.json')], env: { NVIDIA_DRIVER_CAPABILITIES: 'all' } },
    /there is no Vulkan driver for it: install NVIDIA's driver/);
});

test('a driver that was mounted where Vulkan does not look', () => {
  const folder = '/usr/local/nvidia/share/vulkan/icd.d';
  says({ files: [...nvidia, loader, manifest('nvidia_icd.json', folder)] },
    /but Vulkan does not look where its driver is: set VK_ADD_DRIVER_FILES=\/usr\/local\/nvidia\/share\/vulkan\/icd\.d\/nvidia_icd\.json$/);
  says({ files: [...nvidia, loader, manifest('nvidia_icd.json', folder)], env: { VK_ADD_DRIVER_FILES: manifest('nvidia_icd.json', folder) } },
    /its Vulkan driver gives no adapter/);
});

test('a driver that a variable hides', () => {
  const files = [...nvidia, loader, manifest('nvidia_icd.json')];
  for (const name of ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES']) {
    says({ files, env: { [name]: '/opt/lvp_icd.json' } }, new RegExp(`but ${name} hides its driver: unset it$`));
    says({ files, env: { [name]: '/opt/lvp_icd.json:/opt/nvidia_icd.json' } }, /its Vulkan driver gives no adapter/);
  }
});

test('Mesa\'s GPUs: no driver, no loader, no right to use it, a driver that fails', () => {
  for (const [vendor, name, own] of [['0x1002', 'an AMD GPU', 'radeon_icd.x86_64.json'], ['0x8086', 'an Intel GPU', 'intel_icd.x86_64.json']] as const) {
    const found = `^there is ${name} here \\(/dev/dri/renderD128\\), but `;
    says({ files: dri(vendor) }, new RegExp(`${found}there is no Vulkan driver for it: install Mesa's`));
    says({ files: { ...dri(vendor), [manifest('lvp_icd.json')]: '', [loader]: '' } }, new RegExp(`${found}there is no Vulkan driver for it`));
    for (const folder of ['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d', '/home/me/.local/share/vulkan/icd.d']) {
      const files = { ...dri(vendor), [manifest(own, folder)]: '' };
      says({ files }, new RegExp(`${found}there is no Vulkan loader: install it`));
      says({ files: { ...files, [loader]: '' } }, new RegExp(`${found}its Vulkan driver gives no adapter: see what`));
      says({ files: { ...files, '/opt/vulkan/libvulkan.so': '' }, env: { LD_LIBRARY_PATH: '/nowhere:/opt/vulkan' } }, /its Vulkan driver gives no adapter/);
    }
    says({ files: dri(vendor), forbidden: ['/dev/dri/renderD128'] }, new RegExp(`${found}this user may not use it: .*usermod -aG render`));
  }
});

test('WSL', () => says({ files: ['/dev/dxg', loader] }, /^there is Windows' GPU here \(\/dev\/dxg\), but WSL .*: run this in Windows itself/));

test('a line for whoever gets a program in place of a GPU, or nothing; none for whoever has a GPU', () => {
  const withGpu = machine({ files: nvidia });
  const adapter = (isFallbackAdapter: boolean) => ({ info: { vendor: 'x', architecture: '', device: '', description: '', isFallbackAdapter } }) as unknown as GPUAdapter;
  const line = /^note: there is an NVIDIA GPU here \(\/dev\/nvidia0\), but .*\. On the processor everything may take a hundred times as long$/;
  assert.match(String(unusedGpuNote(null, withGpu)), line);
  assert.match(String(unusedGpuNote(adapter(true), withGpu)), line);
  assert.is(unusedGpuNote(adapter(false), withGpu), undefined);
  assert.is(unusedGpuNote(adapter(true), machine({ files: [] })), undefined);
});

test('this machine can be looked at', () => {
  const real = thisMachine();
  assert.ok(real.exists('/'));
  assert.is(real.exists('/no such file'), false);
  assert.equal(real.list('/no such folder'), []);
  assert.is(real.read('/no such file'), '');
  assert.is(real.mayUse('/no such file'), false);
  assert.ok(real.list(import.meta.dirname).includes('hardware.test.ts'));
  assert.match(real.read(`${import.meta.dirname}/hardware.test.ts`), /^\/\*\* GPUs that/);
});

test.run();
