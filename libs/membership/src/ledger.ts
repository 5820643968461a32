import type { JsonValue } from '@activation-hub/destination-kit';
import type { Identity } from './identity.ts';
import type { MembershipState } from './state.ts';

/** Which row: one destination, one identity, one audience. */
export interface LedgerKey {
  /** The destination's key in the activation file; a route in shadow mode keeps rows of its own (`shadowDestination`). */
  readonly destination: string;
  readonly identity: Identity;
  readonly audience: { readonly namespace: string; readonly id: string };
}

/**
 * What became of the newest state that a row knows:
 * - `delivered`: the destination has it;
 * - `noted`: there was nothing to tell, such as the exit of somebody it never heard of;
 * - `rejected`: the destination refused it; the same state is not tried again;
 * - `pending`: the destination should be told, but its route is paused: the next export tells it;
 * - `deferred`: the destination should be told, and the retry queue will;
 * - `leased`: somebody is telling it until `expiresAtMs`; after that, perhaps told.
 */
export type RowState =
  | { readonly is: 'delivered' | 'noted' | 'rejected' | 'pending' | 'deferred' }
  | { readonly is: 'leased'; readonly holder: string; readonly expiresAtMs: number };

/**
 * As many characters of JSON as the attributes of a row may take, counted as `JSON.stringify(attributes).length`. `write` refuses more: a row
 * without its attributes could not be told again, and would take their removal for no change. Such a change is to be rejected before its row is leased.
 */
export const attributesCharactersMax = 384_000;

/** As many characters (UTF-16 code units) as the value of an identity may have. `write` refuses more; no identity that is one comes near. */
export const identityCharactersMax = 16_384;

/** What is remembered of one key. */
export interface LedgerRecord {
  /** The newest state at the last write: nothing older is told any more. */
  readonly known: MembershipState;
  readonly rowState: RowState;
  /** The mapped attributes of `known`, by which a destination can be told again without its export. */
  readonly attributes: Readonly<Record<string, JsonValue>>;
  /** What the destination certainly took last; absent when it never took anything. */
  readonly delivered?: MembershipState;
  /** True when the destination may have taken something else after `delivered`: a delivery ended without an answer. */
  readonly inDoubt: boolean;
}

/** A record with the version that a conditional write must name. */
export interface LedgerRow {
  readonly record: LedgerRecord;
  readonly version: string;
}

export interface LedgerWrite {
  readonly key: LedgerKey;
  readonly record: LedgerRecord;
  /** The version that must still be there; `undefined` when there must be no row. */
  readonly expected: string | undefined;
}

/** The row as it is now, or the news that somebody else wrote it first. */
export type LedgerWriteResult = { readonly written: true; readonly version: string } | { readonly written: false };

/**
 * Where the destinations' memory is kept. A store of rows with conditional writes, nothing more: what a row means and
 * when it may change is decided by `decide`, `lease` and `settle`, so that every store obeys the same protocol.
 *
 * `read` and `write` answer in the order of their arguments. They throw when the store cannot be reached, and then nothing
 * may be assumed about the writes. A write that lost its race is an answer, not an error. Keys of one call are distinct. `write` throws
 * `RangeError` before it writes the first row when one of them could not be kept whole (`refuseUnkeepableWrites`).
 */
export interface Ledger {
  read(keys: readonly LedgerKey[], signal: AbortSignal): Promise<readonly (LedgerRow | undefined)[]>;
  write(writes: readonly LedgerWrite[], signal: AbortSignal): Promise<readonly LedgerWriteResult[]>;
  /** Removes a row if it still has that version; false when somebody wrote or removed it first. */
  remove(key: LedgerKey, expected: string, signal: AbortSignal): Promise<boolean>;
  /** Every row, or those of a destination, or of a destination and identity; rows written meanwhile may be missed. */
  rows(of: LedgerSelection, signal: AbortSignal): AsyncIterable<LedgerEntry>;
}

/** Which rows: an identity is looked for at one destination. */
export type LedgerSelection =
  { readonly destination?: string } | { readonly destination: string; readonly identity: Identity };

/** A row with its key. */
export interface LedgerEntry extends LedgerRow {
  readonly key: LedgerKey;
}

/** One string per key, distinct for distinct keys. */
export function ledgerKeyText(key: LedgerKey): string {
  // Names and namespaces come from the activation file, which allows no line feed in them; the identity is counted.
  const { destination, identity, audience } = key;
  return `${destination}\n${identity.namespace}\n${String(identity.value.length)}\n${identity.value}\n${audience.namespace}\n${audience.id}`;
}

/** Where decisions of a route in shadow mode are remembered, apart from what the destination was really told. */
export function shadowDestination(destination: string): string {
  return `${destination}~shadow`;
}
