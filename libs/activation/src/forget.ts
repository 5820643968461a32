import { isUnreadable, orUnreadable, type DeadLetters, type Retry, type RetryQueue } from '@activation-hub/delivery';
import { shadowDestination, type Identity, type Ledger } from '@activation-hub/membership';
import { withoutPerson } from './without-person.ts';

export interface ForgetOptions {
  /** Counts, and erases nothing. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

/** What was erased of a person, or would be. */
export interface Forgotten {
  readonly retryEvents: number;
  readonly deadLetters: number;
  readonly ledgerRows: number;
  /** Names of retries and dead letters that cannot be read, so that nobody knows whether the person is in them. */
  readonly unreadable: readonly string[];
}

/** How often a row that somebody writes meanwhile is erased anew. */
const roundsMax = 5;

/**
 * Erases what is kept of an identity: its events in waiting retries and in dead letters, and its ledger rows at these
 * destinations, those of shadow routes included. Events of other people stay, also in the same retry, letter or body.
 *
 * Retries go first and the ledger last, so that nothing that is erased writes the person back. What the function is
 * working on at the same moment can: run it again until nothing is left to erase. Throws when a store cannot be reached,
 * and when a row keeps being written.
 */
export async function forget(
  identity: Identity,
  destinations: Iterable<string>,
  stores: { readonly ledger: Ledger; readonly retryQueue: RetryQueue; readonly deadLetters: DeadLetters },
  options: ForgetOptions,
): Promise<Forgotten> {
  const unreadable: string[] = [];
  const retryEvents = await forgetRetries(identity, stores.retryQueue, unreadable, options);
  const deadLetters = await forgetDeadLetters(identity, stores.deadLetters, unreadable, options);
  let ledgerRows = 0;
  for (const destination of destinations) {
    for (const name of [destination, shadowDestination(destination)])
      ledgerRows += await forgetRows(identity, name, stores.ledger, options);
  }
  return { retryEvents, deadLetters, ledgerRows, unreadable };
}

async function forgetRetries(
  identity: Identity,
  retryQueue: RetryQueue,
  unreadable: string[],
  { dryRun, signal }: ForgetOptions,
): Promise<number> {
  let erased = 0;
  for await (const retry of retryQueue.waiting(signal)) {
    if (isUnreadable(retry)) {
      unreadable.push(retry.unreadable);
      continue;
    }
    const { found } = retryWithoutPerson(retry, identity);
    erased += found;
    if (!dryRun && found > 0)
      await retryQueue.edit(retry.id, (waiting) => retryWithoutPerson(waiting, identity).left, signal);
  }
  return erased;
}

/** How many events of a retry are the person's, and what is left without them: the very same retry when there are none. */
function retryWithoutPerson(retry: Retry, identity: Identity): { readonly found: number; readonly left?: Retry } {
  let found = 0;
  const events = retry.events.flatMap((deferred) => {
    const body = withoutPerson(deferred.event.body, identity);
    if (body === deferred.event.body) return deferred;
    found += 1;
    return body === undefined ? [] : { ...deferred, event: { ...deferred.event, body } };
  });
  if (found === 0) return { found, left: retry };
  return events.length === 0 ? { found } : { found, left: { ...retry, events } };
}

async function forgetDeadLetters(
  identity: Identity,
  deadLetters: DeadLetters,
  unreadable: string[],
  { dryRun, signal }: ForgetOptions,
): Promise<number> {
  let erased = 0;
  for await (const name of deadLetters.names('', signal)) {
    const letter = await orUnreadable(deadLetters.read(name, signal));
    if (letter === undefined) continue;
    if (isUnreadable(letter)) {
      unreadable.push(name);
      continue;
    }
    if (withoutPerson(letter.event.body, identity) === letter.event.body) continue;
    erased += 1;
    if (dryRun) continue;
    await deadLetters.edit(
      name,
      (kept) => {
        const body = withoutPerson(kept.event.body, identity);
        if (body === kept.event.body) return kept;
        return body === undefined ? undefined : { ...kept, event: { ...kept.event, body } };
      },
      signal,
    );
  }
  return erased;
}

async function forgetRows(
  identity: Identity,
  destination: string,
  ledger: Ledger,
  { dryRun, signal }: ForgetOptions,
): Promise<number> {
  let erased = 0;
  for (let round = 0; round < roundsMax; round += 1) {
    let lost = 0;
    for await (const { key, version } of ledger.rows({ destination, identity }, signal)) {
      if (dryRun || (await ledger.remove(key, version, signal))) erased += 1;
      else lost += 1;
    }
    if (lost === 0) return erased;
  }
  throw new Error(
    `Failed to forget a person at ${destination}: the function keeps writing a row of the ledger. Run it again.`,
  );
}
