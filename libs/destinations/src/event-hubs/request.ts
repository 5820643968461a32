import { createHash } from 'node:crypto';
import type { Change } from '@activation-hub/destination-kit';
import { type ChangeDocument, changeDocument } from '../change-document.ts';

/** A change as a CloudEvent 1.0 in JSON, with the extension "Partitioning". */
export interface ChangeEvent {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: `activation-hub.membership.${Change['kind']}`;
  /** Key of the audience. */
  readonly subject: string;
  /** When the person qualified, as AEP says. */
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly partitionkey: string;
  readonly data: ChangeDocument;
}

/**
 * By the structured content mode of the AMQP binding for CloudEvents: the whole event is in the
 * body.
 */
export const eventContentType = 'application/cloudevents+json; charset=utf-8';

/** The changes of one identity, in their order; they go to one partition. */
export interface KeyedChanges {
  readonly partitionKey: string;
  readonly changes: readonly Change[];
}

export function keyedChanges(changes: readonly Change[]): readonly KeyedChanges[] {
  const groups = Map.groupBy(changes, partitionKeyOf);
  return [...groups].map(([partitionKey, group]) => ({ partitionKey, changes: group }));
}

/**
 * The same for all changes of one identity. Metrics and tools show partition keys, so it is a
 * digest; the namespace goes into it, so that it is not the bare hash of an address, which many
 * know.
 */
export function partitionKeyOf({ identity: { namespace, value } }: Change): string {
  return createHash('sha256')
    .update(JSON.stringify([namespace, value]))
    .digest('base64url')
    .slice(0, 22);
}

/**
 * The change as an event. The time of the attempt has no part in it: a repetition is the same
 * event.
 */
export function changeEvent(change: Change, source: string): ChangeEvent {
  return {
    specversion: '1.0',
    id: change.id,
    source,
    type: `activation-hub.membership.${change.kind}`,
    subject: change.audience.key,
    time: change.qualifiedAt,
    datacontenttype: 'application/json',
    partitionkey: partitionKeyOf(change),
    data: changeDocument(change),
  };
}
