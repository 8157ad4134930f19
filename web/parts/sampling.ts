/** Part 4: sounds, from noise or from clips. */
import type { SamplingWish, What } from '../engine/protocol.ts';
import { Saying, button, download, el, numberField, section, selectField } from '../view/dom.ts';
import { SoundFigure } from '../view/soundFigure.ts';
import type { Notebook } from './notebook.ts';
import { duration } from './notebook.ts';
import { SourceField } from './source.ts';
import { Way } from './way.ts';

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
  const strength = numberField('Strength', { value: 0.4, min: 0.01, max: 1, step: 'any' });
  const mix = numberField('Share of the other', { value: 0.5, min: 0, max: 1, step: 'any' });
  const from = numberField('Gap from, in seconds', { value: 1, min: 0, step: 0.01 });
  const to = numberField('to', { value: 2, min: 0, step: 0.01 });
  const seconds = numberField('Seconds', { value: 5, min: 0.01, max: 3600, step: 'any' });
  const steps = numberField('Steps', { value: 50, min: 1 });
  const seed = numberField('Seed', { value: 0, min: 0 });
  const loop = el('input', { type: 'checkbox' });
  const loopLabel = el('label', {}, 'Its end meets its beginning', loop);
  const source = new SourceField(notebook, {
    title: 'Clip', clip: 1,
    onSelect: (stretch) => {
      if (kind.select.value !== 'inpaint') return source.select(undefined);
      [from, to].forEach(({ input }, i) => (input.value = stretch[i]!.toFixed(2)));
      mark();
    },
  });
  const other = new SourceField(notebook, { title: 'Other clip', clip: 2 });
  /** The gap, on the picture of what it is in. */
  const mark = (): void => {
    const [first, last] = [from.input.valueAsNumber, to.input.valueAsNumber];
    source.select(kind.select.value === 'inpaint' && first < last ? [first, last] : undefined);
  };
  from.input.oninput = to.input.oninput = mark;
  source.element.addEventListener('shown', mark);
  notebook.onTaken((sound) => source.take(sound));
  const figure = new SoundFigure();
  const way = new Way(figure);
  let sound: { wav: Uint8Array<ArrayBuffer>; name: string } | undefined;

  const meant: Record<What['kind'], readonly HTMLElement[]> = {
    new: [seconds.label, loopLabel], variation: [source.element, strength.label], between: [source.element, other.element, mix.label, strength.label],
    continue: [source.element, seconds.label], inpaint: [source.element, from.label, to.label], denoise: [source.element],
  };
  const arrange = (): void => {
    const shown = meant[kind.select.value as What['kind']];
    for (const element of new Set(Object.values(meant).flat())) element.hidden = !shown.includes(element);
    void source.show();
    void other.show();
    steps.label.hidden = sampler.select.value === 'fast';
    steps.input.max = String(notebook.preset.model.diffusionSteps);
    if (steps.input.valueAsNumber > notebook.preset.model.diffusionSteps) steps.input.value = steps.input.max;
    if (kind.select.value === 'denoise' && sampler.select.value === 'ddpm') sampler.select.value = 'ddim'; // removing noise must add none
  };
  kind.select.onchange = sampler.select.onchange = arrange;
  notebook.onChange(arrange);

  const wanted = async (): Promise<What> => {
    const chosen = kind.select.value as What['kind'];
    if (chosen === 'new') return { kind: chosen };
    const of = { audio: await source.read() };
    switch (chosen) {
      case 'variation': return { kind: chosen, ...of, strength: strength.read() };
      case 'between': return { kind: chosen, ...of, other: await other.read(), mix: mix.read(), strength: strength.read() };
      case 'inpaint': return { kind: chosen, ...of, from: from.read(), to: to.read() };
      default: return { kind: chosen, ...of };
    }
  };
  const make = button('Make it', async () => {
    say.say('Walking back from noise …');
    bar.value = 0;
    const what = await wanted();
    way.begin();
    const isLoop = loop.checked && what.kind === 'new';
    const chosenSeed = seed.read();
    const wish = { what, seconds: seconds.read(), seed: chosenSeed, sampler: sampler.select.value as SamplingWish['sampler'], steps: steps.read(), loop: isLoop };
    stop.hidden = false;
    const made = await engine.ask('sample', wish).finally(() => (stop.hidden = true));
    const name = `${what.kind === 'new' ? 'sample' : what.kind}-seed${chosenSeed}`;
    sound = { wav: made.wav, name };
    save.disabled = false;
    way.end(made, { name, note: `${(made.samples.length / made.sampleRate).toFixed(2)} s, made in ${duration(made.seconds)}${isLoop ? '; played round and round' : ''}`, loop: isLoop });
    say.say(`Made ${verbs[what.kind]}.`);
  }, { main: true, say });
  const stop = button('Stop', () => engine.ask('pause', undefined), { say });
  stop.hidden = true;
  const save = button('Download the WAV', () => download(`${sound!.name}.wav`, sound!.wav, 'audio/wav'), { say });
  save.disabled = true;
  engine.on('way', (sound) => way.add(sound));
  engine.on('sampling', ({ done, total }) => {
    bar.value = done / total;
    say.say(`Step ${done} of ${total} on the way from noise to sound`);
  });
  section('sampling').append(
    el('div', { class: 'fields' }, kind.label, sampler.label, strength.label, mix.label, from.label, to.label, seconds.label, steps.label, seed.label, loopLabel),
    source.element, other.element,
    el('div', { class: 'row' }, make, stop, save), say.element, bar, way.element, figure.element);
  arrange();
}
