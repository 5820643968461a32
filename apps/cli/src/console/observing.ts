import type { ActivationFile } from '@activation-hub/activation-file';
import { systemClock } from '@activation-hub/delivery';
import { openDataStorage, type DataStorage } from '../environment/data-storage.ts';
import type { Cleanups } from '../traffic/local/cleanups.ts';
import type { Machine } from '../traffic/local/machine.ts';
import type { Breakables } from './breakable.ts';
import { DeadLetterCounter } from './dead-letter-counter.ts';
import { LiveSource, type LiveOptions } from './live-source.ts';
import { listenForObservations } from './observation-listener.ts';

export interface ObservingOptions extends Pick<LiveOptions, 'onChange' | 'onAttempt'> {
  readonly file: ActivationFile;
  readonly secrets: Readonly<Record<string, string>>;
  readonly breakables: Breakables;
  readonly cleanups: Cleanups;
}

/**
 * What is seen of everything on this machine, one change after the other, by the page and by the
 * terminal.
 */
export interface Observing {
  readonly source: LiveSource;
  /** To whom the function apps tell what they do. */
  readonly observerUrl: string;
  /** Looks at what the machine keeps too. */
  watch(machine: Machine): Watched;
}

export interface Watched {
  readonly storage: DataStorage;
  readonly letters: DeadLetterCounter;
}

const countEveryMs = 3_000;

/** Begins to listen; `cleanups` ends it. */
export async function startObserving(options: ObservingOptions): Promise<Observing> {
  const { secrets, breakables, cleanups, ...others } = options;
  let machine: Machine | undefined;
  let letters: DeadLetterCounter | undefined;
  const source = new LiveSource({
    ...others,
    secrets: Object.values(secrets),
    now: systemClock.now,
    partitions: () => machine?.partitions() ?? [],
    deadLetters: () => letters?.counts ?? new Map(),
    faults: () => breakables.faults,
  });
  const listener = await listenForObservations((observation) => source.observe(observation));
  cleanups.add(() => listener.stop());
  return {
    source,
    observerUrl: listener.url,
    watch(started) {
      machine = started;
      const storage = openDataStorage({ connectionString: started.storageConnectionString });
      const counter = new DeadLetterCounter(storage.deadLetters, countEveryMs);
      letters = counter;
      cleanups.add(() => {
        counter.stop();
        return Promise.resolve();
      });
      return { storage, letters: counter };
    },
  };
}
