/** The preset `tiny` of the first versions, which the papers' schedule and no change of sound keep simple: what tests start from. */
import { CLASSIC } from '../../bench/recipes/list.ts';
import type { Preset } from '../../src/diffwave/presets.ts';
import { presetNamed } from '../../src/diffwave/presets.ts';

export const classic: Preset = { ...CLASSIC, data: presetNamed('gtzan').data };
