/** The page's end of the worker that computes spectrograms. */
type Taker = (image: ImageBitmap) => void;

let worker: Worker | undefined;
let asked = 0;
const waiting = new Map<number, Taker>();

function opened(): Worker {
  if (worker) return worker;
  worker = new Worker(new URL('pictures.js', document.baseURI), { type: 'module', name: 'pictures' });
  worker.onmessage = ({ data: { id, image } }: MessageEvent<{ id: number; image: ImageBitmap }>) => {
    waiting.get(id)?.(image);
    waiting.delete(id);
  };
  return worker;
}

/** The picture of one sound after the other: of those that come while one is being computed, only the last. */
export class Pictures {
  readonly #take: Taker;
  #next: Float32Array | undefined;
  #isBusy = false;

  constructor(take: Taker) {
    this.#take = take;
  }

  ask(samples: Float32Array): void {
    this.#next = samples;
    if (!this.#isBusy) this.#begin();
  }

  #begin(): void {
    const samples = this.#next;
    this.#next = undefined;
    this.#isBusy = samples !== undefined;
    if (!samples) return;
    const id = asked++;
    waiting.set(id, (image) => {
      this.#take(image);
      this.#begin();
    });
    opened().postMessage({ id, samples });
  }
}
