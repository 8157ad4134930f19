/** The adapters of a machine by number. */
import { UserError, escaped } from '../../../src/errors.ts';
import { adapterNames } from '../../../src/platform/provider.node.ts';

/** The flag of commands that let adapters be chosen. */
export const adapterFlag = { type: 'integer', min: 0, help: 'number of the adapter, as `info` lists them (the most capable one)' } as const;

/**
 * The name of an adapter by its number. Undefined without a number, and where there is no adapter yet. Throws a `UserError` if there is
 * none of this number, or if Dawn cannot tell it from another one.
 */
export async function adapterByNumber(number: number | undefined): Promise<string | undefined> {
  if (number === undefined) return undefined;
  const names = await adapterNames();
  const name = names[number];
  if (names.length > 0 && name === undefined) {
    throw new UserError(`--adapter ${number}: the last one is ${names.length - 1}; \`info()\` lists them`);
  }
  const before = names.findIndex((other) => name !== undefined && other.includes(name));
  if (before >= 0 && before < number) {
    throw new UserError(
      `--adapter ${number}: WebGPU cannot tell ${name} from adapter ${before}: give each process a GPU of its own ` +
      'by what the system lets it see, as docs/several-gpus.md shows',
    );
  }
  return name;
}

/** 'adapter 0 NVIDIA H100 80GB HBM3', a line each. */
export function adapterLines(names: readonly string[]): string {
  return names.map((name, number) => `adapter ${number} ${escaped(name)}`).join('\n');
}
