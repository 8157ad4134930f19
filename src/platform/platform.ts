/** What the engine needs from the world around it. The package's entries hand it in: Node's, and that for browsers. */
export interface Platform {
  /** Where adapters come from: `navigator.gpu`, or Dawn's Node binding. */
  readonly gpu: GPU;
  /** The text of `shaders/<stem>.wgsl`. */
  shader(stem: string): Promise<string>;
  /** Lets go of whatever keeps the process alive. */
  release(): void;
  /** Told of every promise of a software adapter, where waiting for one takes processor time from what it waits for. */
  rest?(promise: Promise<unknown>): void;
}

/** What is asked of it beyond the usual. */
export interface PlatformOptions {
  /** Lets adapters offer subgroup matrices, where that has to be switched on. */
  readonly matrices?: boolean;
  /** Name of the adapter that shall be taken, as Dawn lists it; elsewhere it has no meaning. */
  readonly adapter?: string;
}

let usual: ((options: PlatformOptions) => Promise<Platform>) | undefined;

/** Says where a `Gpu` that is opened without a platform gets one from. */
export function providePlatform(open: (options: PlatformOptions) => Promise<Platform>): void {
  usual = open;
}

/** The platform of the running program. Throws a `TypeError` where nobody has provided one. */
export async function defaultPlatform(options: PlatformOptions = {}): Promise<Platform> {
  if (usual) return usual(options);
  throw new TypeError('no platform: pass { platform: { gpu, shader, release } } to Gpu.open(), or call providePlatform()');
}
