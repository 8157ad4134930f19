/** The page's end of the worker. */
import type { News, Question, Questions, Told } from './protocol.ts';

/** What went wrong in the worker; for the user if it is something that the user can mend. */
export class EngineError extends Error {
  readonly isForUser: boolean;

  constructor(message: string, isForUser: boolean) {
    super(message);
    this.isForUser = isForUser;
  }
}

export class Engine {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve: (answer: never) => void; reject: (error: Error) => void }>();
  readonly #listeners = new Map<keyof News, ((data: never) => void)[]>();
  #asked = 0;

  constructor() {
    this.#worker = new Worker(new URL('worker.js', document.baseURI), { type: 'module', name: 'engine' });
    this.#worker.onmessage = ({ data }: MessageEvent<Told>) => this.#hear(data);
    this.#worker.onerror = ({ message }) => {
      for (const { reject } of this.#waiting.values()) reject(new EngineError(message, false));
      this.#waiting.clear();
    };
  }

  /** Rejects with an `EngineError`. */
  ask<Q extends Question>(question: Q, data: Questions[Q][0]): Promise<Questions[Q][1]> {
    const id = this.#asked++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, question, data });
    });
  }

  on<N extends keyof News>(news: N, listener: (data: News[N]) => void): void {
    this.#listeners.set(news, [...(this.#listeners.get(news) ?? []), listener as (data: never) => void]);
  }

  #hear(told: Told): void {
    if ('news' in told) {
      for (const listener of this.#listeners.get(told.news) ?? []) listener(told.data as never);
      return;
    }
    const waiting = this.#waiting.get(told.id);
    this.#waiting.delete(told.id);
    if ('problem' in told) waiting?.reject(new EngineError(told.problem, told.isForUser));
    else waiting?.resolve(told.answer as never);
  }
}
