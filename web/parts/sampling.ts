/** Part 4: sounds, from noise or from clips. */
import type { SamplingWish, What } from '../engine/protocol.ts';
import { Saying, button, download, el, numberField, section, selectField } from '../view/dom.ts';
import { SoundFigure } from '../view/soundFigure.ts';
import type { Notebook } from './notebook.ts';
import { duration } from './notebook.ts';

const verbs: Record<What['kind'], string> = {
  new: 'a new sound', variation: 'a variation of a clip', between: 'something between two clips', continue: 'a clip, continued',
  inpaint: 'a clip with a gap made anew', denoise: 'a clip without its noise',
};

const samplers: Record<SamplingWish['sampler'], string> = {
  ddpm: 'ddpm: ancestral', ddim: 'ddim: deterministic', 'dpm++': 'dpm++: few steps', fast: 'fast: six steps',
};

export function samplingPart(notebook: Notebook): void {
  const { engine } = notebook;
  const say = new Saying();
  const bar = el('progress', { max: 1, value: 0, 'aria-label': 'Part of the reverse steps that are done' });
  const kind = selectField('Make', verbs);
  const sampler = selectField('Sampler', samplers);
  const clip = numberField('Clip', { value: 1, min: 1 });
  const other = numberField('Other clip', { value: 2, min: 1 });
  const strength = numberField('Strength', { value: 0.4, min: 0.01, max: 1, step: 'any' });
  const mix = numberField('Share of the other', { value: 0.5, min: 0, max: 1, step: 'any' });
  const from = numberField('Gap from, in seconds', { value: 1, min: 0, step: 'any' });
  const to = numberField('to', { value: 2, min: 0, step: 'any' });
  const seconds = numberField('Seconds', { value: 5, min: 0.01, max: 3600, step: 'any' });
  const steps = numberField('Steps', { value: 50, min: 1 });
  const seed = numberField('Seed', { value: 0, min: 0 });
  const loop = el('input', { type: 'checkbox' });
  const loopLabel = el('label', {}, 'Its end meets its beginning', loop);
  const figure = new SoundFigure();
  let sound: { wav: Uint8Array<ArrayBuffer>; name: string } | undefined;

  const meant: Record<What['kind'], readonly HTMLElement[]> = {
    new: [seconds.label, loopLabel], variation: [clip.label, strength.label], between: [clip.label, other.label, mix.label, strength.label],
    continue: [clip.label, seconds.label], inpaint: [clip.label, from.label, to.label], denoise: [clip.label],
  };
  const arrange = (): void => {
    const shown = meant[kind.select.value as What['kind']];
    for (const label of new Set(Object.values(meant).flat())) label.hidden = !shown.includes(label);
    steps.label.hidden = sampler.select.value === 'fast';
    steps.input.max = String(notebook.preset.model.diffusionSteps);
    if (steps.input.valueAsNumber > notebook.preset.model.diffusionSteps) steps.input.value = steps.input.max;
    if (kind.select.value === 'denoise' && sampler.select.value === 'ddpm') sampler.select.value = 'ddim'; // removing noise must add none
  };
  kind.select.onchange = sampler.select.onchange = arrange;
  notebook.onChange(() => {
    clip.input.max = other.input.max = String(notebook.manifest?.clipCount ?? 1);
    arrange();
  });

  const wanted = (): What => {
    const of = { clip: clip.read() - 1 };
    const chosen = kind.select.value as What['kind'];
    switch (chosen) {
      case 'new': return { kind: chosen };
      case 'variation': return { kind: chosen, ...of, strength: strength.read() };
      case 'between': return { kind: chosen, ...of, other: other.read() - 1, mix: mix.read(), strength: strength.read() };
      case 'inpaint': return { kind: chosen, ...of, from: from.read(), to: to.read() };
      default: return { kind: chosen, ...of };
    }
  };
  const make = button('Make it', async () => {
    say.say('Walking back from noise …');
    bar.value = 0;
    const what = wanted();
    const isLoop = loop.checked && what.kind === 'new';
    const made = await engine.ask('sample', {
      what, seconds: seconds.read(), seed: seed.read(), sampler: sampler.select.value as SamplingWish['sampler'], steps: steps.read(), loop: isLoop,
    });
    const name = `${what.kind === 'new' ? 'sample' : what.kind}-seed${seed.read()}`;
    sound = { wav: made.wav, name };
    save.disabled = false;
    figure.set(made, { name, note: `${(made.samples.length / made.sampleRate).toFixed(2)} s, made in ${duration(made.seconds)}`, loop: isLoop });
    say.say(`Made ${verbs[what.kind]}.`);
  }, { main: true, say });
  const save = button('Download the WAV', () => download(`${sound!.name}.wav`, sound!.wav, 'audio/wav'), { say });
  save.disabled = true;
  engine.on('sampling', ({ done, total }) => {
    bar.value = done / total;
    say.say(`Step ${done} of ${total} on the way from noise to sound`);
  });
  section('sampling').append(
    el('div', { class: 'fields' }, kind.label, sampler.label, clip.label, other.label, strength.label, mix.label, from.label, to.label, seconds.label, steps.label, seed.label, loopLabel),
    el('div', { class: 'row' }, make, save), say.element, bar, figure.element);
  arrange();
}
