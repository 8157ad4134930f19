/** Kernels: WGSL files compiled once per set of constants, with errors that show the line of the file. */
import type { Binding, Field, ShaderInterface } from './wgsl.ts';
import type { Constants } from './expand.ts';
import { slicedText } from './sliced.ts';
import { assemble, parseInterface } from './wgsl.ts';

/** Names one compiled kernel: the file, its entry point, and everything the compiler is to know. */
export interface KernelSpec {
  /** Stem of the file in `shaders/`, or the name of one's own `source`. */
  readonly shader: string;
  /** WGSL in place of a file of `shaders/`; it may use the same directives. */
  readonly source?: string;
  readonly entry: string;
  /** Generated header: what must be a constant for the compiler (lane type, tile sizes). */
  readonly constants?: Constants;
  /** Pipeline-overridable constants: flags and sizes. */
  readonly overrides?: Readonly<Record<string, number | boolean>>;
  /** Whether it starts at a row of its grid that a further field of its `params` gives: see `slices.ts`. */
  readonly sliced?: boolean;
}

export interface Kernel {
  readonly name: string;
  readonly pipeline: GPUComputePipeline;
  readonly bindings: ReadonlyMap<string, Binding>;
  /** Fields of the struct that the uniform `name` is made of. */
  fields(name: string): readonly Field[];
}

export function kernelName(spec: KernelSpec): string {
  const settings = [...Object.entries(spec.constants ?? {}), ...Object.entries(spec.overrides ?? {})];
  const list = settings.map(([name, value]) => `${name}=${value}`).join(' ');
  return `${spec.shader}.${spec.entry}${list ? ` [${list}]` : ''}${spec.sliced ? ' sliced' : ''}`;
}

export class KernelCache {
  readonly #kernels = new Map<string, Promise<Kernel>>();
  readonly #modules = new Map<string, Promise<{ module: GPUShaderModule; text: ShaderInterface }>>();
  readonly #device: GPUDevice;
  readonly #shader: (stem: string) => Promise<string>;
  readonly #waiting: <T>(promise: Promise<T>) => Promise<T>;

  /** `waiting` is told of compilations: see `OpenedDevice`. */
  constructor(device: GPUDevice, { shader, waiting }: {
    readonly shader: (stem: string) => Promise<string>; readonly waiting: <T>(promise: Promise<T>) => Promise<T>;
  }) {
    this.#device = device;
    this.#shader = shader;
    this.#waiting = waiting;
  }

  /** Number of pipelines made so far. */
  get size(): number {
    return this.#kernels.size;
  }

  /**
   * The kernel for `spec`, compiled at the first call; one that failed is tried again, as its file may be there then. In the
   * middle of a run, after which the process may end at any moment, it is made `atOnce`: Dawn does not survive an exit while it
   * compiles in the background.
   */
  get(spec: KernelSpec, { atOnce = false } = {}): Promise<Kernel> {
    const name = kernelName(spec);
    const key = `${name}\n${spec.source ?? ''}`;
    let kernel = this.#kernels.get(key);
    if (!kernel) {
      kernel = this.#compile(spec, name, atOnce);
      this.#kernels.set(key, kernel);
      forgetFailure(this.#kernels, key);
    }
    return kernel;
  }

  /** Whether there is a sliced kernel of this shader. */
  async canBeSliced(spec: KernelSpec): Promise<boolean> {
    return slicedText(await this.#textOf(spec)) !== undefined;
  }

  async #textOf({ shader, source }: KernelSpec): Promise<string> {
    return source ?? this.#shader(shader);
  }

  async #compile(spec: KernelSpec, name: string, atOnce: boolean): Promise<Kernel> {
    const { module, text } = await this.#module(spec);
    const constants: Record<string, number> = {};
    for (const [key, value] of Object.entries(spec.overrides ?? {})) constants[key] = Number(value);
    let pipeline: GPUComputePipeline;
    try {
      const descriptor = { label: name, layout: 'auto', compute: { module, entryPoint: spec.entry, constants } } as const;
      pipeline = atOnce
        ? this.#device.createComputePipeline(descriptor)
        : await this.#waiting(this.#device.createComputePipelineAsync(descriptor));
    } catch (error) {
      throw new Error(`${name}: the pipeline was refused: ${(error as Error).message}`);
    }
    return {
      name,
      pipeline,
      bindings: text.bindings,
      fields(uniform) {
        const fields = text.structs.get(text.bindings.get(uniform)?.type ?? '');
        if (!fields) throw new Error(`${name}: no uniform struct '${uniform}' of plain u32, i32 and f32 fields`);
        return fields;
      },
    };
  }

  #module(spec: KernelSpec): Promise<{ module: GPUShaderModule; text: ShaderInterface }> {
    const key = `${spec.shader} ${JSON.stringify([spec.constants ?? {}, spec.sliced ?? false, spec.source])}`;
    let made = this.#modules.get(key);
    if (!made) {
      made = this.#createModule(spec);
      this.#modules.set(key, made);
      forgetFailure(this.#modules, key);
    }
    return made;
  }

  async #createModule(spec: KernelSpec): Promise<{ module: GPUShaderModule; text: ShaderInterface }> {
    const { shader: stem, source, constants = {}, sliced } = spec;
    const file = source === undefined ? `shaders/${stem}.wgsl` : `the source of '${stem}'`;
    const whole = await this.#textOf(spec);
    const text = sliced ? slicedText(whole) : whole;
    if (text === undefined) throw new Error(`${file} cannot be sliced`);
    const { code, origin } = assemble(text, constants, file);
    this.#device.pushErrorScope('validation');
    const module = this.#device.createShaderModule({ label: stem, code });
    const scope = this.#device.popErrorScope();
    scope.catch(() => undefined); // of a lost device: what follows may fail first, and then nobody waits for this
    const messages = (await module.getCompilationInfo()).messages.filter((message) => message.type === 'error');
    const invalid = await scope;
    if (messages.length > 0 || invalid) {
      const lines = code.split('\n');
      const shown = messages.slice(0, 3).map((message) => {
        const line = origin[message.lineNum - 1] || 'header';
        return `${file}:${line}:${message.linePos}: ${message.message}\n    ${(lines[message.lineNum - 1] ?? '').trim()}`;
      });
      throw new Error(`WGSL does not compile:\n${shown.length > 0 ? shown.join('\n') : invalid?.message}`);
    }
    return { module, text: parseInterface(code, file) };
  }
}

/** A promise that is rejected does not stay in a cache. */
function forgetFailure<T>(cache: Map<string, Promise<T>>, key: string): void {
  const made = cache.get(key)!;
  made.catch(() => cache.get(key) === made && cache.delete(key));
}
