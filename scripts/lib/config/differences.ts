/** What a network and its training have that their preset has not. */
import type { Preset } from '../../../src/diffwave/presets.ts';

/** 'differs   layers 6 instead of 10, batchSize 2 instead of 4': fields as config.json has them; undefined where nothing differs. */
export function differsLine({ model, training }: Pick<Preset, 'model' | 'training'>, preset: Preset): string | undefined {
  // On the command line it is --beta-schedule.
  const names = { schedule: 'betaSchedule' };
  const all = [...differences(model, preset.model, names), ...differences(training, preset.training, {})];
  return all.length > 0 ? `differs   ${all.join(', ')}` : undefined;
}

function differences<T extends object>(values: T, usual: T, names: Readonly<Record<string, string>>): string[] {
  return (Object.keys(usual) as (keyof T & string)[])
    .filter((name) => usual[name] !== 'unit') // what the data say is no difference
    .filter((name) => JSON.stringify(values[name]) !== JSON.stringify(usual[name]))
    .map((name) => `${names[name] ?? name} ${said(values[name])} instead of ${said(usual[name])}`);
}

/** A list of β may be long. */
function said(value: unknown): string {
  return Array.isArray(value) ? `${value.length} numbers` : String(value ?? 'none');
}
