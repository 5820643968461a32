import type { ActivationFile } from '@activation-hub/activation-file';
import { systemClock } from '@activation-hub/delivery';
import type { About, ChangeDetail, HeldView } from '@activation-hub/console-contract';
import { environmentSecrets } from '../environment/secrets.ts';
import { lookAtHeld } from '../operate/look-at-held.ts';
import type { EventSender } from '../traffic/event-sender.ts';
import type { Cleanups } from '../traffic/local/cleanups.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { ApiError } from './answers.ts';
import type { Breakables } from './breakable.ts';
import { startConsole, usualConsolePort, type Api } from './console-server.ts';
import { createEventStream } from './event-stream.ts';
import { Jobs } from './jobs.ts';
import type { LiveSource } from './live-source.ts';
import type { Watched } from './observing.ts';
import { aboutFile, operatorApi } from './operator-api.ts';
import type { Operator } from './operator.ts';
import type { PageFiles } from './page-files.ts';
import type { Tenant } from './played-tenant.ts';
import { tryItApi } from './try-it.ts';

export interface LocalConsoleOptions {
  readonly source: LiveSource;
  readonly watched: Watched;
  readonly sender: EventSender;
  /** Stand-ins that can be broken. */
  readonly breakables: Breakables;
  readonly simulator: About['simulator'] | undefined;
  readonly cleanups: Cleanups;
  readonly terminal: Terminal;
}

/** What the page shows as it is set up now; an edit of the activation file gives another one. */
export interface ConsoleSubject {
  readonly file: ActivationFile;
  readonly activationFile: string;
  readonly secrets: Readonly<Record<string, string>>;
  /** People whom one plays; absent where the file has no audience. */
  readonly tenant: Tenant | undefined;
}

/** The console of `activation local`. */
export interface LocalConsole {
  /** With the token. */
  readonly url: string;
  readonly oneTimeUrl: () => string;
  /** Shows another activation file from now on; open pages begin anew. */
  follow(subject: ConsoleSubject): void;
}

/** Serves the page; `cleanups` ends it. */
export async function serveLocalConsole(
  page: PageFiles,
  begun: ConsoleSubject,
  options: LocalConsoleOptions,
): Promise<LocalConsole> {
  const { source, watched, cleanups, terminal } = options;
  const stream = createEventStream(source);
  const jobs = new Jobs();
  const apiOf = (subject: ConsoleSubject): Api => ({
    ...localApi(subject, options),
    ...operatorApi(operatorOf(subject, options), {
      jobs,
      onLettersChanged: () => void watched.letters.count(),
      seenAt: (destination) => source.attemptsAt(destination),
    }),
    ...tryItApi({ ...options, ...subject }),
  });
  let api = apiOf(begun);
  const server = await startConsole({ page, stream, api: () => api, port: usualConsolePort, say: terminal.say });
  cleanups.add(() => server.stop());
  cleanups.add(() => {
    stream.close();
    jobs.stop();
    return Promise.resolve();
  });
  return {
    url: server.url,
    oneTimeUrl: server.oneTimeUrl,
    follow(subject) {
      api = apiOf(subject);
      stream.beginAnew();
    },
  };
}

/** Acts with the secrets of the file, because no other process has them. */
function operatorOf(
  { file, activationFile, secrets }: ConsoleSubject,
  { source, watched, terminal }: LocalConsoleOptions,
): Operator {
  return {
    file,
    activationFile,
    storage: watched.storage,
    terminal,
    readSecret: environmentSecrets({ environment: { ...terminal.environment, ...secrets } }),
    explained: (error) => error,
    observe: (change) => source.observe({ is: 'change', ...change }),
    now: systemClock.now,
  };
}

function localApi(
  { file, activationFile }: ConsoleSubject,
  { source, watched, simulator, breakables }: LocalConsoleOptions,
): Api {
  const detailOf = (name: string): ChangeDetail => {
    const detail = source.detail(Number(name));
    if (detail !== undefined) return detail;
    throw new ApiError(404, 'It is not among the last changes any more. Look for the person instead.');
  };
  const about: About = {
    ...aboutFile(file, activationFile, (destination) => breakables.has(destination)),
    environment: 'local',
    isLocal: true,
    ...(simulator === undefined ? {} : { simulator }),
  };
  return {
    'GET about': () => about,
    'GET changes/*': ({ name }) => detailOf(name),
    'GET changes/*/held': ({ name, signal }): Promise<HeldView> => {
      const { destination, audience, namespace, person } = detailOf(name).row;
      const scope = { destination, audience, identity: { namespace, value: person } };
      return lookAtHeld(scope, file, watched.storage, signal);
    },
  };
}
