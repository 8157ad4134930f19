/** The worker: owns the GPU, the music and the run, and does one thing after the other. */
import type { ArchivedRun, DiffWaveConfig, Preset } from '../../src/web.ts';
import { DEFAULT_OPTIONS, DiffWave, Gpu, UserError, configFor, preparationOf, readRunArchive } from '../../src/web.ts';
import { MusicShelf } from './music.ts';
import { planOf } from './planning.ts';
import type { Adapter, Asked, KeptRun, Question, Questions, Tell, Told, TrainingPoint } from './protocol.ts';
import { benchAll, verifyAll } from './proof.ts';
import { makeSound, soundOf } from './sampling.ts';
import { Store } from './store.ts';
import { spectrogramLine } from './told.ts';
import { configOf, trainRun } from './training.ts';

const music = new MusicShelf();
const runs = new Store('run');
let gpu: Promise<Gpu> | undefined;
/** Weights that were given without a run. */
let loose: { readonly bytes: Uint8Array; readonly config: DiffWaveConfig } | undefined;
let busy: { readonly what: string; readonly stop: AbortController } | undefined;

const post = (told: Told): void => postMessage(told);
const tell: Tell = (news, data) => post({ news, data });

const openGpu = (): Promise<Gpu> => (gpu ??= Gpu.open().catch((error: unknown) => {
  gpu = undefined; // the next try may find one
  throw error;
}));

const keptRun = async (): Promise<ArchivedRun | undefined> => {
  const bytes = await runs.read();
  return bytes && await readRunArchive(bytes, 'the run that is kept here');
};

/** The GPU has one thing to do at a time: training that samples beside it would need the memory for both. */
async function alone<T>(what: string, body: (signal: AbortSignal) => Promise<T>): Promise<T> {
  if (busy) throw new UserError(`${busy.what} is going on: wait for its end, or pause it`);
  busy = { what, stop: new AbortController() };
  try {
    return await body(busy.stop.signal);
  } finally {
    busy = undefined;
  }
}

const answers: { readonly [Q in Question]: (data: Questions[Q][0]) => Promise<Questions[Q][1]> } = {
  open: async () => describe(await openGpu()),
  prepare: ({ files, ...options }) => music.prepare(files, { ...options, log: (line) => tell('line', line) }),
  music: () => music.kept(),
  clip: async (index) => (await music.dataset()).clip(index).slice() as Float32Array<ArrayBuffer>,
  async shaping(model) {
    const { scale, emphasis } = configFor(model, await music.dataset());
    return { scale, emphasis };
  },
  sound: async ({ file, data }) => soundOf(file, await preparationNow(data)),
  async run(): Promise<KeptRun | undefined> {
    const run = await keptRun();
    if (!run) return undefined;
    const { step, log, validations, config: { preset, model, training } } = run;
    const points = log.filter((entry) => !('event' in entry) && typeof entry.loss === 'number') as TrainingPoint[];
    return { step, preset, model, training, log: points, validations, hasMusic: (await music.kept()) !== undefined };
  },
  train: (wish) => alone('training', async (signal) => {
    const dataset = await music.dataset();
    loose = undefined;
    return { step: await trainRun({ config: configOf(wish, dataset), ...wish }, { gpu: await openGpu(), dataset, store: runs, signal, tell }) };
  }),
  plan: async (wish) => planOf(wish, { gpu: await openGpu(), dataset: await music.dataset() }),
  goOn: (wish) => alone('training', async (signal) => {
    const from = await keptRun();
    if (!from) throw new UserError('there is no run to go on with');
    const dataset = await music.dataset();
    if (from.data !== undefined && from.data !== await music.fingerprint()) {
      throw new UserError('the music that is here is not what the run was trained on: prepare the same files for the same preset, or start a new run');
    }
    return { step: await trainRun({ config: from.config, from, ...wish }, { gpu: await openGpu(), dataset, store: runs, signal, tell }) };
  }),
  async pause() {
    busy?.stop.abort();
    return undefined;
  },
  async forget() {
    if (busy) throw new UserError(`${busy.what} is going on: pause it first`);
    await runs.clear();
    return undefined;
  },
  async runFile() {
    const bytes = await runs.read();
    if (!bytes) throw new UserError('there is no run yet');
    return bytes;
  },
  weightsFile: async () => new Uint8Array(await weightsNow()),
  takeFile: (file) => alone('loading', async () => {
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (file.name.endsWith('.safetensors')) {
      using model = DiffWave.fromBytes(await openGpu(), bytes, { file: file.name });
      const { config } = model;
      loose = { bytes, config };
      return `${file.name}: a network of ${config.layers} layers × ${config.channels} channels at ${config.sampleRate} Hz${toldText(config)}`;
    }
    const run = await readRunArchive(bytes, file.name);
    using model = DiffWave.create(await openGpu(), run.config.model);
    run.load(model); // a damaged one must not take the place of the one that is kept
    await runs.write(bytes);
    loose = undefined;
    return `${file.name}: a run of ${run.step} updates${toldText(run.config.model)}`;
  }),
  sample: (wish) => alone('sampling', async (signal) => makeSound(wish, {
    gpu: await openGpu(), signal, weights: await weightsNow(), step: loose ? null : (await keptRun())!.step, onWay: (sound) => tell('way', sound),
    onStep: (done, total) => tell('sampling', { done, total }), onStretch: (stretch) => tell('stretch', stretch),
  })),
  network: networkNow,
  async spectrogram(file) {
    const config = await networkNow();
    if (!config) throw new UserError(noWeights);
    return spectrogramLine(file, config);
  },
  verify: () => alone('verification', async (signal) => verifyAll(await openGpu(), { signal, tell })),
  bench: (network) => alone('timing', async (signal) => benchAll(await openGpu(), network, { signal, tell })),
};

/** What sound is to the weights that are here, or to those of a preset where there are none. */
async function preparationNow(preset: Preset['data']): Promise<Pick<Preset['data'], 'sampleRate' | 'downsample'>> {
  if (loose) return { sampleRate: loose.config.sampleRate * DEFAULT_OPTIONS.downsample, downsample: DEFAULT_OPTIONS.downsample };
  const run = await keptRun();
  if (!run) return preset;
  const { downsample } = preparationOf(run.config);
  return { sampleRate: run.config.model.sampleRate * downsample, downsample };
}

const noWeights = 'there are no weights yet: train first, or open a run or weights.safetensors';

async function networkNow(): Promise<DiffWaveConfig | undefined> {
  return loose?.config ?? (await keptRun())?.config.model;
}

/** What else than noise a network is given. */
function toldText({ labels, conditioner }: DiffWaveConfig): string {
  if (labels) return `, with the labels ${labels.join(', ')}`;
  return conditioner === 'mel' ? ', for spectrograms' : '';
}

async function weightsNow(): Promise<Uint8Array> {
  const weights = loose?.bytes ?? (await keptRun())?.weights;
  if (!weights) throw new UserError(noWeights);
  return weights;
}

function describe(opened: Gpu): Adapter {
  const { device: { limits, features }, info: { vendor, architecture, description } } = opened;
  const names = ['maxStorageBufferBindingSize', 'maxBufferSize', 'maxComputeInvocationsPerWorkgroup', 'maxComputeWorkgroupStorageSize', 'maxComputeWorkgroupsPerDimension'] as const;
  return {
    name: opened.name,
    description: opened.describe(),
    variant: opened.variant.variant,
    software: opened.isSoftware,
    driver: [vendor, architecture, description].filter(Boolean).join(' · '),
    limits: Object.fromEntries(names.map((name) => [name, limits[name]])),
    features: [...features],
  };
}

onmessage = async ({ data: { id, question, data } }: MessageEvent<Asked>) => {
  try {
    post({ id, answer: await (answers[question] as (data: unknown) => Promise<unknown>)(data) });
  } catch (error) {
    const isForUser = error instanceof UserError;
    if (!isForUser) console.error(error);
    post({ id, problem: error instanceof Error ? error.message : String(error), isForUser });
  }
};
