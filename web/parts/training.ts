/** Part 3: training, and the run that is kept. */
import type { Progress, Validation } from '../../src/web.ts';
import { PRESETS, betterThanWiener } from '../../src/web.ts';
import type { KeptRun } from '../engine/protocol.ts';
import { Facts, Saying, button, download, el, filePicker, section } from '../view/dom.ts';
import { LossChart } from '../view/lossChart.ts';
import type { Notebook } from './notebook.ts';
import { counted, duration } from './notebook.ts';
import { SoundsHeard } from './soundsHeard.ts';
import { TrainingFields } from './trainingFields.ts';

export function trainingPart(notebook: Notebook): void {
  const { engine } = notebook;
  const say = new Saying();
  const notes = el('ul', { class: 'lines', 'aria-label': 'What happened while training' });
  const sounds = new SoundsHeard(notebook);
  const facts = new Facts(['updates', 'loss', 'better than Wiener', 'updates per second', 'time left', 'kept']);
  const bar = el('progress', { max: 1, value: 0, 'aria-label': 'Part of the updates that are done' });
  const place = el('div', { class: 'chart', role: 'img', 'aria-label': 'Loss over updates; its figures are below' });

  const fields = new TrainingFields(notebook);
  const { plan, steps } = fields;
  const isBusy = (): boolean => isTraining || notebook.preparations > 0;
  const cannotStart = (): boolean => isBusy() || !notebook.manifest;
  const disable = (): void => {
    start.disabled = cannotStart();
    goOn.disabled = isBusy();
  };
  notebook.onChange(disable);

  let isTraining = false;
  let kept: KeptRun | undefined;
  const state = (): void => {
    disable();
    start.className = kept ? '' : 'main'; // going on is what is meant then
    start.hidden = isTraining;
    goOn.hidden = isTraining || !kept;
    pause.hidden = !isTraining;
    goOn.textContent = kept ? `Go on from update ${kept.step.toLocaleString('en')}` : '';
    getRun.disabled = getWeights.disabled = !kept;
  };
  const refresh = async (): Promise<void> => {
    kept = await engine.ask('run', undefined);
    facts.set('kept', kept ? `update ${kept.step.toLocaleString('en')}` : '–');
    await notebook.lookAtNetwork();
    state();
  };
  const during = async (body: () => Promise<{ step: number }>): Promise<void> => {
    isTraining = fields.isTraining = true;
    notes.replaceChildren();
    state();
    addEventListener('beforeunload', warn);
    say.say('Training …');
    try {
      const { step } = await body();
      say.say(`${counted(step, 'update')} done and kept in this browser.`);
    } finally {
      isTraining = fields.isTraining = false;
      removeEventListener('beforeunload', warn);
      await refresh();
    }
  };
  const start = button('Start a new run', async () => {
    const wish = fields.wish();
    if (kept && kept.step > 0 && !confirm(`This takes the place of the run of ${counted(kept.step, 'update')} that is kept here. Download it first if you want to keep it. Start anew?`)) return;
    chart.reset([]);
    sounds.reset();
    await during(() => engine.ask('train', wish));
  }, { main: true, say, isOff: cannotStart });
  const goOn = button('', () => during(() => engine.ask('goOn', fields.ofRun())), { main: true, say, isOff: isBusy });
  const pause = button('Pause', async () => {
    say.say('Pausing after this update, then keeping it …');
    await engine.ask('pause', undefined);
  }, { say });
  const getRun = button('Download the run', async () => download('run.zip', await engine.ask('runFile', undefined), 'application/zip'), { say });
  const getWeights = button('Download the weights', async () => download('weights.safetensors', await engine.ask('weightsFile', undefined)), { say });
  const open = filePicker('Open a run or weights', { accept: '.zip,.safetensors' }, ([file]) => say.during(async () => {
    say.say(`${await engine.ask('takeFile', file!)}. It is what sampling takes now.`);
    await refresh();
    if (kept && file!.name.endsWith('.zip')) showKept(kept);
  }));

  engine.on('plan', (line) => plan.say(`This run: ${line}.`));
  engine.on('note', (line) => notes.append(el('li', {}, line)));
  engine.on('saved', (step) => {
    facts.set('kept', `update ${step.toLocaleString('en')}`);
    getRun.disabled = getWeights.disabled = false;
  });
  const judge = (validation: Validation): void => {
    const { step, loss, bins } = validation;
    const mean = (of: (bin: (typeof bins)[number]) => number): number => bins.reduce((sum, bin) => sum + of(bin), 0) / bins.length;
    facts.set('better than Wiener', `${betterThanWiener(validation)} of ${bins.length} bins`);
    chart.judge({ step, loss, wiener: mean(({ wiener }) => wiener), zero: mean(({ zero }) => zero) });
  };
  /** The curve of a run that is kept. */
  const showKept = ({ log, validations }: KeptRun): void => {
    chart.reset(log);
    validations.forEach(judge);
  };
  engine.on('validation', judge);
  engine.on('progress', (progress: Progress) => {
    const { step, recent, stepsPerSecond, eta } = progress;
    const total = steps.input.valueAsNumber || step;
    chart.add(progress);
    bar.value = step / total;
    facts.set('updates', `${step.toLocaleString('en')} of ${total.toLocaleString('en')}`);
    facts.set('loss', recent.loss.toFixed(4));
    // The first update compiles the kernels: its speed says nothing about the rest.
    facts.set('updates per second', step === 1 ? '–' : stepsPerSecond.toPrecision(3));
    facts.set('time left', step === 1 ? '–' : duration(eta));
  });

  section('training').append(
    fields.always, fields.ofNewRuns, plan.element,
    el('div', { class: 'row' }, goOn, start, pause), say.element, bar, facts.element, place, notes, sounds.element,
    el('div', { class: 'row' }, getRun, getWeights, open),
    el('p', {}, 'A run is a ZIP file of a run folder: unpacked, ', el('code', {}, 'npm run sample -- --run'), ' and ',
      el('code', {}, 'npm run train -- --resume'), ' open it, and a packed run folder can be opened here.'),
  );
  const chart = new LossChart(place);
  state();
  void say.during(async () => {
    await refresh();
    if (!kept) return;
    showKept(kept);
    facts.set('updates', kept.step.toLocaleString('en'));
    if (kept.preset in PRESETS) steps.input.value = String(Math.max(steps.input.valueAsNumber, kept.step * 2));
    say.say(`A run of ${counted(kept.step, 'update')} is kept in this browser${kept.hasMusic ? ': it can go on, to the same bits as if it had not been stopped' : ', but not its music'}.`);
  });
}

/** Browsers ask with words of their own; what is kept is safe, what came after it is not. */
function warn(event: BeforeUnloadEvent): void {
  event.preventDefault();
}
