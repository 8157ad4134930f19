/** Part 1: recordings become clips. */
import type { Manifest } from '../../src/web.ts';
import { PRESETS, soundEndings } from '../../src/web.ts';
import { EngineError } from '../engine/client.ts';
import type { Music, NamedFile, Source } from '../engine/protocol.ts';
import { Facts, Saying, button, el, filePicker, numberField, section, selectField } from '../view/dom.ts';
import { SoundFigure } from '../view/soundFigure.ts';
import { isForBrowser, wavOf } from './browserDecoded.ts';
import { chosen, dropped } from './files.ts';
import type { Notebook, PresetName } from './notebook.ts';
import { counted, digits, duration } from './notebook.ts';
import { Recorder } from './recorder.ts';

const presetTexts: Record<PresetName, string> = {
  tiny: 'tiny: 5 s at 7,350 Hz, for a first try',
  music: 'music: 5 s at 7,350 Hz, for hours of music',
  gtzan: 'gtzan: the same to the letter of the papers',
  'diffwave-base': 'diffwave-base: 0.7 s at 22,050 Hz',
  'diffwave-vocoder': 'diffwave-vocoder: sound out of its spectrogram, at 22,050 Hz',
  'diffwave-sc09': 'diffwave-sc09: 1 s at 16 kHz, large',
};

/** Whether clips were prepared as a preset wants them. */
const isAsOf = (name: PresetName, { options }: Manifest): boolean => JSON.stringify(PRESETS[name].data) === JSON.stringify(options);

/** '12 clips of 4 recordings'. */
const amountOf = ({ clipCount, trackCount }: Manifest): string => `${counted(clipCount, 'clip')} of ${counted(trackCount, 'recording')}`;

async function fetched(name: string): Promise<Response> {
  const answer = await fetch(`music/${name}`).catch(() => undefined);
  if (!answer?.ok) throw new EngineError(`music/${name} of this page cannot be fetched (${answer ? `status ${answer.status}` : 'no answer'}): try again, or take files of yours`, true);
  return answer;
}

export function musicPart(notebook: Notebook): void {
  const { engine } = notebook;
  const say = new Saying();
  const lines = el('ul', { class: 'lines', 'aria-label': 'What was left out, and why' });
  const facts = new Facts(['recordings', 'clips', 'length of a clip', 'sample rate', 'altogether']);
  let [clip, asked] = [0, 0];
  const show = async (index: number): Promise<void> => {
    const { manifest } = notebook;
    if (!manifest) return;
    clip = (index + manifest.clipCount) % manifest.clipCount;
    const mine = ++asked;
    const samples = await engine.ask('clip', clip);
    if (mine !== asked) return; // another one was asked for meanwhile
    const { file, offsetSeconds } = manifest.clips[clip]!;
    shown = { samples, sampleRate: manifest.sampleRate };
    list.value = String(clip);
    figure.set({ samples, sampleRate: manifest.sampleRate }, { name: `Clip ${clip + 1} of ${manifest.clipCount}`, note: `${file}, from ${offsetSeconds.toFixed(1)} s` });
  };
  const before = button('←', () => show(clip - 1), { say });
  const after = button('→', () => show(clip + 1), { say });
  before.setAttribute('aria-label', 'Clip before');
  after.setAttribute('aria-label', 'Next clip');
  let shown: Source | undefined;
  const list = el('select', { size: 8, class: 'list', 'aria-label': 'All clips' });
  list.onchange = () => void say.during(() => show(Number(list.value)));
  const from = numberField('Stretch from, in seconds', { value: 0, min: 0, step: 0.01 });
  const to = numberField('up to', { value: 1, min: 0, step: 0.01 });
  const mark = (): void => figure.select([from.input.valueAsNumber, to.input.valueAsNumber]);
  from.input.oninput = to.input.oninput = mark;
  const figure = new SoundFigure({
    beside: [el('span', { class: 'clips' }, before, after)],
    onSelect: (stretch) => {
      [from, to].forEach(({ input }, i) => (input.value = stretch[i]!.toFixed(2)));
      mark();
    },
  });
  const use = button('Make something of this stretch', () => {
    const { samples, sampleRate } = shown!;
    const stretch = samples.slice(Math.round(from.read() * sampleRate), Math.round(to.read() * sampleRate));
    if (stretch.length === 0) throw new EngineError('the stretch is empty: mark one by dragging over the picture, or by its two fields', true);
    const name = `Clip ${clip + 1} from ${from.read()} s to ${to.read()} s`;
    notebook.taken({ name, samples: stretch, sampleRate });
    say.say(`${name} is what sampling starts from now.`);
  }, { say });
  use.disabled = true;

  const take = async ({ manifest, seconds }: Music): Promise<void> => {
    notebook.manifest = manifest;
    const clipSeconds = manifest.clipSamples / manifest.sampleRate;
    facts.set('recordings', String(manifest.trackCount));
    facts.set('clips', manifest.clipCount.toLocaleString('en'));
    facts.set('length of a clip', `${clipSeconds.toFixed(2)} s`);
    facts.set('sample rate', `${manifest.sampleRate.toLocaleString('en')} Hz`);
    facts.set('altogether', duration(manifest.clipCount * clipSeconds));
    say.say(`${amountOf(manifest)}${seconds > 0 ? `, prepared in ${seconds.toFixed(1)} s` : ', kept from the last time'}.`);
    list.replaceChildren(...manifest.clips.map(({ file, offsetSeconds }, i) => el('option', { value: i }, `${i + 1} · from ${offsetSeconds.toFixed(1)} s of ${file}`)));
    use.disabled = false;
    notebook.changed();
    await show(0);
  };
  const prepare = (find: () => readonly NamedFile[] | Promise<readonly NamedFile[]>, source: string): Promise<void> => say.during(async () => {
    notebook.preparations++; // nothing must be trained on the music before meanwhile
    notebook.changed();
    try {
      await prepareFiles(await find(), source);
    } finally {
      notebook.preparations--;
      notebook.changed();
    }
  });
  const prepareFiles = async (files: readonly NamedFile[], source: string): Promise<void> => {
    lines.replaceChildren();
    const [sounds, others] = [files.filter(({ name }) => soundEndings.test(name)), files.filter(({ name }) => !soundEndings.test(name))];
    for (const { name } of others) lines.append(el('li', {}, `left out: ${name} is no sound file by its name (.wav, .mp3, .flac, .ogg, .m4a …)`));
    say.say(`Preparing ${counted(sounds.length, 'file')} …`);
    // What the browser cannot decode either, the worker says in its line.
    const readable = await Promise.all(sounds.map(async ({ name, file }) => ({ name, file: isForBrowser(name) ? await wavOf(file, name).catch(() => file) : file })));
    await take(await engine.ask('prepare', { files: readable, data: notebook.preset.data, source }));
  };
  engine.on('line', (line) => lines.append(el('li', {}, line)));

  const preset = selectField('Prepare for the preset', presetTexts);
  preset.select.value = notebook.presetName;
  preset.select.onchange = () => {
    notebook.presetName = preset.select.value as PresetName;
    notebook.changed();
    const { manifest } = notebook;
    if (!manifest || notebook.preparations > 0) return;
    const { clipSamples, sampleRate } = manifest;
    say.say(isAsOf(notebook.presetName, manifest) ? `${amountOf(manifest)}, as this preset wants them.`
      : `${amountOf(manifest)} are here, of ${digits(clipSamples / sampleRate)} s at ${sampleRate.toLocaleString('en')} Hz, not as this preset wants them: take the music again, or train on it as it is.`);
  };
  const bundled = button('Take the bundled recordings', () => prepare(async () => {
    const names: string[] = await (await fetched('list.json')).json();
    return Promise.all(names.map(async (name) => ({ name, file: new File([await (await fetched(name)).blob()], name) })));
  }, 'bundled recordings'), { main: true, say });
  const drop = el('div', { class: 'drop' },
    el('div', { class: 'row' }, bundled,
      filePicker('Choose files', { many: true }, (files) => prepare(() => chosen(files), 'files')),
      filePicker('Choose a folder', { folder: true }, (files) => prepare(() => chosen(files), files[0]!.webkitRelativePath.split('/')[0] || 'folder')),
      new Recorder(say, (file) => prepare(() => chosen([file]), 'microphone')).element),
    el('p', {}, 'Or drop files here: WAV, MP3, FLAC, Ogg, Opus, M4A, AIFF, AU. They stay on this machine.'));
  drop.ondragover = (event) => {
    event.preventDefault();
    drop.classList.add('over');
  };
  drop.ondragleave = () => drop.classList.remove('over');
  drop.ondrop = (event) => {
    event.preventDefault();
    drop.classList.remove('over');
    const files = dropped(event.dataTransfer!); // it is empty once the event is over
    void prepare(() => files, 'dropped files');
  };
  section('music').append(el('div', { class: 'row' }, preset.label), drop, say.element, lines, facts.element, figure.element,
    el('div', { class: 'row' }, from.label, to.label, use), el('details', {}, el('summary', {}, 'All clips'), list));
  void say.during(async () => {
    const kept = await engine.ask('music', undefined);
    if (!kept) return;
    const name = (Object.keys(presetTexts) as PresetName[]).find((each) => isAsOf(each, kept.manifest));
    if (name && !isAsOf(notebook.presetName, kept.manifest)) preset.select.value = notebook.presetName = name;
    await take(kept);
  });
}
