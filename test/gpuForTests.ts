/** The GPU of the tests. There is none: they fail. */
import { Gpu } from '../src/gpu/device/gpu.ts';
import { nodePlatform } from '../src/platform/platform.node.ts';

let shared: Promise<Gpu> | undefined;

/** One Gpu for all tests of a process. Not for tests that make it fail: an error stays with it. */
export function gpuForTests(): Promise<Gpu> {
  return (shared ??= nodePlatform().then((platform) => Gpu.open({ platform })));
}

/**
 * A Gpu of one's own, with further shaders by stem; to be closed. `requestAdapter` is asked before the platform is: what it
 * returns or throws counts, unless that is undefined.
 */
export async function ownGpu(
  shaders: Readonly<Record<string, string>> = {}, requestAdapter: () => GPUAdapter | null | undefined = () => undefined,
): Promise<Gpu> {
  const platform = await nodePlatform();
  const gpu = {
    async requestAdapter(options?: GPURequestAdapterOptions) {
      const own = requestAdapter();
      return own === undefined ? platform.gpu.requestAdapter(options) : own;
    },
  } as unknown as GPU;
  return Gpu.open({
    recoveryPauses: [0, 1, 1],
    platform: {
      gpu,
      shader: async (stem) => shaders[stem] ?? platform.shader(stem),
      release() {}, // Dawn is the shared Gpu's, too
    },
  });
}
