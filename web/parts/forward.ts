/** Part 2: a clip under more and more noise. */
import { diagnose, scheduleOf, uniforms, unshape } from '../../src/web.ts';
import { Facts, Saying, el, section } from '../view/dom.ts';
import { SoundFigure } from '../view/soundFigure.ts';
import type { Notebook } from './notebook.ts';

export function forwardPart(notebook: Notebook): void {
  const say = new Saying();
  const facts = new Facts(['step t', 'ᾱ', 'level of the music', 'level of the noise']);
  const slider = el('input', { type: 'range', min: 0, value: 0, step: 1, 'aria-label': 'Diffusion step t' });
  const figure = new SoundFigure();
  const verdict = el('p', {});
  let clean = new Float32Array();
  let noise = new Float32Array();

  const show = (): void => {
    const { steps, alphaBar, sqrtAlphaBar, sqrtOneMinusAlphaBar } = scheduleOf(notebook.preset.model);
    const t = slider.valueAsNumber; // 0 is the clip itself
    const [signal, rest] = t === 0 ? [1, 0] : [sqrtAlphaBar[t - 1]!, sqrtOneMinusAlphaBar[t - 1]!];
    facts.set('step t', `${t} of ${steps}`);
    facts.set('ᾱ', (t === 0 ? 1 : alphaBar[t - 1]!).toPrecision(3));
    facts.set('level of the music', signal.toFixed(3));
    facts.set('level of the noise', rest.toFixed(3));
    slider.setAttribute('aria-valuetext', `step ${t} of ${steps}, level of the noise ${rest.toFixed(2)}`);
    if (!notebook.manifest || clean.length === 0) return;
    const samples = clean.map((value, i) => signal * value + rest * noise[i]!);
    figure.set({ samples, sampleRate: notebook.manifest.sampleRate }, { name: `x at step ${t}`, note: `of clip 1, ${(100 * signal ** 2).toPrecision(3)} % of the music's power`, continues: true });
  };
  // Pictures are drawn once a frame at most, however fast the slider is moved.
  let isAsked = false;
  slider.oninput = () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      show();
    });
  };
  const renew = async (): Promise<void> => {
    const schedule = scheduleOf(notebook.preset.model);
    slider.max = String(schedule.steps);
    const { verdict: { noise: kept, decibels }, alphaBar } = diagnose(schedule, 'beta');
    verdict.textContent = `At the end, ${(100 * alphaBar).toPrecision(2)} % of the music's power are left. Sampling begins with pure noise all the same: ` +
      `a partial ${decibels} dB above the noise comes out at ${kept.toFixed(2)} of its level.`;
    if (notebook.manifest) {
      clean = await notebook.engine.ask('clip', 0);
      noise = gaussian(clean.length);
      // The network sees sound with its high tones raised and its level brought to the noise's; heard without that, the noise has its inverse.
      unshape(noise, await notebook.engine.ask('shaping', notebook.preset.model));
    }
    show();
  };
  notebook.onChange(() => void say.during(renew));
  section('forward').append(el('div', { class: 'row' }, el('label', { class: 'wide' }, 'Diffusion step t', slider)), facts.element, figure.element, verdict, say.element);
  void renew();
}

/** Numbers from N(0, 1), always the same (Box and Muller 1958). */
function gaussian(length: number): Float32Array<ArrayBuffer> {
  const uniform = uniforms({ seed: 0, stream: 0, step: 0, item: 0, length: 2 * length });
  return Float32Array.from({ length }, (_, i) => Math.sqrt(-2 * Math.log(1 - uniform[2 * i]!)) * Math.cos(2 * Math.PI * uniform[2 * i + 1]!));
}
