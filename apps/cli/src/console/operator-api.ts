import type { ActivationFile } from '@activation-hub/activation-file';
import type { About } from '@activation-hub/console-contract';
import type { Api } from './console-server.ts';
import { controlsApi } from './controls-api.ts';
import { deadLettersApi } from './dead-letters-api.ts';
import { destinationsApi, type SeenAt } from './destinations-api.ts';
import { fileApi } from './file-api.ts';
import { inspectApi } from './inspect-api.ts';
import type { Jobs } from './jobs.ts';
import type { Operator } from './operator.ts';
import { peopleApi } from './people-api.ts';

export interface OperatorApiOptions {
  readonly jobs: Jobs;
  /** Dead letters were replayed or purged. */
  readonly onLettersChanged: () => void;
  readonly seenAt: SeenAt;
}

/** What a person may look at and do, on this machine and in an environment alike. */
export function operatorApi(operator: Operator, { jobs, onLettersChanged, seenAt }: OperatorApiOptions): Api {
  return {
    ...peopleApi(operator),
    ...controlsApi(operator),
    ...deadLettersApi(operator, jobs, onLettersChanged),
    ...destinationsApi(operator, jobs, seenAt),
    ...fileApi(operator),
    ...inspectApi(operator),
    ...jobs.api(),
  };
}

/** What a file says of itself. */
export function aboutFile(
  file: ActivationFile,
  path: string,
  canBreak: (destination: string) => boolean,
): Pick<About, 'activationFile' | 'audiences' | 'destinations' | 'routes'> {
  return {
    activationFile: path,
    audiences: [...file.audiences.values()].map(({ key, name, id }) => ({ key, name: name ?? key, id })),
    destinations: [...file.destinations.values()].map(({ key, type }) => ({ key, type, canBreak: canBreak(key) })),
    routes: file.routes.map(({ audience, destination, mode }) => ({ audience, destination, mode })),
  };
}
