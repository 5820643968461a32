import type { ActivationFile, Matcher } from '@activation-hub/activation-file';
import {
  candidateNames,
  isUnreadable,
  pauseOf,
  readSelected,
  rowsOf,
  type Control,
  type DeadLetters,
  type Retry,
  type RetryQueue,
  type WaitingRetry,
} from '@activation-hub/delivery';
import {
  historyOf,
  identityText,
  isUnreadableRow,
  ledgerKeyText,
  ledgerNameOf,
  shadowDestination,
  UnreadableRowCount,
  type Identity,
  type Ledger,
  type LedgerEntry,
} from '@activation-hub/membership';
import { distinctIdentities, findForms, type ErasurePlace } from './find-forms.ts';
import { chainOf } from './defer-changes.ts';
import type { PersonStory, RouteStory, StoryDeadLetter, StoryEvent, StoryRetry } from './person-story.ts';
import { actionsFor } from './story-actions.ts';
import { standingOf, transitionWords, unknownStanding, unreadStanding } from './story-words.ts';
import { presentKey, underPresentKeys } from './stored-names.ts';
import { withoutPerson } from './without-person.ts';

export interface ExplainContext {
  readonly file: ActivationFile;
  readonly matcher: Matcher;
  /**
   * Where the person is looked for: the destinations of the file, and those that it has no more but
   * that have rows.
   */
  readonly places: readonly ErasurePlace[];
  readonly ledger: Pick<Ledger, 'rows'>;
  readonly retryQueue: Pick<RetryQueue, 'waiting'>;
  readonly deadLetters: Pick<DeadLetters, 'names' | 'read'>;
  /** What operators ask for; nothing by default. */
  readonly controls?: readonly Control[];
  /** Epoch milliseconds. */
  readonly nowMs: number;
}

/**
 * The story of one person, given by identities as AEP exports them: their rows at these
 * destinations in every form in which they hold an identity, with what the ledger links with them;
 * the retries and dead letters that are about them. It reads every link, every waiting retry and
 * every dead letter, and changes nothing. Throws when a store cannot be reached.
 */
export async function explain(
  identities: readonly Identity[],
  { controls = [], ...stores }: ExplainContext,
  signal: AbortSignal,
): Promise<PersonStory> {
  const context = { ...stores, controls: controls.map((each) => underPresentKeys(each, stores.matcher)) };
  const found = await findForms(identities, context.places, context.ledger, signal);
  const everywhere = distinctIdentities([...identities, ...found.flatMap(({ forms }) => forms)]);
  const entries: LedgerEntry[] = [];
  const unreadableRows = new UnreadableRowCount();
  for (const each of found) unreadableRows.addAll(each.unreadable);
  const unreadAt = new Set<string>();
  for (const { ledgerName, forms } of found)
    for (const destination of [ledgerName, shadowDestination(ledgerName)])
      for (const identity of forms)
        for await (const entry of context.ledger.rows({ destination, identity }, signal)) {
          if (isUnreadableRow(entry)) {
            unreadableRows.add(entry);
            unreadAt.add(ledgerName);
          } else entries.push(entry);
        }
  const unreadable: string[] = [];
  const waiting = await retriesOf(everywhere, entries, context.retryQueue, unreadable, signal);
  const deadLetters = await lettersOf(everywhere, context, unreadable, signal);
  const retries = waiting.map(({ story }) => story);
  const routes = [
    ...entries.map((entry) => routeStory(entry, waiting, deadLetters, context)),
    ...routesWithoutRow({ entries, unreadAt }, everywhere, deadLetters, context),
  ].toSorted(inOrderOf(context.file));
  const given = new Set(found.flatMap(({ formsGiven }) => formsGiven.map(identityText)));
  return {
    identities,
    linkedIdentities: everywhere.filter((each) => !given.has(identityText(each))),
    routes,
    events: eventsOf(routes, retries, deadLetters),
    retries,
    deadLetters,
    unreadable,
    unreadableRows: unreadableRows.now,
  };
}

interface FoundRetry {
  readonly retry: WaitingRetry;
  readonly story: StoryRetry;
}

/** The retries that bring an event of the person, or are responsible for one of the rows. */
async function retriesOf(
  identities: readonly Identity[],
  entries: readonly LedgerEntry[],
  retryQueue: Pick<RetryQueue, 'waiting'>,
  unreadable: string[],
  signal: AbortSignal,
): Promise<readonly FoundRetry[]> {
  const keyTexts = new Set(entries.map(({ key }) => ledgerKeyText(key)));
  const chains = new Set(
    entries.flatMap(({ record: { rowState } }) => (rowState.is === 'deferred' ? [rowState.chainId] : [])),
  );
  const retries: FoundRetry[] = [];
  for await (const retry of retryQueue.waiting(signal)) {
    if (isUnreadable(retry)) {
      unreadable.push(retry.unreadable);
      continue;
    }
    const ofPerson = retry.events.filter(({ event: { body } }) => withoutPerson(body, identities) !== body);
    const isResponsible = rowsOf(retry).some(({ row }) => keyTexts.has(ledgerKeyText(row)));
    if (ofPerson.length === 0 && !isResponsible && !chains.has(chainOf(retry))) continue;
    const {
      id,
      destination,
      attempts,
      firstDeferredAtMs,
      dueAtMs,
      notBeforeMs,
      class: cause,
      reason,
      isReplay,
    } = retry;
    const enqueuedAtMs = ofPerson.map(({ event }) => event.enqueuedAtMs);
    const story = {
      id,
      destination,
      attempts,
      firstDeferredAtMs,
      dueAtMs,
      class: cause,
      reason,
      isReplay,
      enqueuedAtMs,
    };
    retries.push({ retry, story: notBeforeMs === undefined ? story : { ...story, notBeforeMs } });
  }
  return retries;
}

async function lettersOf(
  identities: readonly Identity[],
  { deadLetters, matcher }: Pick<ExplainContext, 'deadLetters' | 'matcher'>,
  unreadable: string[],
  signal: AbortSignal,
): Promise<readonly StoryDeadLetter[]> {
  const names = await candidateNames(deadLetters, {}, signal);
  const letters: StoryDeadLetter[] = [];
  for await (const found of readSelected(deadLetters, names, {}, signal)) {
    if (isUnreadable(found)) {
      unreadable.push(found.unreadable);
      continue;
    }
    const { event, destination, outcome, class: cause, attempts, givenUpAtMs, failures } = found.letter;
    if (withoutPerson(event.body, identities) === event.body) continue;
    const { enqueuedAtMs } = event;
    const letter = { name: found.name, outcome, class: cause, attempts, enqueuedAtMs, givenUpAtMs };
    const told = failures.map(({ audience: stored, path, reason, rows = [] }) => {
      // An earlier file may have called the audience otherwise; its rows stay the same.
      const audience = rows.flatMap((row) => matcher.routeOf(row)?.audience.key ?? [])[0] ?? stored;
      return {
        ...(audience === undefined ? {} : { audience }),
        ...(path === undefined ? {} : { path }),
        reason,
      };
    });
    letters.push({ ...letter, failures: told, ...(destination === undefined ? {} : { destination }) });
  }
  return letters;
}

function routeStory(
  { key, record }: LedgerEntry,
  waiting: readonly FoundRetry[],
  letters: readonly StoryDeadLetter[],
  { matcher, file, nowMs, controls = [] }: ExplainContext,
): RouteStory {
  const ledgerName = ledgerNameOf(key.destination);
  const isShadow = ledgerName !== key.destination;
  const destination = [...file.destinations.values()].find((each) => each.ledgerName === ledgerName)?.key ?? ledgerName;
  const routed = matcher.routeOf({ ...key, destination: ledgerName });
  const audience =
    routed?.audience.key ??
    matcher.audience(key.audience.namespace, key.audience.id)?.key ??
    `${key.audience.namespace} ${key.audience.id}`;
  const mode = routed?.route.mode ?? 'gone';
  const { transitions, omitted } = historyOf(record);
  const retry = retryFor(key, record, waiting);
  const deadLetters = lettersFor({ destination, audience }, letters, matcher);
  const standing = standingOf(record, { mode, isShadow, hasRetry: retry !== undefined, nowMs }, transitions.at(-1));
  const toldAtMs = transitions.findLast(({ outcome }) => outcome === 'delivered')?.lastAtMs;
  const { known, delivered, rowState, inDoubt } = record;
  const pause = pauseOf(controls, { destination, audience }, nowMs);
  const isOpen = standing.state === 'waiting' || standing.state === 'perhaps-told';
  return {
    destination,
    audience,
    mode,
    identity: key.identity,
    ...standing,
    ...(pause === undefined ? {} : { pause }),
    ...(toldAtMs === undefined || isShadow ? {} : { toldAtMs }),
    ...(isOpen && retry !== undefined ? { nextAttemptAtMs: retry.story.dueAtMs } : {}),
    ...(rowState.is === 'leased' ? { leaseUntilMs: rowState.expiresAtMs } : {}),
    known,
    ...(delivered === undefined ? {} : { delivered }),
    inDoubt: inDoubt || rowState.is === 'leased',
    history: transitions,
    omitted,
    deadLetters: deadLetters.map(({ name }) => name),
    actions: actionsFor({ destination, audience, mode, pause, ...standing }, deadLetters),
  };
}

/**
 * The dead letters of a route; those of an earlier file name its destination as it was called
 * there.
 */
function lettersFor(
  { destination, audience }: Pick<RouteStory, 'destination' | 'audience'>,
  letters: readonly StoryDeadLetter[],
  matcher: Matcher,
): readonly StoryDeadLetter[] {
  return letters.filter(
    (letter) =>
      letter.destination !== undefined &&
      presentKey(letter.destination, matcher) === destination &&
      letter.failures.some((failure) => failure.audience === audience),
  );
}

/**
 * The retry that is responsible for a row: of its chain, or with its key while the row is leased.
 */
function retryFor(
  key: LedgerEntry['key'],
  { rowState }: LedgerEntry['record'],
  waiting: readonly FoundRetry[],
): FoundRetry | undefined {
  const chainId = rowState.is === 'deferred' ? rowState.chainId : undefined;
  if (chainId === undefined && rowState.is !== 'leased') return undefined;
  const keyText = ledgerKeyText(key);
  const isOfRow = (retry: Retry): boolean =>
    chainId === undefined
      ? rowsOf(retry).some(({ row }) => ledgerKeyText(row) === keyText)
      : chainOf(retry) === chainId;
  return waiting
    .filter(({ retry }) => isOfRow(retry))
    .toSorted((left, right) => left.story.dueAtMs - right.story.dueAtMs)[0];
}

/**
 * The routes of the file of which the person has no row that can be read. `unreadAt` has the ledger
 * names of destinations that have others.
 */
function routesWithoutRow(
  { entries, unreadAt }: { readonly entries: readonly LedgerEntry[]; readonly unreadAt: ReadonlySet<string> },
  identities: readonly Identity[],
  letters: readonly StoryDeadLetter[],
  { file, matcher, controls = [], nowMs }: ExplainContext,
): readonly RouteStory[] {
  const namespaces = new Set(identities.map(({ namespace }) => namespace));
  const destinations = [...file.destinations.values()];
  const unread = new Set(destinations.filter(({ ledgerName }) => unreadAt.has(ledgerName)).map(({ key }) => key));
  const known = new Set(
    entries.flatMap(({ key }) => {
      const routed = matcher.routeOf({ ...key, destination: ledgerNameOf(key.destination) });
      return routed === undefined ? [] : [routed.route];
    }),
  );
  return [...file.audiences.values()].flatMap(({ key: audience, routes }) =>
    routes
      .filter((route) => !known.has(route) && file.destinations.has(route.destination))
      .map((route): RouteStory => {
        const { destination, mode } = route;
        const standing = unread.has(destination) ? unreadStanding : unknownStanding(route, namespaces);
        const deadLetters = lettersFor({ destination, audience }, letters, matcher);
        const pause = pauseOf(controls, { destination, audience }, nowMs);
        return {
          destination,
          audience,
          mode,
          ...standing,
          ...(pause === undefined ? {} : { pause }),
          inDoubt: false,
          history: [],
          omitted: 0,
          deadLetters: deadLetters.map(({ name }) => name),
          actions: actionsFor({ destination, audience, mode, pause, ...standing }, deadLetters),
        };
      }),
  );
}

function eventsOf(
  routes: readonly RouteStory[],
  retries: readonly StoryRetry[],
  letters: readonly StoryDeadLetter[],
): readonly StoryEvent[] {
  const transitions = routes.flatMap(({ destination, audience, identity, state, history }) =>
    history.map((transition): StoryEvent => ({
      atMs: transition.outcome === undefined ? transition.atMs : transition.lastAtMs,
      what: 'transition',
      destination,
      audience,
      ...(identity === undefined ? {} : { identity }),
      transition,
      says: transitionWords(transition, state === 'shadowed'),
    })),
  );
  const exported = new Set([
    ...routes.flatMap(({ history }) =>
      history.flatMap(({ because, enqueuedAtMs }) => (isOfExport(because) ? [enqueuedAtMs] : [])),
    ),
    ...retries.flatMap(({ enqueuedAtMs }) => enqueuedAtMs),
    ...letters.map(({ enqueuedAtMs }) => enqueuedAtMs),
  ]);
  const exports = [...exported].map((atMs): StoryEvent => ({
    atMs,
    what: 'export',
    says: 'The event hub took an export of the person.',
  }));
  const kept = letters.map(({ name, destination, givenUpAtMs, outcome, class: cause }): StoryEvent => ({
    atMs: givenUpAtMs,
    what: 'dead-letter',
    ...(destination === undefined ? {} : { destination }),
    says: `Kept as dead letter ${name} (${outcome}: ${cause}).`,
  }));
  const due = retries.map(({ destination, dueAtMs, attempts, class: cause, reason }): StoryEvent => ({
    atMs: dueAtMs,
    what: 'retry',
    destination,
    says: `A retry is due, after ${attempts === 1 ? '1 attempt' : `${attempts} attempts`} (${cause}: ${reason}).`,
  }));
  // At equal times the export comes before its outcome.
  return [...exports, ...transitions, ...kept, ...due].toSorted((left, right) => left.atMs - right.atMs);
}

/** A state that comes from an export, and not from a command of a person. */
function isOfExport(because: RouteStory['history'][number]['because']): boolean {
  return because === 'export' || because === 'retry' || because === 'replay';
}

function inOrderOf({ destinations, audiences }: ActivationFile) {
  const placeIn = (keys: readonly string[], key: string): number => {
    const place = keys.indexOf(key);
    return place < 0 ? keys.length : place;
  };
  const destinationKeys = [...destinations.keys()];
  const audienceKeys = [...audiences.keys()];
  return (left: RouteStory, right: RouteStory): number =>
    placeIn(destinationKeys, left.destination) - placeIn(destinationKeys, right.destination) ||
    placeIn(audienceKeys, left.audience) - placeIn(audienceKeys, right.audience);
}
