import { replayDeadLetters } from '@activation-hub/delivery';
import { forget, renew, resync, retire, routedAudiences } from '../src/index.ts';
import { identitiesOf } from './people.ts';
import type { Operation } from './world-options.ts';

const { signal } = new AbortController();

/** Tells the destination anew what the ledger says that it should know. */
export const resyncing = (destination = 'crm'): Operation => ({
  label: 'resync',
  run: (context) => resync({ context, destination }, { signal }),
});

/**
 * Tells the destination again of every member whose membership lapses, as the night does, however
 * long that takes.
 */
export const renewing = (destination = 'crm'): Operation => ({
  label: 'renew',
  run: (context) => renew({ context, destination }, { untilMs: Infinity, signal }),
});

/** Removes every member from the destination of a retired route. */
export const retiring = (destination = 'crm'): Operation => ({
  label: 'retire',
  run: (context) => retire({ context, destination }, { signal }),
});

/** Replays every dead letter of what is routed to the destination, also under earlier names. */
export const replaying = (destination = 'crm'): Operation => ({
  label: 'replay',
  run: async (context) => {
    const letters: string[] = [];
    for await (const name of context.deadLetters.names('', signal)) letters.push(name);
    const routed = routedAudiences({ routes: context.matcher.routesTo(destination) }, context.matcher);
    await replayDeadLetters(letters, {}, context, { clock: context.clock, signal, routed });
  },
});

/**
 * Erases a person under every identity at these destinations; a row that a worker keeps writing is
 * for the next time.
 */
export const forgetting = (person: number, ledgerNames: readonly string[] = ['crm']): Operation => ({
  label: 'forget',
  run: async (context) => {
    const places = ledgerNames.map((ledgerName) => ({ ledgerName, forms: ({ value }: { value: string }) => [value] }));
    try {
      await forget(identitiesOf(person), places, context, { dryRun: false, signal });
    } catch (error) {
      if (!String(error).includes('Run it again')) throw error;
    }
  },
});
