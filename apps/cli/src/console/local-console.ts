import type { ActivationFile } from '@activation-hub/activation-file';
import { systemClock } from '@activation-hub/delivery';
import type { About } from '@activation-hub/console-contract';
import { openDataStorage, type DataStorage } from '../data-storage.ts';
import { environmentSecrets } from '../destinations/secrets.ts';
import type { Cleanups } from '../local/cleanups.ts';
import type { Machine } from '../local/machine.ts';
import type { Terminal } from '../terminal.ts';
import { openEventSender } from '../event-sender.ts';
import { localEventHub } from '../local/local-event-hub.ts';
import { ApiError } from './answers.ts';
import type { Breakables } from './breakable.ts';
import { startConsole, usualConsolePort, type Api } from './console-server.ts';
import { DeadLetterCounter } from './dead-letter-counter.ts';
import { createEventStream } from './event-stream.ts';
import { Jobs } from './jobs.ts';
import { LiveSource } from './live-source.ts';
import { listenForObservations } from './observation-listener.ts';
import { aboutFile, operatorApi } from './operator-api.ts';
import type { Operator } from './operator.ts';
import { buildPage } from './page-files.ts';
import { tryItApi } from './try-it.ts';

export interface LocalConsoleOptions {
  readonly file: ActivationFile;
  readonly activationFile: string;
  readonly secrets: Readonly<Record<string, string>>;
  readonly simulator: About['simulator'] | undefined;
  /** Stand-ins that can be broken. */
  readonly breakables: Breakables;
  readonly cleanups: Cleanups;
  readonly terminal: Terminal;
}

/** The console of `activation local`. */
export interface LocalConsole {
  /** To whom the function apps tell what they do. */
  readonly observerUrl: string;
  /** What host and app complain about. */
  warn(message: string): void;
  /** Serves the page; gives its address with the token. */
  serve(machine: Machine): Promise<string>;
}

/** Begins to observe, and to build the page where that is not done yet; `cleanups` ends it. */
export async function startLocalConsole(options: LocalConsoleOptions): Promise<LocalConsole> {
  const { file, secrets, cleanups } = options;
  let machine: Machine | undefined;
  let letters: DeadLetterCounter | undefined;
  const source = new LiveSource({
    file,
    secrets: Object.values(secrets),
    now: systemClock.now,
    partitions: () => machine?.partitions() ?? [],
    deadLetters: () => letters?.counts ?? new Map(),
    faults: () => options.breakables.faults,
  });
  const listener = await listenForObservations((observation) => source.observe(observation));
  cleanups.add(() => listener.stop());
  const page = buildPage();
  return {
    observerUrl: listener.url,
    warn: (message) => source.warn(message),
    serve: async (started) => {
      machine = started;
      const storage = openDataStorage({ connectionString: started.storageConnectionString });
      letters = new DeadLetterCounter(storage.deadLetters, 3_000);
      cleanups.add(() => {
        letters?.stop();
        return Promise.resolve();
      });
      const sender = openEventSender(started.eventHubsConnectionString, localEventHub.name);
      cleanups.add(() => sender.close());
      const stream = createEventStream(source);
      const jobs = new Jobs();
      cleanups.add(() => {
        jobs.stop();
        return Promise.resolve();
      });
      const server = await startConsole({
        page,
        stream,
        api: {
          ...localApi(options, source),
          ...operatorApi(operatorOf(options, source, storage), {
            jobs,
            onLettersChanged: () => void letters?.count(),
            seenAt: (destination) => source.attemptsAt(destination),
          }),
          ...tryItApi({ ...options, source, sender, now: systemClock.now }),
        },
        port: usualConsolePort,
        say: options.terminal.say,
      });
      cleanups.add(() => server.stop());
      cleanups.add(() => {
        stream.close();
        return Promise.resolve();
      });
      return server.url;
    },
  };
}

/** Acts with the secrets with which everything was started. */
function operatorOf(options: LocalConsoleOptions, source: LiveSource, storage: DataStorage): Operator {
  const { file, activationFile, secrets, terminal } = options;
  return {
    file,
    activationFile,
    storage,
    terminal,
    readSecret: environmentSecrets({ environment: { ...terminal.environment, ...secrets } }),
    explained: (error) => error,
    observe: (change) => source.observe({ is: 'change', ...change }),
    now: systemClock.now,
  };
}

function localApi({ file, activationFile, simulator, breakables }: LocalConsoleOptions, source: LiveSource): Api {
  const about: About = {
    ...aboutFile(file, activationFile, (destination) => breakables.has(destination)),
    environment: 'local',
    isLocal: true,
    ...(simulator === undefined ? {} : { simulator }),
  };
  return {
    'GET about': () => about,
    'GET changes/*': ({ name }) => {
      const detail = source.detail(Number(name));
      if (detail !== undefined) return detail;
      throw new ApiError(404, 'It is not among the last changes any more. Look for the person instead.');
    },
  };
}
