import {
  compareStates,
  identityCharactersMax,
  identityText,
  ledgerKeyText,
  linkKey,
  linkOf,
  otherIdentities,
  type Identity,
  type LedgerKey,
  type LedgerRecord,
  type UndigestedState,
} from '@activation-hub/membership';
import type { ReceivedEvent } from '@activation-hub/delivery';
import type { ActivationContext } from './activation-context.ts';
import type { SettledMembership } from './settled-membership.ts';
import type { DeferredChange, Deferral } from './defer-changes.ts';
import { isTooOld } from './judge-results.ts';
import {
  comparePeople,
  rowKey,
  unknownPosition,
  type DesiredMembership,
  type RoutedPerson,
} from './resolve-memberships.ts';
import type { RoutedMembership } from './route-exports.ts';
import type { ToldRow } from './tell-rows.ts';
import type { Work } from './work.ts';

/** A person whose rows under this route may be more than the route resolves to now. */
export interface Followed {
  readonly person: RoutedPerson;
  readonly ledgerName: string;
  /** The rows of the identities that the route resolves to, as they were settled. */
  readonly chosen: readonly SettledMembership[];
  readonly linkKeys: readonly LedgerKey[];
}

/** What the stages before have made of the people of a batch. */
export interface Outcome {
  readonly desired: readonly DesiredMembership[];
  readonly newest: ReadonlyMap<string, DesiredMembership>;
  /**
   * Those of `desired` of whose people the cache did not know that every row carries the digest and
   * has nothing to learn.
   */
  readonly undecided: readonly DesiredMembership[];
  readonly superseded: readonly DesiredMembership[];
  /**
   * People of whom the batch brings a row under another identity of theirs: their digest does not
   * count, and the call looks at them.
   */
  readonly concerned: ReadonlySet<RoutedPerson>;
  /** Changes for which a retry was put. */
  readonly deferred: readonly DeferredChange[];
  readonly settled: readonly SettledMembership[];
  readonly told: readonly ToldRow[];
  readonly unresolved: readonly RoutedPerson[];
}

/**
 * The people to look at now, from old to new, and those for later, because the row of an identity
 * of theirs is still open.
 */
export interface PeopleToFollow {
  readonly now: readonly Followed[];
  readonly later: readonly Followed[];
  /** Those for whom a retry looks later, of whom no earlier export of the same people said so. */
  readonly postponed: readonly Followed[];
}

/**
 * The people of whom a row does not carry the digest of these very identities, or may be under
 * others. While a row of a person is open, no former identity is taken out: the retry of the open
 * row brings the same export, or one with the same identities, and looks then. Where no retry does,
 * the export is retried itself, until it is as old as a change that is given up: by then no process
 * will settle the row.
 */
export function peopleToFollow(outcome: Outcome, context: ActivationContext, work: Work | undefined): PeopleToFollow {
  const { desired, unresolved } = outcome;
  const rows = new SettledRows(outcome);
  // A person who replays an event wants everything of it looked at again; and a row of a former
  // identity that waited is told, or paused.
  const again = eventsToLookAtAgain(desired, work);
  const now: Followed[] = [];
  const later: Followed[] = [];
  const postponed: Followed[] = [];
  for (const [person, memberships] of Map.groupBy(
    ofPeopleInQuestion(outcome, rows, again.size > 0),
    (each) => each.person,
  )) {
    const newest = memberships.filter((each) => rows.isNewest(each));
    // What a newer export of the batch has superseded is as settled as that one, unless the person
    // entered under another identity.
    const deciding = newest.length > 0 ? newest : memberships;
    const open = deciding.flatMap((each) => rows.openBecause(each) ?? []);
    const chosen = newest.flatMap(({ keyText }) => rows.of(keyText) ?? []);
    const isKnown = !outcome.concerned.has(person) && memberships.every((each) => rows.hasDigest(each));
    if (open.length === 0) {
      if (again.has(person.event) || !isKnown) now.push(followed(rows.asOfNewest(person, newest), chosen, context));
    } else if (person.linkDigest !== '' && !isKnown) {
      const each = followed(person, chosen, context);
      if (!open.includes('a retry brings its identities'))
        (isWaitedOut(person, work, context) ? now : later).push(each);
      if (work?.retry === undefined && deciding.some((of) => !rows.isRepeated(of))) postponed.push(each);
    }
  }
  const resolved = new FollowedIdentities(desired);
  for (const person of unresolved) {
    if (person.route.follow.length === 0) continue;
    const each = followed(person, [], context);
    const isKnown = isKnownWithout(each, context) && !each.linkKeys.some(({ identity }) => resolved.has(identity));
    if (again.has(person.event) || !isKnown) now.push(each);
  }
  return { now: newestOfEach(now), later: newestOfEach(later), postponed: newestOfEach(postponed) };
}

/**
 * The memberships of people who may have to be looked at, who are few: not of those whom the cache
 * knows, or of whom every row has the digest of these very identities, unless something newer in
 * the batch has superseded a part of them, or the batch brings another identity of theirs.
 */
function ofPeopleInQuestion(
  { desired, undecided, superseded, concerned }: Outcome,
  rows: SettledRows,
  isAgain: boolean,
): readonly DesiredMembership[] {
  const unknown = isAgain ? undecided : undecided.filter((each) => concerned.has(each.person) || !rows.hasDigest(each));
  if (unknown.length === 0 && superseded.length === 0) return [];
  const people = new Set<RoutedPerson>();
  for (const { person } of unknown) people.add(person);
  for (const { person } of superseded) people.add(person);
  return [...desired.filter(({ person }) => people.has(person)), ...superseded];
}

/** What a retry brings again of a batch: it brings whole events. */
type Brought = Pick<Deferral, 'event' | 'destination' | 'audience'>;

export function broughtAgain({ told, deferred }: Pick<Outcome, 'told' | 'deferred'>): readonly Brought[] {
  const failed = told.flatMap(({ fate, event, route, audience }) => {
    const isRetried = (fate === 'deferred' || fate === 'unanswered') && event !== undefined;
    return isRetried ? [{ event, destination: route.destination, audience: audience.key }] : [];
  });
  return [...deferred.map(({ deferral }) => deferral), ...failed];
}

/** Why no other identity of the person of a membership is taken out yet. */
type Open = 'a retry brings its identities' | 'no retry does';

/** The outcomes of the rows of a batch. */
class SettledRows {
  readonly #newest: ReadonlyMap<string, DesiredMembership>;
  readonly #told: ReadonlyMap<string, ToldRow>;
  readonly #settled: ReadonlyMap<string, SettledMembership>;
  readonly #retries: ReadonlyMap<ReceivedEvent | undefined, readonly Brought[]>;

  constructor({ newest, settled, told, deferred }: Outcome) {
    this.#newest = newest;
    const settledOf = new Map<string, SettledMembership>();
    const toldOf = new Map<string, ToldRow>();
    for (const each of settled) settledOf.set(each.desired.keyText, each);
    for (const each of told) {
      const { keyText, settled: row } = each;
      toldOf.set(keyText, each);
      const of = newest.get(keyText);
      if (of !== undefined && row !== undefined) settledOf.set(keyText, { desired: of, row });
    }
    this.#told = toldOf;
    this.#retries = Map.groupBy(broughtAgain({ told, deferred }), ({ event }) => event);
    this.#settled = settledOf;
  }

  of(keyText: string): SettledMembership | undefined {
    return this.#settled.get(keyText);
  }

  /** Whether the row carries the digest of the identities of this very export. */
  hasDigest({ keyText, person }: DesiredMembership): boolean {
    return (this.of(keyText)?.row?.record.linkDigest ?? '') === person.linkDigest;
  }

  isNewest(each: DesiredMembership): boolean {
    return this.#newest.get(each.keyText) === each;
  }

  /**
   * The person as of the newest export with these very identities, whose state waited in a row
   * until this one came. Where that export stood in its batch is not known any more.
   */
  asOfNewest(person: RoutedPerson, newest: readonly DesiredMembership[]): RoutedPerson {
    const states = newest.flatMap(({ keyText }) => {
      const record = this.of(keyText)?.row?.record;
      const digest = record?.linkDigest ?? record?.knownDigest;
      return record === undefined || digest !== person.linkDigest ? [] : [record.known];
    });
    const state = states.reduce(
      (left: UndigestedState, right) => (compareStates(right, left) > 0 ? right : left),
      person.state,
    );
    return state === person.state ? person : { ...person, state, position: unknownPosition };
  }

  /**
   * Whether the export repeats what a row waits with for a retry that brings the same identities:
   * the export that it repeats has announced the look.
   */
  isRepeated({ keyText, person }: DesiredMembership): boolean {
    const record = this.of(keyText)?.row?.record;
    if (record?.rowState.is !== 'deferred' || record.rowState.linkDigest !== person.linkDigest) return false;
    return compareStates(person.state, record.known) > 0;
  }

  /** Undefined when the row is settled. */
  openBecause(each: DesiredMembership): Open | undefined {
    const rowState = this.of(each.keyText)?.row?.record.rowState;
    if (this.of(each.keyText) !== undefined && rowState?.is !== 'deferred' && rowState?.is !== 'leased')
      return undefined;
    return this.#isBroughtAgain(each, rowState) ? 'a retry brings its identities' : 'no retry does';
  }

  #isBroughtAgain(each: DesiredMembership, rowState: LedgerRecord['rowState'] | undefined): boolean {
    const { linkDigest } = each.person;
    if (rowState?.is === 'deferred' && rowState.linkDigest === linkDigest) return true;
    const told = this.#told.get(each.keyText);
    // Of a row of which another process has the lease nothing is deferred, and that process knows
    // nothing of this export.
    const isLost = told !== undefined && told.fate !== 'deferred' && told.fate !== 'unanswered';
    const isDecided = told === undefined && rowState !== undefined;
    if (isLost || isDecided) return false;
    return this.#newest.get(each.keyText)?.person.linkDigest === linkDigest || this.#isRetried(each);
  }

  /** Whether a retry was put that brings the export: it brings whole events. */
  #isRetried({ event, route: { destination }, audience: { key } }: DesiredMembership): boolean {
    const retries = this.#retries.get(event) ?? [];
    return retries.some((retried) => retried.destination === destination && retried.audience === key);
  }
}

function isWaitedOut({ route }: RoutedPerson, work: Work | undefined, { targets, clock }: ActivationContext): boolean {
  return isTooOld(work?.retry, targets.get(route.destination)?.giveUpAfterMs, clock.now());
}

/**
 * The events of a replay, and those of which a retry had to do with rows to which they do not
 * resolve any more.
 */
function eventsToLookAtAgain(
  desired: readonly DesiredMembership[],
  work: Work | undefined,
): ReadonlySet<ReceivedEvent> {
  if (work?.retry === undefined) return new Set();
  const resolved = new Set(desired.map(({ keyText }) => keyText));
  const { events, isReplay } = work.retry;
  const again = events.filter(({ rows }) => isReplay || rows.some((row) => !resolved.has(ledgerKeyText(row))));
  return new Set(again.map(({ event }) => event));
}

/**
 * Of exports with the same identities the newest, from old to new: the others link nothing else.
 */
function newestOfEach(people: readonly Followed[]): readonly Followed[] {
  const newest = new Map<string, Followed>();
  for (const each of people.toSorted((left, right) => comparePeople(left.person, right.person))) {
    const { route, audience, linkDigest } = each.person;
    const text = JSON.stringify([route.destination, audience.key, linkDigest]);
    newest.delete(text);
    newest.set(text, each);
  }
  return [...newest.values()];
}

function followed(
  person: RoutedPerson,
  chosen: readonly SettledMembership[],
  { matcher }: ActivationContext,
): Followed {
  const { route } = person;
  const ledgerName = matcher.destination(route.destination)?.ledgerName ?? route.destination;
  return { person, ledgerName, chosen, linkKeys: linkKeysOf(person, ledgerName) };
}

/** Where the links of the person are kept. */
export function linkKeysOf({ route, profileExport, audience }: RoutedPerson, ledgerName: string): readonly LedgerKey[] {
  return route.follow.flatMap((namespace) =>
    (profileExport.identities.get(namespace) ?? [])
      .filter((value) => value.length <= identityCharactersMax)
      .map((value) => linkKey(rowKey(ledgerName, route, audience, { namespace, value }), { namespace, value })),
  );
}

/**
 * Whether the cache knows that the person, of whom the route accepts no identity, is linked to none
 * as of this qualification.
 */
function isKnownWithout({ linkKeys, person }: Followed, { ledgerCache, clock }: ActivationContext): boolean {
  const { qualifiedAtMs, status } = person.state;
  return linkKeys.every((key) => {
    const row = ledgerCache.get(ledgerKeyText(key), clock.now());
    if (row === undefined) return false;
    const { identities, leaving } = linkOf(row.record);
    if (identities.length > 0 || leaving.length > 0) return false;
    const { known } = row.record;
    return known.qualifiedAtMs === qualifiedAtMs && known.status === status;
  });
}

/**
 * By which identities the people of a batch are followed whom their routes know under some
 * identity; looked for only when they are asked for.
 */
class FollowedIdentities {
  readonly #desired: readonly DesiredMembership[];
  #texts: ReadonlySet<string> | undefined;

  constructor(desired: readonly DesiredMembership[]) {
    this.#desired = desired;
  }

  has(identity: Identity): boolean {
    this.#texts ??= new Set(
      this.#desired.flatMap(({ route, profileExport }) =>
        route.follow.flatMap((namespace) =>
          (profileExport.identities.get(namespace) ?? []).map((value) => identityText({ namespace, value })),
        ),
      ),
    );
    return this.#texts.has(identityText(identity));
  }
}

/** Whether an export is the same person's, by what the route follows. */
export function isLinked({ linkKeys }: Pick<Followed, 'linkKeys'>, { profileExport }: RoutedMembership): boolean {
  return linkKeys.some(
    ({ identity }) => profileExport.identities.get(identity.namespace)?.includes(identity.value) === true,
  );
}

/** The other identities of the export that the route would accept. */
export function othersOf({ route, profileExport, identities, form }: RoutedPerson): readonly Identity[] {
  const choice = { namespaces: route.identityNamespaces, identities: route.identities };
  return otherIdentities(profileExport.identities, choice, form, identities);
}
