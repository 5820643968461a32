/**
 * What each program tries, in its order, and what that is in a reader's words. A program prints
 * `works <name>`, `fails <name> <why>`, or `lacks <name>` where the SDK has no such thing.
 */
export const features = {
  'hub-properties': 'properties of the hub',
  'send-to-partition': 'sends to a partition, with properties of several types',
  'send-batch': 'sends a batch',
  'partition-key': 'sends with a partition key: one partition for one key',
  'partition-properties': 'properties of a partition',
  receive: 'receives from the earliest event: body, ids, properties, system properties',
  'start-at-sequence-number': 'starts after a sequence number',
  'start-at-offset': 'starts at an offset',
  'start-at-time': 'starts at a time',
  'consumer-group': 'reads in a consumer group of its own',
  'owner-level': 'a higher owner level takes a partition, and the loser is told',
  'many-events': '2,000 events of 1 KB through the prefetch',
  'too-large': 'an event that is too large is refused',
  throttled: 'a throttled send is tried again by the SDK',
  'wrong-key': 'a wrong key is refused as such',
  'unknown-hub': 'an unknown hub is not found',
  tls: 'TLS, with the authority of the emulator trusted',
  websocket: 'AMQP over a WebSocket, with TLS',
  processor: 'a processor reads all partitions, and the next one goes on after its checkpoints',
  'processors-share': 'two processors share the partitions',
  'buffered-producer': 'a buffered producer sends what it was given',
  'body-kinds': 'AMQP values, sequences and data sections as bodies',
  'property-types': 'properties of every AMQP type that the SDK can name',
} as const;

export type Feature = keyof typeof features;
export const featureNames = Object.keys(features) as Feature[];
