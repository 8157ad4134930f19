/** Part 4: sounds, from noise or from clips. */
import type { SamplingWish, What } from '../engine/protocol.ts';
import { Saying, button, download, el, numberField, section, selectField } from '../view/dom.ts';
import { SoundFigure } from '../view/soundFigure.ts';
import type { Notebook } from './notebook.ts';
import { duration } from './notebook.ts';
import { GrowingSound } from './growingSound.ts';
import { SourceField } from './source.ts';
import { ToldFields } from './told.ts';
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
  const early = el('input', { type: 'checkbox' });
  const earlyLabel = el('label', {}, 'Can be played while the rest is made', early);
  const told = new ToldFields(notebook);
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
    new: [seconds.label, loopLabel, earlyLabel], variation: [source.element, strength.label, earlyLabel],
    between: [source.element, other.element, mix.label, strength.label, earlyLabel],
    continue: [source.element, seconds.label], inpaint: [source.element, from.label, to.label], denoise: [source.element, earlyLabel],
  };
  const arrange = (): void => {
    const { network, preset } = notebook;
    const shown = meant[kind.select.value as What['kind']];
    for (const element of new Set(Object.values(meant).flat())) element.hidden = !shown.includes(element);
    if (network?.conditioner === 'mel') loopLabel.hidden = seconds.label.hidden = true; // as long as the spectrogram, from its start to its end
    void source.show();
    void other.show();
    steps.label.hidden = sampler.select.value === 'fast';
    const { diffusionSteps } = network ?? preset.model;
    steps.input.max = String(diffusionSteps);
    if (steps.input.valueAsNumber > diffusionSteps) steps.input.value = steps.input.max;
    if (kind.select.value === 'denoise' && sampler.select.value === 'ddpm') sampler.select.value = 'ddim'; // removing noise must add none
  };
  kind.select.onchange = sampler.select.onchange = arrange;
  loop.onchange = () => (early.disabled = loop.checked); // a loop is finished as a whole
  notebook.onChange(arrange);
  notebook.onNetwork(arrange);

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
    const isLoop = loop.checked && !loopLabel.hidden;
    const isEarly = early.checked && !early.disabled && !earlyLabel.hidden;
    const chosenSeed = seed.read();
    const name = `${what.kind === 'new' ? 'sample' : what.kind}-seed${chosenSeed}`;
    growing.begin(name);
    const wish = { what, told: await told.read(), early: isEarly, seconds: seconds.read(), seed: chosenSeed, sampler: sampler.select.value as SamplingWish['sampler'], steps: steps.read(), loop: isLoop };
    stop.hidden = false;
    const made = await engine.ask('sample', wish).finally(() => {
      stop.hidden = true;
      figure.halt();
    });
    sound = { wav: made.wav, name };
    save.disabled = false;
    const note = `${(made.samples.length / made.sampleRate).toFixed(2)} s, made in ${duration(made.seconds)}${isLoop ? '; played round and round' : ''}`;
    if (isEarly) figure.grown(made.samples.length, note);
    else way.end(made, { name, note, loop: isLoop });
    say.say(`Made ${verbs[what.kind]}.`);
  }, { main: true, say });
  const stop = button('Stop', () => engine.ask('pause', undefined), { say });
  stop.hidden = true;
  const save = button('Download the WAV', () => download(`${sound!.name}.wav`, sound!.wav, 'audio/wav'), { say });
  save.disabled = true;
  engine.on('way', (sound) => way.add(sound));
  const growing = new GrowingSound(figure);
  engine.on('stretch', (stretch) => growing.add(stretch));
  engine.on('sampling', ({ done, total }) => {
    bar.value = done / total;
    say.say(growing.progress ?? `Step ${Math.floor(done)} of ${total} on the way from noise to sound`);
  });
  section('sampling').append(
    el('div', { class: 'fields' }, kind.label, sampler.label, strength.label, mix.label, from.label, to.label, seconds.label, steps.label, seed.label, ...told.fields, loopLabel, earlyLabel),
    source.element, other.element, told.spectrogram,
    el('div', { class: 'row' }, make, stop, save), say.element, bar, way.element, figure.element);
  arrange();
}
