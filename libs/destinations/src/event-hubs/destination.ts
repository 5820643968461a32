import { z } from 'zod';
import {
  type Connector,
  defineDestination,
  type Delivery,
  DestinationError,
  type Verdict,
} from '@activation-hub/destination-kit';
import { writtenIdentity, writtenTakes } from '../written-identity.ts';
import { keyedChanges, type KeyedChanges } from './request.ts';
import { eventSender } from './connection.ts';
import { eventHubsSettings } from './settings.ts';

/** Changes as CloudEvents in another Event Hub. */
export const eventHubs = defineDestination({
  type: 'event-hubs',
  title: 'Azure Event Hubs',
  description: 'Sends every change as a CloudEvent to an Event Hub of your own, keyed by identity.',
  settings: eventHubsSettings,
  options: z.strictObject({}).prefault({}),
  // An event may have 1 MB; one throughput unit takes 1,000 events and 1 MB in a second.
  limits: ({ batchSize }) => ({
    batchCount: batchSize,
    batchBytes: 4 * 1024 * 1024,
    requestsPerSecond: 100,
    concurrency: 2,
  }),
  batchBy: 'destination',
  identity: (identity, { identities }) => writtenIdentity(identity, identities),
  takes: () => writtenTakes,
  comparison: {
    enters: 'is told as a CloudEvent',
    leaves: 'is told as a CloudEvent',
    hashed: 'identities, unless the settings ask for plain ones',
    shownAfter: 'as the reader does',
    erasure: 'an exit is told; events stay as long as the hub keeps them',
    untried: 'the service itself: only an emulator was',
  },
  connect: (settings, context): Connector => {
    const sender = eventSender(settings, context);
    /** The verdicts of the changes of one identity, or why they were not taken. */
    const send = async (keyed: KeyedChanges, signal: AbortSignal): Promise<Verdict[] | DestinationError> => {
      try {
        const tooLarge = new Set(await sender.send(keyed, signal));
        const reason = 'the event is larger than the hub takes';
        return keyed.changes.map(({ id }) =>
          tooLarge.has(id) ? { id, status: 'rejected', reason } : { id, status: 'delivered' },
        );
      } catch (error) {
        if (error instanceof DestinationError) return error;
        throw error;
      }
    };
    const tell = async (deliveries: readonly Delivery[], signal: AbortSignal): Promise<Verdict[]> => {
      // Once for all: a hub that cannot be reached is not to be tried for each person.
      await sender.open(signal);
      const groups = keyedChanges(deliveries.map(({ change }) => change));
      const results = await Promise.all(groups.map((keyed) => send(keyed, signal)));
      const [first] = results;
      if (first instanceof DestinationError && results.every((result) => result instanceof DestinationError)) {
        throw first;
      }
      return groups.flatMap(({ changes }, index) => {
        const result = results[index] ?? [];
        return result instanceof DestinationError ? changes.map(({ id }) => retry(id, result)) : result;
      });
    };
    return {
      enter: tell,
      update: tell,
      exit: tell,
      probe: async (_routes, signal) => {
        await sender.open(signal);
        return [];
      },
      close: () => sender.close(),
    };
  },
});

function retry(id: string, failure: DestinationError): Verdict {
  const reason = `the hub did not take the event (${failure.class})`;
  return { id, status: 'retry', reason, ...(failure.doubt === undefined ? {} : { doubt: failure.doubt }) };
}
