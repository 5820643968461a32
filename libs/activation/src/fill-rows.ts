import type { AudienceEntry, Route } from '@activation-hub/activation-file';
import type { JsonValue } from '@activation-hub/destination-kit';
import {
  compareStates,
  contentDigest,
  identityText,
  isInDoubt,
  isUnreadableRow,
  ledgerKeyText,
  linkDestination,
  linkOf,
  linkKey,
  linkRecord,
  resolveIdentities,
  UnreadableRowCount,
  type Attributes,
  type DesiredState,
  type Identity,
  type LedgerEntry,
  type LedgerKey,
  type LedgerRecord,
  type LedgerRow,
  type LedgerWrite,
  type MembershipState,
  type UnreadableRow,
  type UnreadableRows,
} from '@activation-hub/membership';
import type { ActivationContext } from './activation-context.ts';
import { rowKey } from './resolve-memberships.ts';
import { asLink } from './unreadable-rows.ts';

/**
 * Which route is filled: that of this audience to the destination, from what the source was told.
 */
export interface FillPlace {
  readonly context: ActivationContext;
  /** Keys of the activation file. */
  readonly destination: string;
  readonly source: string;
  readonly audience: string;
}

/** A row of the new route, and what its destination is told. */
export interface FilledRow {
  readonly key: LedgerKey;
  readonly row: LedgerRow | undefined;
  readonly audience: AudienceEntry;
  readonly route: Route;
  readonly desired: DesiredState;
  /**
   * The destination has nothing to learn, but an older state that comes later must find this one.
   */
  readonly isOnlyNoted: boolean;
}

type Candidate = Omit<FilledRow, 'row' | 'isOnlyNoted'>;

/** What is looked up together. */
const batchRows = 100;

/**
 * The rows of a new route of which the source knows a newer state: members whom the new destination
 * was never told of, and people of whom an older state came to it before. `unresolved` for each
 * member of whom the source knows nothing that the route accepts; `unsettled` for each row of the
 * source that waits: under which identities it knows the person may change with it. Of a row that
 * cannot be read, at the source or of the new route, which it is.
 */
export async function* fillRows(
  place: FillPlace,
  signal: AbortSignal,
): AsyncGenerator<FilledRow | 'unresolved' | 'unsettled' | UnreadableRow> {
  const { context, source } = place;
  for await (const entries of inBatches(context.ledger.rows({ destination: ledgerNameOf(source, context) }, signal))) {
    const candidates = new Map<string, Candidate>();
    for (const entry of entries) {
      if (isUnreadableRow(entry)) {
        yield entry;
        continue;
      }
      const candidate = candidateOf(entry, place);
      if (candidate !== undefined && isWaiting(entry.record)) yield 'unsettled';
      if (candidate === 'unresolved') yield candidate;
      if (candidate === undefined || candidate === 'unresolved') continue;
      // Two identities may have one form at the new destination.
      const text = ledgerKeyText(candidate.key);
      const other = candidates.get(text);
      if (other === undefined || compareStates(candidate.desired.state, other.desired.state) > 0)
        candidates.set(text, candidate);
    }
    const found = [...candidates.values()];
    const rows = await context.ledger.read(
      found.map(({ key }) => key),
      signal,
    );
    for (const [index, candidate] of found.entries()) {
      const row = rows[index];
      const { state } = candidate.desired;
      if (isUnreadableRow(row)) yield row;
      else if (row === undefined || compareStates(state, row.record.known) > 0)
        yield { ...candidate, row, isOnlyNoted: !state.isMember && !mayBeIn(row?.record) };
    }
  }
}

function isWaiting({ rowState }: LedgerRecord): boolean {
  return rowState.is === 'deferred' || rowState.is === 'leased';
}

/**
 * Whether the new destination may know the person, so that it has something to learn of an exit.
 */
function mayBeIn(record: LedgerRecord | undefined): boolean {
  if (record === undefined) return false;
  return record.known.isMember || record.delivered?.isMember === true || isInDoubt(record);
}

function candidateOf(entry: LedgerEntry, place: FillPlace): Candidate | 'unresolved' | undefined {
  const { context, destination, audience } = place;
  const from = context.matcher.routeOf(entry.key);
  if (from?.audience.key !== audience) return undefined;
  const route = liveRoute(from.audience, destination);
  if (route === undefined) return undefined;
  const { known } = entry.record;
  const identity = identityFor(entry.key.identity, route, context);
  if (identity === undefined) return known.isMember ? 'unresolved' : undefined;
  const key = rowKey(ledgerNameOf(destination, context), route, from.audience, identity);
  const attributes = translated(entry.record.attributes, from.route, route);
  const state = { ...known, content: contentDigest(attributes) };
  return { key, audience: from.audience, route, desired: { state, attributes } };
}

/**
 * Gives the new route the links that the source has of people, so that who is filled in is taken
 * out under an identity that vanishes afterwards. A link that the new route has already stays,
 * unless it is older; then its identities are former ones, because no process has taken the person
 * out under them yet. Gives the links that cannot be read.
 */
export async function fillLinks(place: FillPlace, signal: AbortSignal): Promise<UnreadableRows> {
  const unreadable = new UnreadableRowCount();
  const { context, source } = place;
  const of = { destination: linkDestination(ledgerNameOf(source, context)) };
  for await (const entries of inBatches(context.ledger.rows(of, signal))) {
    const links = entries.flatMap((entry) => {
      const link = asLink(of, entry);
      if (!isUnreadableRow(link)) return filledLink(link, place) ?? [];
      unreadable.add(link);
      return [];
    });
    const rows = await context.ledger.read(
      links.map(({ key }) => key),
      signal,
    );
    const writes = links.flatMap(({ key, state, identities }, index): LedgerWrite[] => {
      const row = asLink(key, rows[index]);
      if (isUnreadableRow(row)) {
        unreadable.add(row);
        return [];
      }
      const isNewer = row === undefined || compareStates(state, row.record.known) > 0;
      if (!isNewer) return [];
      const leaving = row === undefined ? [] : leavingOf(row.record, identities);
      return [{ key, record: linkRecord(state, { identities, leaving }, ''), expected: row?.version }];
    });
    // What another process writes meanwhile comes from an export that is as new.
    await context.ledger.write(writes, signal);
  }
  return unreadable.now;
}

/**
 * Under what else than these identities the destination may know the person, by an earlier link.
 */
function leavingOf(earlier: LedgerRecord, identities: readonly Identity[]): readonly Identity[] {
  const current = new Set(identities.map(identityText));
  const link = linkOf(earlier);
  return [...link.identities, ...link.leaving].filter((identity) => !current.has(identityText(identity)));
}

/**
 * What the link of the new route to the same person says; undefined when it does not follow by that
 * identity.
 */
function filledLink(
  { key: { identity, audience }, record }: LedgerEntry,
  { context, destination, source, audience: filled }: FillPlace,
): { readonly key: LedgerKey; readonly state: MembershipState; readonly identities: readonly Identity[] } | undefined {
  const from = context.matcher.routeOf({ destination: ledgerNameOf(source, context), audience });
  const route = from?.audience.key === filled ? liveRoute(from.audience, destination) : undefined;
  if (from === undefined || route?.follow.includes(identity.namespace) !== true) return undefined;
  const identities = linkOf(record).identities.flatMap((each) => identityFor(each, route, context) ?? []);
  const row = rowKey(ledgerNameOf(destination, context), route, from.audience, identity);
  return { key: linkKey(row, identity), state: record.known, identities };
}

function liveRoute({ routes }: AudienceEntry, destination: string): Route | undefined {
  return routes.find((each) => each.destination === destination && each.mode === 'live');
}

function ledgerNameOf(destination: string, { matcher }: ActivationContext): string {
  return matcher.destination(destination)?.ledgerName ?? destination;
}

/**
 * A digest has no way back: a destination that does not hash would be told of a person whom it
 * cannot know.
 */
const sha256Pattern = /^[0-9a-f]{64}$/i;

function identityFor(
  { namespace, value }: Identity,
  route: Route,
  { targets }: ActivationContext,
): Identity | undefined {
  const form = targets.get(route.destination)?.formIdentity ?? ((identity: Identity) => identity.value);
  const choice = { namespaces: route.identityNamespaces, identities: 'first' as const };
  const [identity] = resolveIdentities(new Map([[namespace, [value]]]), choice, form);
  const isDigest = sha256Pattern.test(value) && !namespace.includes('sha256');
  const isHashing = sha256Pattern.test(String(form({ namespace, value: 'ada@example.com' })));
  return isDigest && !isHashing ? undefined : identity;
}

/** The attributes that the other route maps from the same paths, under the names of this one. */
function translated(attributes: Attributes, from: Route, to: Route): Attributes {
  const values = new Map(from.attributes.map(({ name, path }) => [path.join('.'), attributes[name]]));
  const told: Record<string, JsonValue> = {};
  for (const { name, path } of to.attributes) {
    const value = values.get(path.join('.'));
    if (value !== undefined) told[name] = value;
  }
  return told;
}

async function* inBatches<Item>(items: AsyncIterable<Item>): AsyncGenerator<readonly Item[]> {
  let batch: Item[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < batchRows) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
