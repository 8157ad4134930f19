/** Which adapters are programs on the processor, and which kernels each kind gets. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isSoftwareAdapter, nameOf } from '../../../src/gpu/device/adapter.ts';
import type { Variant } from '../../../src/gpu/device/variant.ts';
import { chooseVariant, variantNamed } from '../../../src/gpu/device/variant.ts';
import { Gpu } from '../../../src/gpu/device/gpu.ts';
import { nodePlatform } from '../../../src/platform/platform.node.ts';

const test = suite('adapter');

const nameless = { vendor: '', architecture: '', device: '', description: '' };
const gpus = [
  { ...nameless, vendor: 'nvidia', architecture: 'ampere' },
  { ...nameless, vendor: 'nvidia', architecture: 'hopper', device: '0x2330', description: 'NVIDIA H100 80GB HBM3', isFallbackAdapter: false },
  { ...nameless, vendor: 'intel', architecture: 'gen-9', description: 'Intel(R) UHD Graphics 620 (KBL GT2)' },
  { ...nameless, vendor: 'apple', architecture: 'metal-3', description: 'Apple M3' },
  { ...nameless, vendor: 'mesa', architecture: '', description: 'AMD Radeon RX 6600 (RADV NAVI23)' },
];
const programs = [
  { ...nameless, isFallbackAdapter: true },
  { ...nameless, vendor: 'google', architecture: 'swiftshader' },
  { ...nameless, vendor: 'google', description: 'SwiftShader Device (Subzero)', isFallbackAdapter: false },
  { ...nameless, vendor: 'mesa', device: 'llvmpipe-llvm-15-0-6-256-bits-' },
  { ...nameless, description: 'lavapipe' },
  { ...nameless, vendor: 'microsoft', architecture: 'warp' },
  { ...nameless, vendor: 'microsoft', description: 'Microsoft Basic Render Driver' },
];

/** The variants that such an adapter with subgroups of one size can run, and the one that it gets. */
function variantsWith(lanes: number, info: object): { can: Variant[]; gets: Variant } {
  const limits = { maxUniformBufferBindingSize: 65536, maxStorageBufferBindingSize: 2 ** 27 };
  const device = { limits, features: new Set(['subgroups']) } as unknown as GPUDevice;
  const whole = { ...info, subgroupMinSize: lanes, subgroupMaxSize: lanes } as GPUAdapterInfo;
  return {
    can: (['naive', 'tile', 'broadcast'] as const).filter((name) => variantNamed(name, device, whole)),
    gets: chooseVariant(device, { info: whole, isSoftware: isSoftwareAdapter({ info: whole }) }).variant,
  };
}

test('a program is told from a GPU by its info, by the adapter in older browsers, or by its name', () => {
  for (const info of gpus) {
    assert.not.ok(isSoftwareAdapter({ info }), JSON.stringify(info));
    assert.not.ok(isSoftwareAdapter({ info, isFallbackAdapter: false }));
    assert.ok(isSoftwareAdapter({ info, isFallbackAdapter: true }));
    assert.not.match(nameOf({ info }), /software/);
  }
  for (const info of programs) {
    assert.ok(isSoftwareAdapter({ info }), JSON.stringify(info));
    assert.match(nameOf({ info }), / · software$|^unnamed adapter · software$/);
  }
});

test('programs get broadcast kernels, GPUs those for tiles', () => {
  for (const info of programs) assert.is(variantsWith(8, info).gets, 'broadcast');
  for (const info of gpus) assert.is(variantsWith(8, info).gets, 'tile');
});

test('broadcast has too many sums for the registers of a GPU whose subgroups are wide', () => {
  for (const lanes of [4, 8, 16]) assert.equal(variantsWith(lanes, gpus[0]!).can, ['naive', 'tile', 'broadcast'], String(lanes));
  for (const lanes of [32, 64, 128]) assert.equal(variantsWith(lanes, gpus[0]!).can, ['naive', 'tile'], String(lanes));
  assert.equal(variantsWith(32, programs[0]!).can, ['naive', 'tile', 'broadcast']);
});

test('a Gpu of a browser that tells only by the adapter gets the kernels of a program', async () => {
  const platform = await nodePlatform();
  const asked = async (options?: GPURequestAdapterOptions) => {
    const adapter = (await platform.gpu.requestAdapter(options))!;
    const { subgroupMinSize, subgroupMaxSize } = adapter.info;
    return {
      info: { ...gpus[0], subgroupMinSize, subgroupMaxSize }, isFallbackAdapter: true,
      limits: adapter.limits, features: adapter.features,
      requestDevice: (descriptor: GPUDeviceDescriptor) => adapter.requestDevice(descriptor),
    };
  };
  const gpu = await Gpu.open({ platform: { ...platform, gpu: { requestAdapter: asked } as unknown as GPU, release() {} } });
  assert.ok(gpu.isSoftware);
  assert.match(gpu.name, /· software$/);
  assert.is(gpu.variant.variant, 'broadcast');
  gpu.close();
});

test.run();
