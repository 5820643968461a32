import type { ActResult, JobStarted, JobView } from '@activation-hub/console-contract';
import { ApiError } from './answers.ts';
import type { Api } from './console-server.ts';

/** How a job says how far it is. */
export type OnProgress = (done: number, total?: number) => void;

/** So many jobs that are over are remembered. */
const overMax = 50;

/**
 * Work that takes longer than a request should. It goes on when the page is closed, and ends with
 * the console.
 */
export class Jobs {
  readonly #jobs = new Map<string, { view: JobView }>();
  readonly #stopped = new AbortController();
  readonly #explained: (error: unknown) => unknown;
  #last = 0;

  /** `explained` gives a failure with what the person lacks or can do about it. */
  constructor(explained: (error: unknown) => unknown = (error) => error) {
    this.#explained = explained;
  }

  start(run: (onProgress: OnProgress, signal: AbortSignal) => Promise<ActResult>): JobStarted {
    this.#last += 1;
    const job = String(this.#last);
    const state: { view: JobView } = { view: { done: 0, isOver: false } };
    this.#jobs.set(job, state);
    const onProgress: OnProgress = (done, total) => {
      state.view = { ...state.view, done, ...(total === undefined ? {} : { total }) };
    };
    run(onProgress, this.#stopped.signal).then(
      (result) => {
        state.view = { ...state.view, isOver: true, result };
      },
      (error: unknown) => {
        const words = this.#explained(error);
        const failure = words instanceof Error ? words.message : String(words);
        state.view = { ...state.view, isOver: true, failure };
      },
    );
    this.#forgetOld();
    return { job };
  }

  stop(): void {
    this.#stopped.abort();
  }

  api(): Api {
    return {
      'GET jobs/*': ({ name }): JobView => {
        const state = this.#jobs.get(name);
        if (state === undefined)
          throw new ApiError(404, 'This work is not known here: the console was started anew since.');
        return state.view;
      },
    };
  }

  #forgetOld(): void {
    for (const [job, { view }] of this.#jobs) {
      if (this.#jobs.size <= overMax) return;
      if (view.isOver) this.#jobs.delete(job);
    }
  }
}
