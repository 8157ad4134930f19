/**
 * What the engine needs from the world around it. Node's side is `platform.node.ts`; a browser hands in its own
 * `navigator.gpu` and a function that fetches shaders.
 */
export interface Platform {
  /** Where adapters come from: `navigator.gpu`, or Dawn's Node binding. */
  readonly gpu: GPU;
  /** The text of `shaders/<stem>.wgsl`. */
  shader(stem: string): Promise<string>;
  /** Lets go of whatever keeps the process alive. */
  release(): void;
}

/** The platform of the running program where it can be found out: Node, or an error that says what to pass. */
export async function defaultPlatform(): Promise<Platform> {
  if (typeof process === 'undefined' || !process.versions?.node) {
    throw new TypeError('outside Node, pass { platform: { gpu: navigator.gpu, shader, release } } to Gpu.open()');
  }
  return (await import('./platform.node.ts')).nodePlatform();
}
