import { hash } from 'node:crypto';
import type { TableEntity, TableEntityResult } from '@azure/data-tables';
import type { JsonValue } from '@activation-hub/destination-kit';
import {
  formerOfText,
  settledStates,
  type FormerOf,
  type Identity,
  type LedgerKey,
  type LedgerRecord,
  type LedgerRow,
  type MembershipState,
  type RowState,
  type SettledState,
} from '@activation-hub/membership';
import { UnreadableRowError } from './unreadable-row.ts';

/** Where a row is in the table. */
export interface EntityAddress {
  readonly partitionKey: string;
  readonly rowKey: string;
}

/**
 * A string column takes 64 KiB of UTF-16 ("Understanding the Table service data model", property
 * types). At most, the attributes and those that were delivered take 6 columns each with 750 KiB
 * together, and an identity of nothing but escapes 3 with 192 KiB: less than the 1 MiB of an
 * entity.
 */
const textCharactersMax = 32_768;

/** What Edm.DateTime holds; the years that a table cannot hold as a date are kept as a number. */
const earliestDateMs = Date.UTC(1601, 0, 1);
const latestDateMs = Date.UTC(9999, 11, 31);

/**
 * A partition is a bucket: the destination, and three bits of the identity's digest. One
 * transaction can then write rows of many people. Eight buckets of 2,000 rows a second each are
 * 16,000 for a destination, of the 20,000 that a whole account has ("Scalability and performance
 * targets for Table storage"). The row key begins with the identity's digest, so that the rows of
 * one identity are one range of their bucket.
 *
 * The keys are digests, because keys are bounded in length and characters; the destination in front
 * lets a range query find the rows of one destination. Row keys are distinct over the whole table,
 * for Azurite finds a row by an index over row keys only.
 */
export function entityAddress({ destination, identity, audience }: LedgerKey): EntityAddress {
  const { partitionKey, rowKeyPrefix } = identityRange(destination, identity);
  return { partitionKey, rowKey: `${rowKeyPrefix}${digest([audience.namespace, audience.id])}` };
}

/**
 * Where the rows of one identity at one destination are: in one partition, with row keys that begin
 * alike.
 */
export function identityRange(
  destination: string,
  { namespace, value }: Identity,
): { readonly partitionKey: string; readonly rowKeyPrefix: string } {
  const ofIdentity = digest([destination, namespace, value]);
  // Its first character has six bits, of which the first three are the bucket.
  const bucket = base64url.indexOf(ofIdentity.charAt(0)) >> 3;
  return { partitionKey: `${partitionKeyPrefix(destination)}${bucket}`, rowKeyPrefix: `${ofIdentity}.` };
}

/** What the row keys of one identity begin with, given one of them. */
export function rowKeyPrefixOf(rowKey: string): string {
  return rowKey.slice(0, rowKey.indexOf('.') + 1);
}

/** What the partition keys of a destination begin with. Unusual names may share one. */
export function partitionKeyPrefix(destination: string): string {
  return `${destination.replace(/[^\w~-]/g, '_').slice(0, 200)}.`;
}

const base64url = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function digest(words: readonly string[]): string {
  return hash('sha256', JSON.stringify(words), 'base64url');
}

/**
 * A row as columns. `writeId` names this write: by it a writer whose reply was lost knows its own
 * write again. An identity with half a character in it (a surrogate without its other half, which a
 * table need not keep) is written as JSON, which escapes it, in `identityJson`. Of a record within
 * the bounds of the port nothing is left out.
 */
export function toEntity(key: LedgerKey, record: LedgerRecord, writeId: string): TableEntity {
  // One object that grows: put together from objects of some columns each it took three times as
  // long, which a burst does twice for each change.
  const columns: TableEntity = { ...entityAddress(key) };
  columns.destination = key.destination;
  columns.identityNamespace = key.identity.namespace;
  addIdentity(columns, key.identity);
  columns.audienceNamespace = key.audience.namespace;
  columns.audienceId = key.audience.id;
  addRowState(columns, record.rowState);
  columns.inDoubt = record.inDoubt;
  addState(columns, stateColumns.known, record.known);
  addDelivered(columns, record);
  addText(columns, 'attributes', JSON.stringify(record.attributes));
  addNotes(columns, record);
  columns.writeId = writeId;
  return columns;
}

/**
 * The columns that settle a leased row, to be merged into those that it has: a third of all, since
 * what it knows stays. What goes stays in the table and is not read any more: of the lease its
 * holder and expiry, for the row is not leased; a state delivered before, for `deliveredIsKnown`
 * comes first; and `knownDigest`, for `linkDigest` does.
 *
 * Undefined when the record is no such settling, or another column would have to go, which a merge
 * cannot do.
 */
export function settlingColumns(
  key: LedgerKey,
  record: LedgerRecord,
  leased: LedgerRecord,
  writeId: string,
): TableEntity | undefined {
  if (leased.rowState.is !== 'leased' || !isMergeable(record, leased)) return undefined;
  const columns: TableEntity = { ...entityAddress(key) };
  addRowState(columns, record.rowState);
  columns.inDoubt = record.inDoubt;
  addDelivered(columns, record);
  addNotes(columns, record);
  columns.writeId = writeId;
  return columns;
}

function isMergeable(record: LedgerRecord, leased: LedgerRecord): boolean {
  const { known, delivered, linkDigest } = record;
  return (
    known === leased.known &&
    record.attributes === leased.attributes &&
    record.deliveredAttributes === leased.deliveredAttributes &&
    (delivered === leased.delivered || delivered === known) &&
    (leased.knownDigest === undefined || record.knownDigest !== undefined || linkDigest !== undefined) &&
    (['deliveredAtMs', 'linkDigest', 'formerOf', 'history'] as const).every(
      (name) => leased[name] === undefined || record[name] !== undefined,
    )
  );
}

/**
 * The row in an entity that `toEntity` made. Throws `UnreadableRowError` when it was changed into
 * something else, or a newer release wrote it.
 */
export function toRow(entity: TableEntityResult<Record<string, unknown>>): LedgerRow {
  const columns = new Columns(entity);
  const known = columns.state('known');
  return {
    record: {
      known,
      rowState: columns.rowState(),
      attributes: columns.attributes('attributes'),
      ...columns.delivered(known),
      ...(columns.has('deliveredAt') ? { deliveredAtMs: columns.timeMs('deliveredAt') } : {}),
      ...(columns.has('deliveredAttributes') ? { deliveredAttributes: columns.attributes('deliveredAttributes') } : {}),
      inDoubt: columns.boolean('inDoubt'),
      ...(columns.has('linkDigest') ? { linkDigest: columns.text('linkDigest') } : {}),
      ...(columns.has('knownDigest') && !columns.has('linkDigest') ? { knownDigest: columns.text('knownDigest') } : {}),
      ...(columns.has('formerOf') ? { formerOf: columns.formerOf() } : {}),
      ...(columns.has('history') ? { history: columns.text('history') } : {}),
    },
    version: entity.etag,
  };
}

/**
 * The key of a row. Throws `UnreadableRowError` when the row was changed so that its key would be
 * another's.
 */
export function toKey(entity: TableEntityResult<Record<string, unknown>>): LedgerKey {
  return new Columns(entity).key();
}

function addRowState(columns: TableEntity, rowState: RowState): void {
  columns.rowState = rowState.is;
  if (rowState.is === 'leased') {
    columns.holder = rowState.holder;
    columns.leaseExpiresAt = timeColumn(rowState.expiresAtMs);
  } else if (rowState.is === 'deferred') {
    columns.retryChain = rowState.chainId;
    if (rowState.linkDigest !== undefined) columns.retryLinkDigest = rowState.linkDigest;
  }
}

function stateColumnsOf<Prefix extends string>(prefix: Prefix) {
  return {
    status: `${prefix}Status`,
    isMember: `${prefix}IsMember`,
    qualifiedAt: `${prefix}QualifiedAt`,
    enqueuedAt: `${prefix}EnqueuedAt`,
    sequenceNumber: `${prefix}SequenceNumber`,
    content: `${prefix}Content`,
  } as const;
}

/** The names of the columns of a state. */
const stateColumns = { known: stateColumnsOf('known'), delivered: stateColumnsOf('delivered') } as const;
type StateColumns = (typeof stateColumns)[keyof typeof stateColumns];

function addState(columns: TableEntity, names: StateColumns, state: MembershipState): void {
  columns[names.status] = state.status;
  columns[names.isMember] = state.isMember;
  columns[names.qualifiedAt] = timeColumn(state.qualifiedAtMs);
  columns[names.enqueuedAt] = timeColumn(state.enqueuedAtMs);
  columns[names.sequenceNumber] = BigInt(state.sequenceNumber);
  columns[names.content] = state.content;
}

/**
 * Most rows are those whose destination has what they know: they hold it once, for what a row costs
 * goes with its columns.
 */
function addDelivered(columns: TableEntity, { known, delivered, deliveredAtMs }: LedgerRecord): void {
  if (delivered !== undefined) {
    if (isSameState(delivered, known)) columns.deliveredIsKnown = true;
    else addState(columns, stateColumns.delivered, delivered);
  }
  if (deliveredAtMs !== undefined) columns.deliveredAt = timeColumn(deliveredAtMs);
}

function addNotes(columns: TableEntity, record: LedgerRecord): void {
  if (record.deliveredAttributes !== undefined)
    addText(columns, 'deliveredAttributes', JSON.stringify(record.deliveredAttributes));
  if (record.linkDigest !== undefined) columns.linkDigest = record.linkDigest;
  if (record.knownDigest !== undefined) columns.knownDigest = record.knownDigest;
  if (record.formerOf !== undefined) columns.formerOf = formerOfText(record.formerOf);
  if (record.history !== undefined) columns.history = record.history;
}

function isSameState(left: MembershipState, right: MembershipState): boolean {
  return (
    left === right ||
    (left.status === right.status &&
      left.isMember === right.isMember &&
      left.qualifiedAtMs === right.qualifiedAtMs &&
      left.enqueuedAtMs === right.enqueuedAtMs &&
      left.sequenceNumber === right.sequenceNumber &&
      left.content === right.content)
  );
}

function timeColumn(ms: number): Date | bigint {
  return ms >= earliestDateMs && ms <= latestDateMs ? new Date(ms) : BigInt(ms);
}

function addIdentity(columns: TableEntity, { value }: Identity): void {
  if (value.isWellFormed()) columns.identityValue = value;
  else addText(columns, 'identityJson', JSON.stringify(value));
}

/** A text of whole characters in as many columns as it takes: `name`, `name2`, … */
function addText(columns: TableEntity, name: string, text: string): void {
  for (let start = 0, number = 1; start < text.length; number += 1) {
    let end = Math.min(start + textCharactersMax, text.length);
    // A pair of surrogates stays together: alone, neither half is a character that a table keeps.
    if (isHighSurrogate(text.charCodeAt(end - 1))) end -= 1;
    columns[numbered(name, number)] = text.slice(start, end);
    start = end;
  }
}

function numbered(name: string, number: number): string {
  return number === 1 ? name : `${name}${number}`;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isSettledState(text: string): text is SettledState {
  return settledStates.some((each) => each === text);
}

/** The typed columns of one entity. */
class Columns {
  readonly #entity: TableEntityResult<Record<string, unknown>>;

  constructor(entity: TableEntityResult<Record<string, unknown>>) {
    this.#entity = entity;
  }

  has(column: string): boolean {
    return this.#entity[column] !== undefined;
  }

  text(column: string): string {
    const value = this.#entity[column];
    return typeof value === 'string' ? value : this.#unreadable(column);
  }

  boolean(column: string): boolean {
    const value = this.#entity[column];
    return typeof value === 'boolean' ? value : this.#unreadable(column);
  }

  integer(column: string): number {
    const value = this.#entity[column];
    return typeof value === 'bigint' ? Number(value) : this.#unreadable(column);
  }

  timeMs(column: string): number {
    const value = this.#entity[column];
    return value instanceof Date ? value.getTime() : this.integer(column);
  }

  key(): LedgerKey {
    const value = this.has('identityJson') ? this.json('identityJson') : this.text('identityValue');
    if (typeof value !== 'string') return this.#unreadable('identityJson');
    const key = {
      destination: this.text('destination'),
      identity: { namespace: this.text('identityNamespace'), value },
      audience: { namespace: this.text('audienceNamespace'), id: this.text('audienceId') },
    };
    return entityAddress(key).rowKey === this.#entity.rowKey ? key : this.#unreadable('RowKey');
  }

  state(prefix: keyof typeof stateColumns): MembershipState {
    const names = stateColumns[prefix];
    const status = this.text(names.status);
    if (status !== 'realized' && status !== 'exited') return this.#unreadable(names.status);
    return {
      status,
      isMember: this.boolean(names.isMember),
      qualifiedAtMs: this.timeMs(names.qualifiedAt),
      enqueuedAtMs: this.timeMs(names.enqueuedAt),
      sequenceNumber: this.integer(names.sequenceNumber),
      content: this.text(names.content),
    };
  }

  delivered(known: MembershipState): Pick<LedgerRecord, 'delivered'> {
    if (this.has('deliveredIsKnown') && this.boolean('deliveredIsKnown')) return { delivered: known };
    return this.has('deliveredStatus') ? { delivered: this.state('delivered') } : {};
  }

  rowState(): RowState {
    const is = this.text('rowState');
    if (is === 'leased') return { is, holder: this.text('holder'), expiresAtMs: this.timeMs('leaseExpiresAt') };
    if (is === 'deferred') {
      const digest = this.has('retryLinkDigest') ? { linkDigest: this.text('retryLinkDigest') } : {};
      return { is, chainId: this.text('retryChain'), ...digest };
    }
    return isSettledState(is) ? { is } : this.#unreadable('rowState');
  }

  attributes(name: 'attributes' | 'deliveredAttributes'): LedgerRecord['attributes'] {
    const value = this.json(name);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as LedgerRecord['attributes']) : this.#unreadable(name);
  }

  formerOf(): readonly FormerOf[] {
    const all = this.json('formerOf');
    if (!Array.isArray(all)) return this.#unreadable('formerOf');
    return (all as readonly JsonValue[]).map((each): FormerOf => {
      const [namespace, value, linkDigest] = Array.isArray(each) ? (each as readonly JsonValue[]) : [];
      return typeof namespace === 'string' && typeof value === 'string' && typeof linkDigest === 'string'
        ? { namespace, value, linkDigest }
        : this.#unreadable('formerOf');
    });
  }

  /** What the JSON in the columns of that name says. */
  json(name: string): JsonValue {
    let text = '';
    for (let number = 1; this.has(numbered(name, number)); number += 1) text += this.text(numbered(name, number));
    try {
      return JSON.parse(text) as JsonValue;
    } catch {
      // Without the cause: a parser's message quotes the row.
      return this.#unreadable(name);
    }
  }

  #unreadable(column: string): never {
    const { partitionKey = '', rowKey = '' } = this.#entity;
    throw new UnreadableRowError(`column ${column} of row ${partitionKey}/${rowKey}`);
  }
}
