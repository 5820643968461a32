import { hash } from 'node:crypto';
import type { TableEntity, TableEntityResult } from '@azure/data-tables';
import type { JsonValue } from '@activation-hub/destination-kit';
import type {
  Identity,
  LedgerKey,
  LedgerRecord,
  LedgerRow,
  MembershipState,
  RowState,
} from '@activation-hub/membership';

/** Where a row is in the table. */
export interface EntityAddress {
  readonly partitionKey: string;
  readonly rowKey: string;
}

/** A string column takes 64 KiB of UTF-16 ("Understanding the Table service data model", property types). */
export const textCharactersMax = 32_768;
/** With the identity's column it keeps an entity well under the service's bound of 1 MiB: 13 × 64 KiB = 832 KiB. */
const attributeColumnsMax = 12;

/** What Edm.DateTime holds; the years that a table cannot hold as a date are kept as a number. */
const earliestDateMs = Date.UTC(1601, 0, 1);
const latestDateMs = Date.UTC(9999, 11, 31);

/**
 * Rows of one destination and identity share a partition. The keys are digests, because keys are bounded in length and
 * characters; the destination in front lets a person, or a range query, find the rows of one destination. The row key
 * is a digest of the whole key, not of the audience alone, for Azurite finds a row by an index over row keys only.
 */
export function entityAddress({ destination, identity, audience }: LedgerKey): EntityAddress {
  return {
    partitionKey: partitionKeyOf(destination, identity),
    rowKey: digest([destination, identity.namespace, identity.value, audience.namespace, audience.id]),
  };
}

export function partitionKeyOf(destination: string, identity: Identity): string {
  return `${partitionKeyPrefix(destination)}${digest([destination, identity.namespace, identity.value])}`;
}

/** What the partition keys of a destination begin with. Unusual names may share one. */
export function partitionKeyPrefix(destination: string): string {
  return `${destination.replace(/[^\w~-]/g, '_').slice(0, 200)}.`;
}

function digest(words: readonly string[]): string {
  return hash('sha256', JSON.stringify(words), 'base64url');
}

/**
 * A row as columns. `writeId` names this write: by it a writer whose reply was lost knows its own write again.
 * An identity longer than 32,768 characters or with half a character in it (a surrogate without its other half, which
 * a table need not keep), and attributes longer than 393,216 characters of JSON are left out, and the column `omitted` says
 * so; addresses, states and leases do not depend on them.
 */
export function toEntity(key: LedgerKey, record: LedgerRecord, writeId: string): TableEntity {
  const attributes = attributeColumns(record.attributes);
  const { value } = key.identity;
  const identity = value.length <= textCharactersMax && value.isWellFormed() ? { identityValue: value } : undefined;
  const omitted = [
    ...(identity === undefined ? ['identity'] : []),
    ...(attributes === undefined ? ['attributes'] : []),
  ];
  return {
    ...entityAddress(key),
    destination: key.destination,
    identityNamespace: key.identity.namespace,
    ...identity,
    audienceNamespace: key.audience.namespace,
    audienceId: key.audience.id,
    ...rowStateColumns(record.rowState),
    inDoubt: record.inDoubt,
    ...stateColumns('known', record.known),
    ...(record.delivered === undefined ? {} : stateColumns('delivered', record.delivered)),
    ...attributes,
    ...(omitted.length === 0 ? {} : { omitted: omitted.join(' ') }),
    writeId,
  };
}

/** The row in an entity that `toEntity` made. Throws when somebody changed it into something else. */
export function toRow(entity: TableEntityResult<Record<string, unknown>>): LedgerRow {
  const columns = new Columns(entity);
  return {
    record: {
      known: columns.state('known'),
      rowState: columns.rowState(),
      attributes: columns.attributes(),
      ...(columns.has('deliveredStatus') ? { delivered: columns.state('delivered') } : {}),
      inDoubt: columns.boolean('inDoubt'),
    },
    version: entity.etag,
  };
}

/**
 * The key of a row. Of a row without its identity there is none, unless the identity by which it was found is given.
 * Throws when somebody changed the row so that its key would be another's.
 */
export function toKey(entity: TableEntityResult<Record<string, unknown>>, foundBy?: Identity): LedgerKey | undefined {
  return new Columns(entity).key(foundBy);
}

function rowStateColumns(rowState: RowState): Record<string, unknown> {
  if (rowState.is !== 'leased') return { rowState: rowState.is };
  return { rowState: rowState.is, holder: rowState.holder, leaseExpiresAt: timeColumn(rowState.expiresAtMs) };
}

function stateColumns(prefix: 'known' | 'delivered', state: MembershipState): Record<string, unknown> {
  return {
    [`${prefix}Status`]: state.status,
    [`${prefix}IsMember`]: state.isMember,
    [`${prefix}QualifiedAt`]: timeColumn(state.qualifiedAtMs),
    [`${prefix}EnqueuedAt`]: timeColumn(state.enqueuedAtMs),
    [`${prefix}SequenceNumber`]: BigInt(state.sequenceNumber),
    [`${prefix}Content`]: state.content,
  };
}

function timeColumn(ms: number): Date | bigint {
  return ms >= earliestDateMs && ms <= latestDateMs ? new Date(ms) : BigInt(ms);
}

/** `attributes`, `attributes2`, … with the JSON in pieces; `undefined` when it is too long. */
function attributeColumns(attributes: LedgerRecord['attributes']): Record<string, string> | undefined {
  const json = JSON.stringify(attributes);
  const columns: Record<string, string> = {};
  for (let start = 0, number = 1; start < json.length; number += 1) {
    if (number > attributeColumnsMax) return undefined;
    let end = Math.min(start + textCharactersMax, json.length);
    // A pair of surrogates stays together: alone, neither half is a character that a table keeps.
    if (isHighSurrogate(json.charCodeAt(end - 1))) end -= 1;
    columns[attributeColumn(number)] = json.slice(start, end);
    start = end;
  }
  return columns;
}

function attributeColumn(number: number): string {
  return number === 1 ? 'attributes' : `attributes${number}`;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

type Unleased = Exclude<RowState['is'], 'leased'>;
/** A record, so that a rowState which is new to the ledger cannot be forgotten here. */
const unleased: Readonly<Record<Unleased, true>> = {
  delivered: true,
  noted: true,
  rejected: true,
  pending: true,
  deferred: true,
};

function isUnleased(text: string): text is Unleased {
  return Object.hasOwn(unleased, text);
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

  key(foundBy: Identity | undefined): LedgerKey | undefined {
    const isOmitted = this.has('omitted') && this.text('omitted').split(' ').includes('identity');
    if (isOmitted && foundBy === undefined) return undefined;
    const key = {
      destination: this.text('destination'),
      identity: foundBy ?? { namespace: this.text('identityNamespace'), value: this.text('identityValue') },
      audience: { namespace: this.text('audienceNamespace'), id: this.text('audienceId') },
    };
    return entityAddress(key).rowKey === this.#entity.rowKey ? key : this.#unreadable('RowKey');
  }

  state(prefix: 'known' | 'delivered'): MembershipState {
    const status = this.text(`${prefix}Status`);
    if (status !== 'realized' && status !== 'exited') return this.#unreadable(`${prefix}Status`);
    return {
      status,
      isMember: this.boolean(`${prefix}IsMember`),
      qualifiedAtMs: this.timeMs(`${prefix}QualifiedAt`),
      enqueuedAtMs: this.timeMs(`${prefix}EnqueuedAt`),
      sequenceNumber: this.integer(`${prefix}SequenceNumber`),
      content: this.text(`${prefix}Content`),
    };
  }

  rowState(): RowState {
    const is = this.text('rowState');
    if (is === 'leased') return { is, holder: this.text('holder'), expiresAtMs: this.timeMs('leaseExpiresAt') };
    return isUnleased(is) ? { is } : this.#unreadable('rowState');
  }

  attributes(): LedgerRecord['attributes'] {
    if (this.has('omitted') && !this.has('attributes')) return {};
    let json = '';
    for (let number = 1; this.has(attributeColumn(number)); number += 1) json += this.text(attributeColumn(number));
    try {
      return JSON.parse(json) as Readonly<Record<string, JsonValue>>;
    } catch {
      // Without the cause: a parser's message quotes the attributes.
      return this.#unreadable('attributes');
    }
  }

  #unreadable(column: string): never {
    throw new Error(
      `Failed to read the ledger: column ${column} of row ${this.#entity.rowKey ?? ''} is not what the ledger writes. ` +
        'Restore the row, or delete it to forget what the destination was told.',
    );
  }
}
