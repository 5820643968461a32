import type { DeadLetters, DeferredEvent, RetryQueue } from '@activation-hub/delivery';
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
  const retryEvents = await forgetRetries(identity, stores.retryQueue, options);
  const deadLetters = await forgetDeadLetters(identity, stores.deadLetters, options);
  let ledgerRows = 0;
  for (const destination of destinations) {
    for (const name of [destination, shadowDestination(destination)])
      ledgerRows += await forgetRows(identity, name, stores.ledger, options);
  }
  return { retryEvents, deadLetters, ledgerRows };
}

async function forgetRetries(
  identity: Identity,
  retryQueue: RetryQueue,
  { dryRun, signal }: ForgetOptions,
): Promise<number> {
  let erased = 0;
  for await (const retry of retryQueue.waiting(signal)) {
    const events: DeferredEvent[] = [];
    let found = 0;
    for (const deferred of retry.events) {
      const body = withoutPerson(deferred.event.body, identity);
      if (body !== deferred.event.body) found += 1;
      if (body !== undefined) events.push({ ...deferred, event: { ...deferred.event, body } });
    }
    erased += found;
    if (dryRun || found === 0) continue;
    if (events.length === 0) await retryQueue.remove(retry.id, signal);
    else await retryQueue.replace({ ...retry, events }, signal);
  }
  return erased;
}

async function forgetDeadLetters(
  identity: Identity,
  deadLetters: DeadLetters,
  { dryRun, signal }: ForgetOptions,
): Promise<number> {
  let erased = 0;
  for await (const name of deadLetters.names('', signal)) {
    const letter = await deadLetters.read(name, signal);
    if (letter === undefined) continue;
    const body = withoutPerson(letter.event.body, identity);
    if (body === letter.event.body) continue;
    erased += 1;
    if (dryRun) continue;
    if (body === undefined) await deadLetters.remove(name, signal);
    else await deadLetters.put([{ ...letter, event: { ...letter.event, body } }], signal);
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
