import type { ActivationFile, Matcher, Route } from '@activation-hub/activation-file';
import {
  isInDoubt,
  isUnreadableRow,
  UnreadableRowCount,
  type Ledger,
  type LedgerKey,
  type LedgerRecord,
  type UnreadableRows,
} from '@activation-hub/membership';

/**
 * What an activation file means for the people whom destinations know: the file against the ledger.
 */
export interface FilePlan {
  /** Every route of the file, in its order. */
  readonly routes: readonly PlannedRoute[];
  /**
   * People whom a destination knows and of whom the file says nothing any more, by destination and
   * audience.
   */
  readonly leftBehind: readonly LeftBehind[];
  /** Rows that cannot be read: their members are in no number above. */
  readonly unreadable: UnreadableRows;
}

export interface PlannedRoute {
  readonly audience: string;
  readonly destination: string;
  readonly mode: Route['mode'];
  /** Memberships that the destination has, or may have. */
  readonly members: number;
  /** No row of it is in the ledger: its destination was told of no person. */
  readonly isNew: boolean;
  /**
   * Of a new route: other destinations from which `resync --from` can fill it, with the members
   * that the ledger knows there.
   */
  readonly fillFrom: readonly { readonly destination: string; readonly members: number }[];
  /**
   * Members under identities whose namespace the route does not accept any more: no export finds
   * them.
   */
  readonly otherNamespaces: Readonly<Record<string, number>>;
}

export interface LeftBehind {
  /** The name under which the ledger keeps the destination. */
  readonly destination: string;
  readonly audience: { readonly namespace: string; readonly id: string };
  readonly members: number;
  readonly because: 'no-destination' | 'no-audience' | 'no-route';
  /** What in the file it may be called now: an entry of which the ledger knows nothing. */
  readonly perhapsNow: readonly string[];
}

/**
 * Compares a file with the ledger. Reads every row once, and writes nothing. Throws when the ledger
 * cannot be reached.
 */
export async function planFile(
  { file, matcher, ledger }: { readonly file: ActivationFile; readonly matcher: Matcher; readonly ledger: Ledger },
  signal: AbortSignal,
): Promise<FilePlan> {
  const { counts: seen, unreadable } = await countRows(ledger, signal);
  const ledgerNames = new Map([...file.destinations.values()].map(({ key, ledgerName }) => [key, ledgerName]));
  const rowsOf = (audience: string, destination: string): RowCount | undefined => {
    const entry = file.audiences.get(audience);
    if (entry === undefined) return undefined;
    const { namespace, ledgerId: id } = entry;
    return seen.get(countText(ledgerNames.get(destination) ?? destination, { namespace, id }));
  };
  const routes = file.routes.map((route): PlannedRoute => {
    const rows = rowsOf(route.audience, route.destination);
    const ofAudience = file.routes.filter((each) => each.audience === route.audience);
    return {
      audience: route.audience,
      destination: route.destination,
      mode: route.mode,
      members: rows?.members ?? 0,
      isNew: rows === undefined,
      fillFrom:
        rows !== undefined || route.mode !== 'live'
          ? []
          : ofAudience.flatMap(({ destination }) => {
              const members = rowsOf(route.audience, destination)?.members ?? 0;
              return members === 0 ? [] : [{ destination, members }];
            }),
      otherNamespaces: Object.fromEntries(
        [...(rows?.namespaces ?? [])].filter(([namespace]) => !route.identityNamespaces.includes(namespace)),
      ),
    };
  });
  const leftBehind = [...seen.values()].flatMap((rows) => leftBehindOf(rows, file, matcher, seen) ?? []);
  return { routes, leftBehind, unreadable };
}

interface RowCount {
  readonly destination: string;
  readonly audience: LedgerKey['audience'];
  members: number;
  /** Members by namespace of the identity. */
  readonly namespaces: Map<string, number>;
}

interface RowCounts {
  readonly counts: ReadonlyMap<string, RowCount>;
  readonly unreadable: UnreadableRows;
}

/** By destination and audience. Rows of shadow routes and links are of no destination. */
async function countRows(ledger: Ledger, signal: AbortSignal): Promise<RowCounts> {
  const unreadable = new UnreadableRowCount();
  const counts = new Map<string, RowCount>();
  for await (const row of ledger.rows({}, signal)) {
    if (isUnreadableRow(row)) {
      unreadable.add(row);
      continue;
    }
    const { key, record } = row;
    const { destination, audience, identity } = key;
    if (destination.includes('~')) continue;
    const text = countText(destination, audience);
    const count = counts.get(text) ?? { destination, audience, members: 0, namespaces: new Map<string, number>() };
    counts.set(text, count);
    if (!isThere(record)) continue;
    count.members += 1;
    count.namespaces.set(identity.namespace, (count.namespaces.get(identity.namespace) ?? 0) + 1);
  }
  return { counts, unreadable: unreadable.now };
}

function countText(destination: string, { namespace, id }: LedgerKey['audience']): string {
  return JSON.stringify([destination, namespace, id]);
}

/** Whether the destination has the person, or may have. */
function isThere(record: LedgerRecord): boolean {
  return record.delivered?.isMember === true || isInDoubt(record);
}

function leftBehindOf(
  { destination, audience, members }: RowCount,
  file: ActivationFile,
  matcher: Matcher,
  seen: ReadonlyMap<string, RowCount>,
): LeftBehind | undefined {
  if (members === 0 || matcher.routeOf({ destination, audience }) !== undefined) return undefined;
  const known = [...seen.values()];
  const destinations = [...file.destinations.values()];
  if (!destinations.some(({ ledgerName }) => ledgerName === destination)) {
    const perhapsNow = destinations.filter(({ ledgerName }) => !known.some((each) => each.destination === ledgerName));
    return { destination, audience, members, because: 'no-destination', perhapsNow: perhapsNow.map(({ key }) => key) };
  }
  const audiences = [...file.audiences.values()];
  if (audiences.some(({ namespace, ledgerId }) => namespace === audience.namespace && ledgerId === audience.id))
    return { destination, audience, members, because: 'no-route', perhapsNow: [] };
  const perhapsNow = audiences.filter(({ ledgerId }) => !known.some((each) => each.audience.id === ledgerId));
  return { destination, audience, members, because: 'no-audience', perhapsNow: perhapsNow.map(({ key }) => key) };
}
