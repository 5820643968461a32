import type { JsonValue } from '@activation-hub/destination-kit';
import type { Identity } from './identity.ts';
import type { MembershipState } from './state.ts';
import type { UnreadableRow } from './unreadable-row.ts';

/** Which row: one destination, one identity, one audience. */
export interface LedgerKey {
  /**
   * The destination's ledger name in the activation file; shadow routes and links of people keep
   * rows of their own.
   */
  readonly destination: string;
  readonly identity: Identity;
  readonly audience: { readonly namespace: string; readonly id: string };
}

/**
 * The states of a row (docs/specs/ledger.md, section 2): the outcome of the newest membership state
 * that the row knows.
 * - `delivered`: the destination took it;
 * - `noted`: the destination has nothing to learn from it, for example the exit of a person whom it
 *   never knew;
 * - `rejected`: the destination rejected it; the same state is not sent again;
 * - `not-found`: the destination does not know the person; the next change of the person is sent;
 * - `given-up`: it was tried for longer than the activation file allows; the same state is not sent
 *   again;
 * - `paused`: the route is paused; the next export after that sends it;
 * - `deferred`: a retry in the retry queue will send it;
 * - `leased`: one process sends it, until the lease expires. An expired lease means that it was
 *   perhaps taken.
 */
export type RowState = { readonly is: SettledState } | Deferred | Lease;

/** The row states that need nothing but their word. */
export const settledStates = ['delivered', 'noted', 'rejected', 'not-found', 'given-up', 'paused'] as const;
export type SettledState = (typeof settledStates)[number];

/**
 * One chain of retries is responsible for the row: it sends whatever newest state the row has then.
 */
export interface Deferred {
  readonly is: 'deferred';
  readonly chainId: string;
  /**
   * Digest of the person's identities in the export that the retry brings: with it the person is
   * followed. Absent when there is none, and for a row that is told from the ledger alone.
   */
  readonly linkDigest?: string;
}

/**
 * The right of one process to tell a destination about one row; every other process waits until it
 * expires.
 */
export interface Lease {
  readonly is: 'leased';
  /** Names one call of the process that holds it. */
  readonly holder: string;
  /** Epoch milliseconds by the clock of the holder. */
  readonly expiresAtMs: number;
}

/**
 * As many characters of JSON as the attributes of a row may take, counted as
 * `JSON.stringify(attributes).length`. `write` refuses more: a row without its attributes could not
 * be told again, and would take their removal for no change. The caller rejects such a change
 * before it leases the row.
 */
export const attributesCharactersMax = 192_000;

/**
 * As many characters (UTF-16 code units) as the value of an identity may have. `write` refuses
 * more; no identity that is one comes near.
 */
export const identityCharactersMax = 16_384;

/**
 * As many characters as the JSON of the identities may take that a row keeps in `formerOf`. `write`
 * refuses more; `remember` keeps none that would be too many.
 */
export const formerOfCharactersMax = 2_000;

/**
 * An identity that a row remembers, with the digest of the export for which the row was looked at.
 */
export interface FormerOf extends Identity {
  readonly linkDigest: string;
}

/** What is remembered of one key. */
export interface LedgerRecord {
  /** The newest state that any process has seen: nothing older is sent any more. */
  readonly known: MembershipState;
  readonly rowState: RowState;
  /** The mapped attributes of `known`, from which a destination can be told without the export. */
  readonly attributes: Readonly<Record<string, JsonValue>>;
  /** What the destination certainly took last; absent when it never took anything. */
  readonly delivered?: MembershipState;
  /**
   * The attributes of `delivered`; absent when they are `attributes`, or when the destination never
   * took anything.
   */
  readonly deliveredAttributes?: Readonly<Record<string, JsonValue>>;
  /**
   * When the destination was told of `delivered` last, in epoch milliseconds: the moment before the
   * request, by the clock of the process that told it. Only where memberships lapse
   * (docs/specs/ledger.md, section 11), and only of a member.
   */
  readonly deliveredAtMs?: number;
  /** True when the destination may have taken something else since `delivered`. */
  readonly inDoubt: boolean;
  /**
   * Digest of the person's other identities, from the export after which every row of theirs was
   * taken out (docs/specs/ledger.md, section 6). Absent when there were none, or when a later
   * export must look again.
   */
  readonly linkDigest?: string;
  /**
   * Digest of the person's identities in the export from which `known` comes, while the person was
   * not followed with them yet: then `linkDigest` says it. By it an older export with the same
   * identities finds that a newer one waited in the row.
   */
  readonly knownDigest?: string;
  /**
   * Under which identities people were known when they were taken out under this one, or noted as
   * not known under it: their rows may carry a digest that says that no process need look here.
   * Only of a row that knows no member, at most `formerOfCharactersMax` characters of JSON.
   */
  readonly formerOf?: readonly FormerOf[];
  /**
   * The row's last transitions in short codes, at most 600 characters; `historyOf` spells them out.
   * Nothing is decided by it.
   */
  readonly history?: string;
}

/** A record with the version that a conditional write must name. */
export interface LedgerRow {
  readonly record: LedgerRecord;
  readonly version: string;
}

/** What a key has: a row, a row that cannot be read, or none. */
export type ReadRow = LedgerRow | UnreadableRow | undefined;

export interface LedgerWrite {
  readonly key: LedgerKey;
  readonly record: LedgerRecord;
  /** The version that must still be there; `undefined` when there must be no row. */
  readonly expected: string | undefined;
  /**
   * The record of the expected version, where the write changes little of it: a store may send only
   * what differs.
   */
  readonly over?: LedgerRecord;
}

/** The row as it is now, or the news that another process wrote it first. */
export type LedgerWriteResult = { readonly written: true; readonly version: string } | { readonly written: false };

/**
 * Where the destinations' memory is kept: a store of rows with conditional writes, nothing more.
 * `decide`, `lease`, `note` and `settle` say what a row means and when it may change, so that every
 * store obeys the same protocol.
 *
 * `read` and `write` answer in the order of their arguments. They throw when the store cannot be
 * reached, and then nothing may be assumed about the writes. A write that lost its race is an
 * answer, not an error, and every write of a row that cannot be read is lost. Keys of one call are
 * distinct. `write` throws `RangeError` before it writes the first row when one of them could not
 * be kept whole (`refuseUnkeepableWrites`).
 */
export interface Ledger {
  read(keys: readonly LedgerKey[], signal: AbortSignal): Promise<readonly ReadRow[]>;
  write(writes: readonly LedgerWrite[], signal: AbortSignal): Promise<readonly LedgerWriteResult[]>;
  /**
   * Removes a row if it still has that version; false when another process wrote or removed it
   * first.
   */
  remove(key: LedgerKey, expected: string, signal: AbortSignal): Promise<boolean>;
  /**
   * Every row, each once, or those of a destination, of a part of it, or of an identity at it; rows
   * written meanwhile may be missed. A row that cannot be read stops no walk: what is given in its
   * place says which it is.
   */
  rows(of: LedgerSelection, signal: AbortSignal): AsyncIterable<LedgerEntry | UnreadableRow>;
}

/**
 * Into how many parts the rows of a destination fall, so that several can be walked at the same
 * time. Each row is always in the same one.
 */
export const ledgerParts = 8;

/**
 * Which rows: an identity is looked for at one destination, and so is a part, which is a number
 * from 0 to `ledgerParts` - 1. A walk over every row begins at about `startAt` of them, from 0 to
 * less than 1, and ends with those before: one without time for all leaves out others each time.
 */
export type LedgerSelection =
  | { readonly destination?: string; readonly startAt?: undefined }
  | { readonly startAt: number; readonly destination?: undefined }
  | { readonly destination: string; readonly identity: Identity; readonly startAt?: undefined }
  | { readonly destination: string; readonly part: number; readonly startAt?: undefined };

/** A row with its key. */
export interface LedgerEntry extends LedgerRow {
  readonly key: LedgerKey;
}

/** One string per key, distinct for distinct keys. */
export function ledgerKeyText(key: LedgerKey): string {
  // Names and namespaces come from the activation file, which allows no line feed in them; the
  // identity is counted.
  const { destination, identity, audience } = key;
  const { namespace, value } = identity;
  // Joined, which makes one string; put together it would be one of ten pieces, which maps keep as
  // long as the key.
  return [destination, namespace, value.length, value, audience.namespace, audience.id].join('\n');
}

/** Where a route in shadow mode keeps its rows, apart from what the destination was really told. */
export function shadowDestination(destination: string): string {
  return `${destination}~shadow`;
}

/** The destination of these rows, of which they may be the shadow rows or the links. */
export function ledgerNameOf(destination: string): string {
  return destination.replace(/~.*/, '');
}
