/** The page: its parts in the notebook's order, each beside the text that index.html has for it. */
import { Engine } from './engine/client.ts';
import { forwardPart } from './parts/forward.ts';
import { gpuPart } from './parts/gpu.ts';
import { musicPart } from './parts/music.ts';
import { Notebook } from './parts/notebook.ts';
import { samplingPart } from './parts/sampling.ts';
import { trainingPart } from './parts/training.ts';
import { section } from './view/dom.ts';
import { whatToDo } from './support.ts';

/** Some browsers have WebGPU and no adapter for it on this system: then there is none. */
async function hasAdapter(): Promise<boolean> {
  return Boolean(await navigator.gpu?.requestAdapter().catch(() => null));
}

void hasAdapter().then((gpu) => {
  const advice = whatToDo({ gpu, userAgent: navigator.userAgent, isSecure: isSecureContext });
  if (advice === undefined) return;
  section('support').textContent = advice;
  section('support').hidden = false;
});
const notebook = new Notebook(new Engine());
for (const part of [musicPart, forwardPart, trainingPart, samplingPart, gpuPart]) part(notebook);
