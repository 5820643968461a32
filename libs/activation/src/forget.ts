import {
  isUnreadable,
  orUnreadable,
  type DeadLetter,
  type DeadLetters,
  type DeferredEvent,
  type DeferredRow,
  type Failure,
  type Retry,
  type RetryQueue,
} from '@activation-hub/delivery';
import {
  forgetFormerOf,
  identityText,
  isUnreadableRow,
  ledgerParts,
  linkDestination,
  shadowDestination,
  unlinkRemembered,
  UnreadableRowCount,
  type Identity,
  type Ledger,
  type LedgerSelection,
  type UnreadableRows,
} from '@activation-hub/membership';
import { distinctIdentities, findForms, type ErasurePlace } from './find-forms.ts';
import { isSearchable, withoutPerson } from './without-person.ts';

export interface ForgetOptions {
  /** Counts, and erases nothing. */
  readonly dryRun: boolean;
  /**
   * Ledger names of destinations that still have to be told: what is needed for that stays. None by
   * default.
   */
  readonly kept?: ReadonlySet<string>;
  readonly signal: AbortSignal;
}

/** What was looked at and erased in one store, or would be. */
export interface Erased {
  readonly searched: number;
  readonly erased: number;
}

/** What was erased of a person, or would be. */
export interface Forgotten {
  readonly retries: Erased;
  readonly deadLetters: Erased;
  /**
   * Rows by ledger name of the destination. Shadow rows and links are among them, and rows of other
   * identities that remember the person, which stay without that.
   */
  readonly rows: Readonly<Record<string, number>>;
  /**
   * Other identities of the person that the ledger's links name, which were looked for as well: for
   * the person who asks.
   */
  readonly linkedIdentities: readonly Identity[];
  /**
   * Names of retries and dead letters that cannot be read, or whose events are no text: the person
   * may be in them.
   */
  readonly unreadable: readonly string[];
  /**
   * Rows and links that cannot be read: they are the person's, or may remember or name the person.
   */
  readonly unreadableRows: UnreadableRows;
}

/** How often a row that the function writes meanwhile is erased anew. */
const roundsMax = 5;

/**
 * Erases what is kept of a person, given by identities as AEP exports them: events and rows in
 * waiting retries and dead letters, and the ledger's rows at these destinations in every form in
 * which they may hold an identity, with shadow rows and links, and the identities in the rows of
 * others that remember them. What a link names belongs to the person too. Events of other people
 * stay, also in the same retry, letter or body.
 *
 * Retries go first and the ledger last, so that nothing that is erased writes the person back. What
 * the function is working on at the same moment can: run it again until nothing is left to erase.
 * Of a row that cannot be read it is not known whose it is: it stays, and stops nothing.
 * Throws when a store cannot be reached, and when a row keeps being written.
 */
export async function forget(
  identities: readonly Identity[],
  places: readonly ErasurePlace[],
  stores: { readonly ledger: Ledger; readonly retryQueue: RetryQueue; readonly deadLetters: DeadLetters },
  options: ForgetOptions,
): Promise<Forgotten> {
  const { kept = new Set() } = options;
  const erasable = places.filter(({ ledgerName }) => !kept.has(ledgerName));
  const found = await findForms(identities, erasable, stores.ledger, options.signal);
  const everywhere = distinctIdentities([...identities, ...found.flatMap(({ forms }) => forms)]);
  const unreadable: string[] = [];
  const keptNames = new Set([...kept].flatMap((ledgerName) => [ledgerName, shadowDestination(ledgerName)]));
  const of = { identities: everywhere, keptNames };
  const unreadableRows = new UnreadableRowCount();
  for (const each of found) unreadableRows.addAll(each.unreadable);
  const retries = await forgetRetries(of, stores.retryQueue, unreadable, options);
  const deadLetters = await forgetDeadLetters(of, stores.deadLetters, unreadable, options);
  const rows: Record<string, number> = {};
  const ledger = { ledger: stores.ledger, unreadable: unreadableRows };
  for (const { ledgerName, forms } of found) {
    const remembered = await forgetRemembered(forms, ledgerName, ledger, options);
    rows[ledgerName] = (rows[ledgerName] ?? 0) + remembered + (await forgetRows(forms, ledgerName, ledger, options));
  }
  const given = new Set(found.flatMap(({ formsGiven }) => formsGiven.map(identityText)));
  const linked = distinctIdentities(found.flatMap(({ forms }) => forms)).filter(
    (each) => !given.has(identityText(each)),
  );
  return { retries, deadLetters, rows, linkedIdentities: linked, unreadable, unreadableRows: unreadableRows.now };
}

/** Whose events and rows are erased from retries and dead letters. */
interface OfPerson {
  readonly identities: readonly Identity[];
  /** Destinations that still have to be told by their rows. */
  readonly keptNames: ReadonlySet<string>;
}

async function forgetRetries(
  of: OfPerson,
  retryQueue: RetryQueue,
  unreadable: string[],
  { dryRun, signal }: ForgetOptions,
): Promise<Erased> {
  let searched = 0;
  let erased = 0;
  for await (const retry of retryQueue.waiting(signal)) {
    if (isUnreadable(retry)) {
      unreadable.push(retry.unreadable);
      continue;
    }
    searched += 1;
    const { found, left } = retryWithoutPerson(retry, of);
    if (left?.events.some(({ event }) => !isSearchable(event.body)) === true) unreadable.push(retry.id);
    erased += found;
    if (!dryRun && found > 0)
      await retryQueue.edit(retry.id, (waiting) => retryWithoutPerson(waiting, of).left, signal);
  }
  return { searched, erased };
}

function rowsOfOthers(rows: readonly DeferredRow[], { identities, keptNames }: OfPerson): readonly DeferredRow[] {
  const texts = new Set(identities.map(identityText));
  return rows.filter(({ identity, destination }) => !texts.has(identityText(identity)) || keptNames.has(destination));
}

/**
 * How many events and rows of a retry are the person's, and what is left without them: the very
 * same retry when there are none.
 */
function retryWithoutPerson(retry: Retry, of: OfPerson): { readonly found: number; readonly left?: Retry } {
  const { identities } = of;
  const rows = [...rowsOfOthers(retry.rows, of)];
  let found = retry.rows.length - rows.length;
  const events = retry.events.flatMap((deferred): DeferredEvent[] => {
    const body = withoutPerson(deferred.event.body, identities);
    const left = rowsOfOthers(deferred.rows, of);
    if (body === deferred.event.body && left.length === deferred.rows.length) return [deferred];
    found += 1;
    if (body !== undefined) return [{ ...deferred, rows: left, event: { ...deferred.event, body } }];
    // What is still to be told at other destinations is told from the ledger alone.
    rows.push(...left);
    return [];
  });
  if (found === 0) return { found, left: retry };
  if (events.length === 0 && rows.length === 0) return { found };
  // Receipts go by change id, which does not say whose a change is. A change without its receipt is
  // sent anew, which does no harm, and as any other that waits: when the circuit closes, too.
  const left = { ...retry, events, rows };
  delete left.receipts;
  return { found, left };
}

async function forgetDeadLetters(
  of: OfPerson,
  deadLetters: DeadLetters,
  unreadable: string[],
  { dryRun, signal }: ForgetOptions,
): Promise<Erased> {
  let searched = 0;
  let erased = 0;
  for await (const name of deadLetters.names('', signal)) {
    const letter = await orUnreadable(deadLetters.read(name, signal));
    if (letter === undefined) continue;
    if (isUnreadable(letter)) {
      unreadable.push(name);
      continue;
    }
    const left = letterWithoutPerson(letter, of);
    if (left === letter) {
      if (isSearchable(letter.event.body)) searched += 1;
      else unreadable.push(name);
      continue;
    }
    searched += 1;
    erased += 1;
    if (!dryRun) await deadLetters.edit(name, (kept) => letterWithoutPerson(kept, of), signal);
  }
  return { searched, erased };
}

/** The very same letter when nothing in it is the person's; undefined when nothing else is left. */
function letterWithoutPerson(letter: DeadLetter, of: OfPerson): DeadLetter | undefined {
  const { event, failures } = letter;
  const body = withoutPerson(event.body, of.identities);
  if (body === undefined) return undefined;
  const left = failures.map((failure): Failure => {
    const rows = rowsOfOthers(failure.rows ?? [], of);
    return rows.length === (failure.rows ?? []).length ? failure : { ...failure, rows };
  });
  if (body === event.body && left.every((failure, index) => failure === failures[index])) return letter;
  return { ...letter, event: { ...event, body }, failures: left };
}

/**
 * Takes these forms out of the rows of other identities that remember them (`formerOf`), and gives
 * how many rows those are. An identity that another person has too may remember both, so that the
 * row stays, and no other person is looked for by it.
 */
async function forgetRemembered(
  forms: readonly Identity[],
  ledgerName: string,
  { ledger, unreadable }: WalkedLedger,
  { dryRun, signal }: ForgetOptions,
): Promise<number> {
  const texts = new Set(forms.map(identityText));
  const forgetIn = async (of: LedgerSelection): Promise<{ readonly erased: number; readonly isLost: boolean }> => {
    let erased = 0;
    let isLost = false;
    for await (const row of ledger.rows(of, signal)) {
      if (isUnreadableRow(row)) {
        unreadable.add(row);
        continue;
      }
      const { key, record, version } = row;
      const left = texts.has(identityText(key.identity)) ? undefined : forgetFormerOf(record, texts);
      if (left === undefined) continue;
      const [result] = dryRun ? [] : await ledger.write([{ key, record: left, expected: version }], signal);
      if (result?.written === false) isLost = true;
      else erased += 1;
    }
    return { erased, isLost };
  };
  const parts = [ledgerName, shadowDestination(ledgerName)].flatMap((destination) =>
    Array.from({ length: ledgerParts }, (_, part) => ({ destination, part })),
  );
  let erased = 0;
  for (let round = 0; round < roundsMax; round += 1) {
    const done = await Promise.all(parts.map(forgetIn));
    erased += done.reduce((sum, each) => sum + each.erased, 0);
    if (!done.some(({ isLost }) => isLost)) return erased;
  }
  throw keepsBeingWritten(ledgerName);
}

/** The ledger, and where what cannot be read of it is counted. */
interface WalkedLedger {
  readonly ledger: Ledger;
  readonly unreadable: UnreadableRowCount;
}

/** Rows, shadow rows and links under these forms, and links that name one of them. */
async function forgetRows(
  forms: readonly Identity[],
  ledgerName: string,
  ledger: WalkedLedger,
  options: ForgetOptions,
): Promise<number> {
  let erased = 0;
  const shadow = shadowDestination(ledgerName);
  for (const destination of [ledgerName, shadow, linkDestination(ledgerName), linkDestination(shadow)]) {
    for (const identity of forms) erased += await forgetRow(identity, destination, ledger, options);
  }
  return erased;
}

/** Other people whom a row of this identity remembers are looked at with their next exports. */
async function forgetRow(
  identity: Identity,
  destination: string,
  { ledger, unreadable }: WalkedLedger,
  { dryRun, signal }: ForgetOptions,
): Promise<number> {
  let erased = 0;
  for (let round = 0; round < roundsMax; round += 1) {
    let isLost = false;
    for await (const row of ledger.rows({ destination, identity }, signal)) {
      if (isUnreadableRow(row)) {
        unreadable.add(row);
        continue;
      }
      const unlinked = dryRun ? 'unlinked' : await unlinkRemembered(row, ledger, signal);
      if (typeof unlinked !== 'string') unreadable.add(unlinked);
      else if (unlinked === 'unlinked' && (dryRun || (await ledger.remove(row.key, row.version, signal)))) erased += 1;
      else isLost = true;
    }
    if (!isLost) return erased;
  }
  throw keepsBeingWritten(destination);
}

function keepsBeingWritten(destination: string): Error {
  return new Error(
    `Failed to forget a person at ${destination}: the function keeps writing a row of the ledger. Run it again.`,
  );
}
