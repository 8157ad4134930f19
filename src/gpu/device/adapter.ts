/** What an adapter is: a GPU, or a program on the processor that stands in for one. */

/** What is asked for: the most capable adapter. */
export const bestAdapter: GPURequestAdapterOptions = { powerPreference: 'high-performance' };

type Info = Pick<GPUAdapterInfo, 'vendor' | 'architecture' | 'device' | 'description'> & { readonly isFallbackAdapter?: boolean };

/** SwiftShader (Chrome), Mesa's llvmpipe and lavapipe, Windows' WARP: by these names in browsers that say nothing else. */
const softwareNames = /swiftshader|llvmpipe|lavapipe|softpipe|basic render driver|^warp$/i;

/** Whether it is a program on the processor, by what it says about itself and by the names of those that say nothing. */
export function isSoftwareInfo({ isFallbackAdapter, vendor, architecture, device, description }: Info): boolean {
  return isFallbackAdapter === true || [vendor, architecture, device, description].some((name) => softwareNames.test(name ?? ''));
}

/** The same of an adapter: browsers before 2025 say it there and not in its info. */
export function isSoftwareAdapter(adapter: { readonly info: Info; readonly isFallbackAdapter?: boolean }): boolean {
  return adapter.isFallbackAdapter === true || isSoftwareInfo(adapter.info);
}

/** 'llvmpipe (LLVM 15.0.6, 256 bits) · mesa · software'. */
export function nameOf(adapter: Parameters<typeof isSoftwareAdapter>[0]): string {
  const { description, device, vendor, architecture } = adapter.info;
  const kind = isSoftwareAdapter(adapter) ? 'software' : architecture || 'GPU';
  return [description || device || 'unnamed adapter', vendor, kind].filter(Boolean).join(' · ');
}
