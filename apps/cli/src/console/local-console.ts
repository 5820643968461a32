import type { ActivationFile } from '@activation-hub/activation-file';
import { systemClock } from '@activation-hub/delivery';
import type { About } from '@activation-hub/console-contract';
import { openDataStorage, type DataStorage } from '../data-storage.ts';
import type { Cleanups } from '../local/cleanups.ts';
import type { Machine } from '../local/machine.ts';
import type { Terminal } from '../terminal.ts';
import { openEventSender } from '../event-sender.ts';
import { localEventHub } from '../local/local-event-hub.ts';
import { ApiError } from './answers.ts';
import type { Breakables } from './breakable.ts';
import { startConsole, type Api } from './console-server.ts';
import { controlsApi } from './controls-api.ts';
import { DeadLetterCounter } from './dead-letter-counter.ts';
import { deadLettersApi } from './dead-letters-api.ts';
import { destinationsApi } from './destinations-api.ts';
import { createEventStream } from './event-stream.ts';
import { fileApi } from './file-api.ts';
import { Jobs } from './jobs.ts';
import { LiveSource } from './live-source.ts';
import { listenForObservations } from './observation-listener.ts';
import type { Operator } from './operator.ts';
import { pageFiles } from './page-files.ts';
import { peopleApi } from './people-api.ts';
import { tryItApi } from './try-it.ts';

/** Where the console of this machine is, unless the port is taken; the same each time, so that addresses within it can be kept. */
const usualPort = 7411;

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
      const server = await startConsole({
        page: pageFiles(() => page),
        stream,
        api: {
          ...localApi(options, source),
          ...operatorApi(options, source, storage, letters, cleanups),
          ...tryItApi({ ...options, source, sender, now: systemClock.now }),
        },
        port: usualPort,
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

function buildPage(): Promise<string> {
  // Apps do not import each other; this is the build script of one, run by the other.
  const script = new URL('../../../console/build.ts', import.meta.url).href;
  const page = (import(script) as Promise<{ readonly builtPage: () => Promise<string> }>).then(({ builtPage }) =>
    builtPage(),
  );
  page.catch(() => undefined); // Whoever opens the page is told.
  return page;
}

/** What a person may do here: with the secrets of the file, for nobody else is there who has them. */
function operatorApi(
  { file, activationFile, secrets, terminal }: LocalConsoleOptions,
  source: LiveSource,
  storage: DataStorage,
  letters: DeadLetterCounter,
  cleanups: Cleanups,
): Api {
  const jobs = new Jobs();
  cleanups.add(() => {
    jobs.stop();
    return Promise.resolve();
  });
  const operator: Operator = {
    file,
    activationFile,
    storage,
    terminal: { ...terminal, environment: { ...terminal.environment, ...secrets } },
    observe: (change) => source.observe({ is: 'change', ...change }),
    now: systemClock.now,
  };
  return {
    ...peopleApi(operator),
    ...controlsApi(operator),
    ...deadLettersApi(operator, jobs, () => void letters.count()),
    ...destinationsApi(operator, jobs, (destination) => source.attemptsAt(destination)),
    ...fileApi(operator),
    ...jobs.api(),
  };
}

function localApi({ file, activationFile, simulator, breakables }: LocalConsoleOptions, source: LiveSource): Api {
  const about: About = {
    environment: 'local',
    isLocal: true,
    activationFile,
    audiences: [...file.audiences.values()].map(({ key, name, id }) => ({ key, name: name ?? key, id })),
    destinations: [...file.destinations.values()].map(({ key, type }) => ({
      key,
      type,
      canBreak: breakables.has(key),
    })),
    routes: file.routes.map(({ audience, destination, mode }) => ({ audience, destination, mode })),
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
