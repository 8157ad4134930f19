/**
 * The one owner of dawn.node, the WebGPU implementation that Node gets from the package `webgpu`. It is not the
 * device: limits, features and errors are `gpu.ts`, which takes the `GPU` object from here or from a browser.
 */
import { UserError } from '../errors.ts';
import type { PlatformOptions } from './platform.ts';

/** Held here because dawn.node crashes when the object is collected while an adapter or device made from it lives. */
let provider: { gpu: GPU; toggles: string } | undefined;

/**
 * Dawn hides f16 on NVIDIA's Vulkan driver because some of its conformance tests fail there. We offer it, for mixed
 * precision, which compares its results with float32 before it is used. And Dawn clamps every index of an array unless its
 * compiler can show that it stays within: that analysis is asked for by name, as it is the default of some backends only.
 */
const usualToggles = ['enable-dawn-features=vulkan_enable_f16_on_nvidia,enable_integer_range_analysis_in_robustness'];

/**
 * Subgroup matrices are an experiment of Dawn's, which has them only where `allow_unsafe_apis` does. No check is switched off by
 * that; it lets through what may change or have gaps, for kernels of our own, and only where somebody asked for it.
 */
const matrixToggles = usualToggles.map((toggle) => `${toggle},allow_unsafe_apis`);

/** Dawn's flags for what is asked of it. */
export function togglesFor({ matrices = false, adapter }: PlatformOptions): string[] {
  return [...(matrices ? matrixToggles : usualToggles), ...(adapter === undefined ? [] : [`adapter=${adapter}`])];
}

/**
 * The names of all adapters, in Dawn's order. It tells them only to who asks for one that there is not. GPUs of one kind have one
 * name, and Dawn takes the first of those whose name has the wanted one in it.
 */
export async function adapterNames(): Promise<string[]> {
  const { create } = await loadDawn();
  const nobody = 'adapter=\u0001';
  const text = await create([nobody]).requestAdapter().then(() => '', (error: unknown) => String((error as Error)?.message ?? error));
  return [...text.matchAll(/^ \* backend: '[^']*', name: '(.*)'$/gm)].map(([, name]) => name!);
}

/**
 * Dawn's `navigator.gpu`, made on the first call and the same one afterwards, and the WebGPU constants
 * (`GPUBufferUsage`, `GPUMapMode`, …) as globals. `toggles` are Dawn's own flags, such as
 * `enable-dawn-features=dump_shaders`, for experiments only. Throws a `UserError` where dawn.node has no binary.
 */
export async function openProvider(toggles: string[] = usualToggles): Promise<GPU> {
  const wanted = toggles.join(' ');
  if (provider && provider.toggles !== wanted) {
    throw new Error(`dawn.node is open with toggles '${provider.toggles}', not '${wanted}': releaseProvider() first`);
  }
  if (!provider) {
    const { create, globals } = await loadDawn();
    // lavapipe reads it when the adapter is made; other drivers ignore it.
    process.env.LP_NUM_THREADS ??= '4';
    Object.assign(globalThis, globals);
    provider ??= { gpu: create(toggles), toggles: wanted };
  }
  return provider.gpu;
}

/** Lets go of Dawn, which otherwise keeps the process alive. Adapters and devices must not be used any more. */
export function releaseProvider(): void {
  provider = undefined;
}

async function loadDawn(): Promise<typeof import('webgpu')> {
  try {
    return await import('webgpu');
  } catch (error) {
    const reason = String((error as Error).message).split('\n')[0];
    throw new UserError(
      `dawn.node, Node's WebGPU, does not load on ${process.platform}-${process.arch} (${reason}); ` +
      'Linux and Windows on x64 or arm64 and macOS have it',
    );
  }
}
