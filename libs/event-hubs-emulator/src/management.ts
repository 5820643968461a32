import rhea from 'rhea';
import { failures } from './amqp-failure.ts';
import type { ConnectionClaims, NodeReply, NodeRequest } from './cbs.ts';
import type { EventHub } from './event-hub.ts';

const { types } = rhea;

const eventHubType = 'com.microsoft:eventhub';
const partitionType = 'com.microsoft:partition';

/** The service's time for "never": the first of January of the year 1. */
const neverMs = -62_135_596_800_000;

/** Answers a READ request for the properties of an Event Hub or of one of its partitions. */
export function readProperties(
  request: NodeRequest,
  findEventHub: (name: string) => EventHub | undefined,
  claims: ConnectionClaims,
): NodeReply {
  const { operation, type, name, partition } = request.properties;
  if (operation !== 'READ' || (type !== eventHubType && type !== partitionType)) {
    return { status: 501, failure: failures.notImplemented('this operation of $management; it reads properties') };
  }
  const eventHubName = typeof name === 'string' ? name : '';
  const path = [eventHubName.toLowerCase(), '$management'];
  if (!claims.allow(['Listen', 'Send', 'Manage'], path)) {
    return { status: 401, failure: failures.unauthorized('Listen, Send, Manage', eventHubName) };
  }
  const eventHub = findEventHub(eventHubName);
  if (eventHub === undefined) return { status: 404, failure: failures.notFound(eventHubName) };
  if (type === eventHubType) return { status: 200, description: 'OK', body: eventHubProperties(eventHub) };
  const partitionId = typeof partition === 'string' ? partition : '';
  const body = partitionProperties(eventHub, partitionId);
  if (body === undefined) {
    return {
      status: 404,
      failure: failures.partitionNotFound(`${eventHub.name}/Partitions/${partitionId}`, eventHub.partitions.length),
    };
  }
  return { status: 200, description: 'OK', body };
}

function eventHubProperties({ name, createdAtMs, partitions }: EventHub): unknown {
  return {
    type: eventHubType,
    name,
    created_at: types.wrap_timestamp(createdAtMs),
    partition_count: types.wrap_int(partitions.length),
    partition_ids: types.wrap_array(
      partitions.map((_, index) => String(index)),
      0xa1,
      undefined,
    ),
    georeplication_factor: types.wrap_int(1),
  };
}

function partitionProperties(eventHub: EventHub, partitionId: string): unknown {
  const state = eventHub.partition(partitionId)?.state();
  return (
    state && {
      type: partitionType,
      name: eventHub.name,
      partition: partitionId,
      begin_sequence_number: types.wrap_long(state.beginSequenceNumber),
      last_enqueued_sequence_number: types.wrap_long(state.lastSequenceNumber),
      last_enqueued_offset: state.lastOffset,
      last_enqueued_time_utc: types.wrap_timestamp(state.lastEnqueuedTimeMs ?? neverMs),
      is_partition_empty: state.isEmpty,
    }
  );
}
