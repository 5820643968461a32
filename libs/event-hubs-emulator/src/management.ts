import rhea from 'rhea';
import { failures, type AmqpFailure } from './amqp-failure.ts';
import {
  covers,
  verifyToken,
  type ConnectionClaims,
  type NodeReply,
  type NodeRequest,
  type TokenVerifier,
} from './cbs.ts';
import type { EventHub } from './event-hub.ts';
import { InvalidToken } from './shared-access-signature.ts';

const { types } = rhea;

const eventHubType = 'com.microsoft:eventhub';
const partitionType = 'com.microsoft:partition';

/**
 * What sequence numbers have outside of geo-replication: no epoch. A guess at the value; Rust's SDK
 * demands the fields.
 */
const noEpoch = -1;

/** The service's time for "never": the first of January of the year 1. */
const neverMs = -62_135_596_800_000;

/** Answers a READ request for the properties of an Event Hub or of one of its partitions. */
export function readProperties(
  request: NodeRequest,
  findEventHub: (name: string) => EventHub | undefined,
  access: TokenVerifier & { readonly claims: ConnectionClaims },
): NodeReply {
  const { operation, type, name, partition, security_token: token } = request.properties;
  if (operation !== 'READ' || (type !== eventHubType && type !== partitionType)) {
    return { status: 501, failure: failures.notImplemented('this operation of $management; it reads properties') };
  }
  const eventHubName = typeof name === 'string' ? name : '';
  const path = [eventHubName.toLowerCase(), '$management'];
  const refusal = refuse(token, path, access);
  if (refusal) return { status: 401, failure: refusal };
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

/**
 * A request has the rights of the token that it brings; one without a token, those of its
 * connection.
 */
function refuse(
  token: unknown,
  path: readonly string[],
  access: TokenVerifier & { readonly claims: ConnectionClaims },
): AmqpFailure | undefined {
  const rights = ['Listen', 'Send', 'Manage'] as const;
  try {
    const allowed =
      typeof token === 'string' ? covers(verifyToken(token, access), path, rights) : access.claims.allow(rights, path);
    return allowed ? undefined : failures.unauthorized(rights.join(', '), path.join('/'));
  } catch (error) {
    if (!(error instanceof InvalidToken)) throw error;
    return { condition: 'amqp:unauthorized-access', description: error.message };
  }
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
      begin_sequence_number_epoch: types.wrap_int(noEpoch),
      last_enqueued_sequence_number_epoch: types.wrap_int(noEpoch),
      last_enqueued_sequence_number: types.wrap_long(state.lastSequenceNumber),
      last_enqueued_offset: state.lastOffset,
      last_enqueued_time_utc: types.wrap_timestamp(state.lastEnqueuedTimeMs ?? neverMs),
      is_partition_empty: state.isEmpty,
    }
  );
}
