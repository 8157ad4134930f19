/** What the engine needs from the world around it. The package's entries hand it in: Node's, and that for browsers. */
export interface Platform {
  /** Where adapters come from: `navigator.gpu`, or Dawn's Node binding. */
  readonly gpu: GPU;
  /** The text of `shaders/<stem>.wgsl`. */
  shader(stem: string): Promise<string>;
  /** Lets go of whatever keeps the process alive. */
  release(): void;
}

let usual: (() => Promise<Platform>) | undefined;

/** Says where a `Gpu` that is opened without a platform gets one from. */
export function providePlatform(open: () => Promise<Platform>): void {
  usual = open;
}

/** The platform of the running program. Throws a `TypeError` where nobody has provided one. */
export async function defaultPlatform(): Promise<Platform> {
  if (usual) return usual();
  throw new TypeError('no platform: pass { platform: { gpu, shader, release } } to Gpu.open(), or call providePlatform()');
}
