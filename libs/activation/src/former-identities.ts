import {
  compareStates,
  identityText,
  isUnreadableRow,
  ledgerKeyText,
  linkOf,
  type FormerOf,
  type Identity,
  type LedgerKey,
  type LedgerRecord,
  type LedgerRow,
  type ReadRow,
  type UndigestedState,
  type UnreadableRow,
} from '@activation-hub/membership';
import type { ActivationContext } from './activation-context.ts';
import { isLinked, othersOf, type Followed } from './people-to-follow.ts';
import {
  comparePeople,
  formerOfPerson,
  rowKey,
  unknownPosition,
  type DesiredMembership,
  type RoutedPerson,
} from './resolve-memberships.ts';
import type { Tally } from './tally.ts';
import { asLink } from './unreadable-rows.ts';

/** An identity that is not, or no longer, the person's, with its row. */
export interface Former {
  readonly identity: Identity;
  readonly key: LedgerKey;
  readonly row: LedgerRow | undefined;
  /** It is not in the export: only a link says that it is, or was, the person's. */
  readonly isLinkedOnly: boolean;
}

/**
 * A person with the links and with the rows under identities that are not, or no longer, the
 * person's.
 */
export interface Looked extends Followed {
  readonly links: readonly (LedgerRow | undefined)[];
  readonly formers: readonly Former[];
  /** As of when they are not the person's: the export's state, or that of a link that is newer. */
  readonly asOf: UndigestedState;
  readonly isOutdated: boolean;
  /** Another export has an identity of this one, so that a later one must look again. */
  readonly isShared: boolean;
  /** Every row under an identity that the export or a link names. */
  readonly rows: readonly { readonly key: LedgerKey; readonly row: LedgerRow | undefined }[];
  /** No link was read, for none is expected: the write of the link finds out. */
  readonly isUnread: boolean;
}

/** A person of whom a link or a row cannot be read. */
export interface Unread {
  readonly followed: Followed;
  readonly row: UnreadableRow;
}

interface Looking {
  readonly tally: Tally;
  readonly signal: AbortSignal;
  /** Whether people who are expected to have no link are looked at without reading any. */
  readonly mayExpect: boolean;
}

/**
 * Reads the links of people, and the rows under every identity that these or the export name, each
 * row once however many people share it.
 *
 * Of people who are expected to have no link neither the links are read nor the rows that were just
 * settled, as long as there is no row under another identity: then nothing is told, and the writes
 * of the link and of the rows, which name what was expected, find out (docs/specs/ledger.md,
 * section 6).
 *
 * A person of whom a link or a row cannot be read cannot be looked at: `unread` names the first.
 */
export async function lookAt(
  people: readonly Followed[],
  newestOfBatch: NewestOfBatch,
  context: ActivationContext,
  { tally, signal, mayExpect }: Looking,
): Promise<{ readonly looked: readonly Looked[]; readonly unread: readonly Unread[] }> {
  const unread: Unread[] = [];
  const looked = await look(people, new Set(people.filter((each) => mayExpect && isExpectedUnlinked(each, context))));
  const again = people.filter((each) => {
    const found = looked.get(each);
    return found?.isUnread === true && hasOther(found);
  });
  const read = await look(again, new Set());
  for (const each of again) looked.delete(each);
  return { looked: people.flatMap((each) => read.get(each) ?? looked.get(each) ?? []), unread };

  async function look(some: readonly Followed[], unlinked: ReadonlySet<Followed>): Promise<Map<Followed, Looked>> {
    const linkRows = await readEach(some.flatMap((each) => (unlinked.has(each) ? [] : each.linkKeys)));
    if (mayExpect) countLinks(some, unlinked, linkRows);
    const linked = some.flatMap((each) => {
      const found = each.linkKeys.map((key) => asLink(key, linkRows(key)));
      const links = readable(each, found);
      return links === undefined ? [] : [candidatesOf(each, links)];
    });
    const rows = await readEach(
      linked.flatMap(({ followed, candidates }) =>
        candidates.flatMap(({ key }) =>
          unlinked.has(followed) && settledRow(followed, key) !== undefined ? [] : [key],
        ),
      ),
    );
    const found = new Map<Followed, Looked>();
    for (const each of linked) {
      const { followed, candidates } = each;
      const isUnread = unlinked.has(followed);
      const ofPerson = candidates.map(({ key }) => (isUnread ? settledRow(followed, key) : undefined) ?? rows(key));
      const known = readable(followed, ofPerson);
      if (known !== undefined) found.set(followed, { ...lookedAt(each, known, newestOfBatch), isUnread });
    }
    return found;
  }

  /** The rows of a person, if each of them can be read. */
  function readable(followed: Followed, rows: readonly ReadRow[]): readonly (LedgerRow | undefined)[] | undefined {
    const known: (LedgerRow | undefined)[] = [];
    for (const row of rows) {
      if (isUnreadableRow(row)) {
        unread.push({ followed, row });
        return undefined;
      }
      known.push(row);
    }
    return known;
  }

  /** Tells the cache whether links of which it knows nothing were there. */
  function countLinks(
    some: readonly Followed[],
    unlinked: ReadonlySet<Followed>,
    linkRows: (key: LedgerKey) => ReadRow,
  ): void {
    const nowMs = context.clock.now();
    for (const key of some.flatMap((each) => (unlinked.has(each) ? [] : each.linkKeys)))
      if (context.ledgerCache.get(ledgerKeyText(key), nowMs) === undefined)
        context.ledgerCache.countLookedFor(key.destination, linkRows(key) !== undefined);
  }

  async function readEach(keys: readonly LedgerKey[]): Promise<(key: LedgerKey) => ReadRow> {
    const distinct = new Map(keys.map((key) => [ledgerKeyText(key), key]));
    if (distinct.size === 0) return () => undefined;
    const found = await context.ledger.read([...distinct.values()], signal);
    tally.ledgerReads += distinct.size;
    const rowOf = new Map([...distinct.keys()].map((keyText, index) => [keyText, found[index]]));
    return (key) => rowOf.get(ledgerKeyText(key));
  }
}

/**
 * Whether the cache knows no link of the person, and most links of which it knew nothing were not
 * there.
 */
function isExpectedUnlinked({ linkKeys }: Followed, { ledgerCache, clock }: ActivationContext): boolean {
  const nowMs = clock.now();
  return (
    linkKeys.length > 0 &&
    linkKeys.every(
      (key) => ledgerCache.expectsNoRow(key.destination) && ledgerCache.get(ledgerKeyText(key), nowMs) === undefined,
    )
  );
}

/** Whether something could be told: by a row under another identity, or by a newer export. */
function hasOther({ formers, isOutdated, isShared }: Looked): boolean {
  return isOutdated || isShared || formers.some(({ row }) => row !== undefined);
}

/** The row of one of the identities to which the route resolves, as it was settled. */
function settledRow({ chosen }: Followed, key: LedgerKey): LedgerRow | undefined {
  const keyText = ledgerKeyText(key);
  return chosen.find(({ desired }) => desired.keyText === keyText)?.row;
}

/** By the text of its key, the newest membership of each row that the batch brings. */
type NewestOfBatch = ReadonlyMap<string, DesiredMembership>;

/** An identity under which the destination may know the person. */
type Candidate = Omit<Former, 'row'>;

function candidatesOf(followed: Followed, links: readonly (LedgerRow | undefined)[]) {
  const { person, ledgerName } = followed;
  const known = [...person.identities, ...othersOf(person)];
  const texts = new Set(known.map(identityText));
  const linked = links.flatMap((row) => {
    if (row === undefined) return [];
    const { identities, leaving } = linkOf(row.record);
    return [...identities, ...leaving];
  });
  const distinct = new Map([...known, ...linked].map((identity) => [identityText(identity), identity]));
  const candidates = [...distinct].map(([text, identity]): Candidate => {
    const key = rowKey(ledgerName, person.route, person.audience, identity);
    return { identity, key, isLinkedOnly: !texts.has(text) };
  });
  return { followed, links, candidates };
}

function lookedAt(
  { followed, links, candidates }: ReturnType<typeof candidatesOf>,
  rows: readonly (LedgerRow | undefined)[],
  newestOfBatch: NewestOfBatch,
): Omit<Looked, 'isUnread'> {
  const { person } = followed;
  const rowOf = new Map(candidates.map(({ identity }, index) => [identityText(identity), rows[index]]));
  const [newest] = [
    ...links.flatMap((link) => (link === undefined ? [] : knownByLink(link, rowOf))),
    ...returnsOf(followed, candidates, newestOfBatch),
  ].toSorted((left, right) => comparePeople(right, left));
  const isOutdated = newest !== undefined && comparePeople(newest, person) > 0;
  const asNewest = isOutdated ? newest : person;
  const current = new Set(asNewest.identities.map(identityText));
  let isShared = false;
  const formers = candidates.flatMap(({ identity, key, isLinkedOnly }, index): Former[] => {
    const row = rows[index];
    // The row of this link is gone: the person was erased.
    const isNobody = row === undefined && isLinkedOnly;
    if (current.has(identityText(identity)) || isNobody) return [];
    // A newer export of the batch has it, perhaps of another person; when that changed nothing, the
    // row does not say so.
    const again = newestOfBatch.get(ledgerKeyText(key));
    const isBack = again !== undefined && comparePeople(again.person, asNewest) > 0;
    if (!isBack && !isOfSameBody(row, asNewest)) return [{ identity, key, row, isLinkedOnly }];
    isShared ||= !isLinkedOnly;
    return [];
  });
  // Another process may have written a row since it was settled.
  const chosen = followed.chosen.map(({ desired }) => ({
    desired,
    row: rowOf.get(identityText(desired.key.identity)),
  }));
  const all = candidates.map(({ key }, index) => ({ key, row: rows[index] }));
  return { ...followed, chosen, links, formers, asOf: asNewest.state, isOutdated, isShared, rows: all };
}

/**
 * Whether a row is a member's by another export of the very event that is known from a row alone:
 * which of the two comes later, only a batch that brings the event can say, and it looks itself.
 */
function isOfSameBody(row: LedgerRow | undefined, { state, position }: KnownAs): boolean {
  if (row === undefined || position !== unknownPosition) return false;
  return row.record.known.isMember && compareStates(row.record.known, state) === 0;
}

/**
 * Where newer exports of the batch come back to an identity of the person: when that changed
 * nothing in its row, those exports do not follow the person, and the link must not move away.
 * Another person may have the identity too: only who shares a link is the same.
 */
function returnsOf(
  followed: Followed,
  candidates: readonly Candidate[],
  newestOfBatch: NewestOfBatch,
): readonly KnownAs[] {
  return candidates.flatMap(({ key }) => {
    const again = newestOfBatch.get(ledgerKeyText(key));
    if (again === undefined || !isLinked(followed, again)) return [];
    return [again.person];
  });
}

/** Under which identities a person is known, and as of when. */
type KnownAs = Pick<RoutedPerson, 'identities' | 'state' | 'position'>;

/** What a link says comes before every export of the batch that has the same state. */
function knownByLink(link: LedgerRow, rowOf: ReadonlyMap<string, LedgerRow | undefined>): readonly KnownAs[] {
  return [{ identities: linkOf(link.record).identities, state: asOfLink(link, rowOf), position: unknownPosition }];
}

/**
 * As of when a link is right: of the export that wrote it, or of a later one with the very same
 * identities, which moved a row that carries the link's digest and left the link as it was.
 */
function asOfLink({ record }: LedgerRow, rowOf: ReadonlyMap<string, LedgerRow | undefined>): UndigestedState {
  return linkOf(record).identities.reduce((newest: UndigestedState, identity) => {
    const row = rowOf.get(identityText(identity))?.record;
    if (row === undefined || (row.linkDigest ?? row.knownDigest) !== record.linkDigest) return newest;
    return compareStates(row.known, newest) > 0 ? row.known : newest;
  }, record.known);
}

/**
 * The people who can be looked at together, and those who wait for them. Of people who share a
 * link, or of whom one is known under an identity of the other, the older export comes first: what
 * it links or tells, the newer one finds. Under an identity that is a further one of all who share
 * it, they are taken out together.
 */
export function apart(open: readonly Followed[]): {
  readonly now: readonly Followed[];
  readonly later: readonly Followed[];
} {
  const own = new Set<string>();
  const others = new Set<string>();
  const now: Followed[] = [];
  const later: Followed[] = [];
  for (const each of open) {
    const { person, ledgerName, linkKeys, chosen } = each;
    const ownTexts = [...linkKeys.map(ledgerKeyText), ...chosen.map(({ desired }) => desired.keyText)];
    const otherTexts = othersOf(person).map((identity) =>
      ledgerKeyText(rowKey(ledgerName, person.route, person.audience, identity)),
    );
    const waits =
      ownTexts.some((text) => own.has(text) || others.has(text)) || otherTexts.some((text) => own.has(text));
    (waits ? later : now).push(each);
    for (const text of ownTexts) own.add(text);
    for (const text of otherTexts) others.add(text);
  }
  return { now, later };
}

/**
 * Whether the digest that the person's rows get says that no process need look under this identity.
 */
export function isHidden({ isLinkedOnly }: Former, { isOutdated }: Looked): boolean {
  return !isLinkedOnly && !isOutdated;
}

/**
 * What the row of a former identity remembers of people. Where a newer export has moved a person's
 * row, it keeps the digest that it has of them: by that it is found out that the newer one has both
 * identities.
 */
export function rememberedOf({ row, of }: SharedFormer): readonly FormerOf[] {
  const kept = new Set(row?.record.formerOf?.map(identityText));
  return of.flatMap(({ each, former }) => {
    if (!isHidden(former, each)) return [];
    const { chosen, person } = each;
    const moved = new Set(
      chosen
        .filter(({ row: own }) => own !== undefined && compareStates(own.record.known, person.state) > 0)
        .map(({ desired }) => identityText(desired.key.identity)),
    );
    return formerOfPerson(person).filter((one) => !moved.has(identityText(one)) || !kept.has(identityText(one)));
  });
}

/** A row under a former identity of several people, from old to new. */
export interface SharedFormer {
  readonly key: LedgerKey;
  readonly row: LedgerRow | undefined;
  readonly of: readonly { readonly each: Looked; readonly former: Former }[];
  /** The person whose export is the newest: the others are out with it. */
  readonly newest: Looked;
}

export function formersOf(looked: readonly Looked[]): readonly SharedFormer[] {
  const each = looked.flatMap((one) => one.formers.map((former) => ({ each: one, former })));
  return [...Map.groupBy(each, ({ former }) => ledgerKeyText(former.key)).values()].map((of): SharedFormer => {
    const newest = of.reduce((left, right) => (compareStates(right.each.asOf, left.each.asOf) < 0 ? left : right));
    return { key: newest.former.key, row: newest.former.row, of, newest: newest.each };
  });
}

/** Whether it is certain that the destination does not have the person under the row's identity. */
export function isOut(record: LedgerRecord | undefined): boolean {
  if (record === undefined || record.known.isMember) return false;
  return record.rowState.is === 'delivered' || record.rowState.is === 'noted';
}
