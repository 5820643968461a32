import { z } from 'zod';
import { type Change, type Connector, defineDestination } from '@activation-hub/destination-kit';
import { logSettings } from './settings.ts';
import { logTakes } from './takes.ts';

/** One printed line per change, for trying things: it sends no request and always delivers. */
export const log = defineDestination({
  type: 'log',
  title: 'Log',
  description: 'Prints one line per change and sends no request: for trying things.',
  settings: logSettings,
  options: z.strictObject({}).prefault({}),
  limits: () => ({ batchCount: 1000, batchBytes: 1024 * 1024, requestsPerSecond: 1000, concurrency: 1 }),
  batchBy: 'destination',
  takes: () => logTakes,
  comparison: {
    enters: 'is a line of output',
    leaves: 'is a line of output',
    hashed: 'nothing',
    shownAfter: 'at once',
    erasure: 'nothing is kept',
    untried: 'nothing: it sends no request',
  },
  connect: ({ showIdentities }, { print }) => {
    const tell: Connector['enter'] = (deliveries) => {
      for (const { change } of deliveries) print(line(change, showIdentities));
      return Promise.resolve(deliveries.map(({ change }) => ({ id: change.id, status: 'delivered' })));
    };
    return { enter: tell, update: tell, exit: tell };
  },
});

function line({ kind, audience, identity, qualifiedAt, attributes }: Change, showIdentities: boolean): string {
  const value = showIdentities ? identity.value : masked(identity.value);
  const what = showIdentities ? attributes : Object.keys(attributes);
  // As JSON, no value can break the line or colour the terminal.
  return `${kind} ${audience.key} ${identity.namespace} ${JSON.stringify(value)} at ${qualifiedAt} ${JSON.stringify(what)}`;
}

/** Keeps the first character where that gives nothing away. */
function masked(value: string): string {
  const [first = '', ...rest] = value;
  return `${rest.length > 3 ? first : ''}***`;
}
