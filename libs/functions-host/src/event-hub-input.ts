import type { ReceivedEventData } from '@azure/event-hubs';
import type { InvocationInput, TypedData } from './rpc.ts';
import { triggerInput, type RegisteredFunction } from './trigger.ts';
import { bindBatch, bindSingle, dataTypeOf, dateTimeWithoutZone, json, longs, strings } from './typed-data.ts';

/** Where a batch comes from, as the function sees it in `triggerMetadata.partitionContext`. */
export interface PartitionSource {
  readonly fullyQualifiedNamespace: string;
  readonly eventHubName: string;
  readonly consumerGroup: string;
  readonly partitionId: string;
  readonly isCheckpointingAfterInvocation: boolean;
}

/**
 * The input of an invocation with cardinality many. Throws when a body cannot be bound; the
 * function is not to be called then.
 */
export function batchInput(
  registered: RegisteredFunction,
  events: readonly ReceivedEventData[],
  source: PartitionSource,
): InvocationInput {
  const bodies = bindBatch(events.map(bodyOf), dataTypeOf(registered.trigger));
  return triggerInput(registered, bodies, {
    PartitionContext: partitionContext(source),
    PartitionKeyArray: strings(events.map(({ partitionKey }) => partitionKey ?? undefined)),
    OffsetArray: strings(events.map(numericOffset)),
    SequenceNumberArray: longs(events.map(({ sequenceNumber }) => sequenceNumber)),
    EnqueuedTimeUtcArray: json(events.map(({ enqueuedTimeUtc }) => dateTimeWithoutZone(enqueuedTimeUtc))),
    PropertiesArray: json(events.map(({ properties }) => properties ?? {})),
    SystemPropertiesArray: json(events.map(systemProperties)),
  });
}

/** The input of an invocation with cardinality one. Throws as `batchInput`. */
export function eventInput(
  registered: RegisteredFunction,
  event: ReceivedEventData,
  source: PartitionSource,
): InvocationInput {
  return triggerInput(registered, bindSingle(bodyOf(event), dataTypeOf(registered.trigger)), {
    PartitionContext: partitionContext(source),
    ...(event.partitionKey === null ? {} : { PartitionKey: { string: event.partitionKey } }),
    Offset: json(Number(numericOffset(event))),
    SequenceNumber: json(event.sequenceNumber),
    EnqueuedTimeUtc: json(dateTimeWithoutZone(event.enqueuedTimeUtc)),
    Properties: json(event.properties ?? {}),
    SystemProperties: json(systemProperties(event)),
  });
}

function partitionContext(source: PartitionSource): TypedData {
  return json({
    IsCheckpointingAfterInvocation: source.isCheckpointingAfterInvocation,
    FullyQualifiedNamespace: source.fullyQualifiedNamespace,
    EventHubName: source.eventHubName,
    ConsumerGroup: source.consumerGroup,
    PartitionId: source.partitionId,
  });
}

/**
 * The extension shows -1 for an offset that is not a number, as geo-replicated namespaces have
 * them.
 */
function numericOffset({ offset }: ReceivedEventData): string {
  return /^-?\d+$/.test(offset) ? offset : '-1';
}

function systemProperties(event: ReceivedEventData): Record<string, unknown> {
  return {
    ...event.systemProperties,
    SequenceNumber: event.sequenceNumber,
    Offset: Number(numericOffset(event)),
    OffsetString: event.offset,
    PartitionKey: event.partitionKey,
    EnqueuedTimeUtc: dateTimeWithoutZone(event.enqueuedTimeUtc),
  };
}

/**
 * The SDK gives the bytes of data sections, and values of other AMQP bodies, which an extension in
 * .NET could not read as bytes.
 */
function bodyOf({ body }: ReceivedEventData): Buffer {
  if (Buffer.isBuffer(body)) return body;
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (typeof body === 'string') return Buffer.from(body, 'utf8');
  return Buffer.from(body === undefined || body === null ? '' : JSON.stringify(body), 'utf8');
}
