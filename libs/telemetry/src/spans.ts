/**
 * The stages of the journey, in their order: each is a span of its name within that of the batch or
 * of the retry.
 */
export const stages = ['read', 'route', 'resolve', 'decide', 'settle', 'tell', 'follow'] as const;
export type Stage = (typeof stages)[number];

interface SpanDefinition {
  /**
   * OpenTelemetry's: what started it elsewhere, what happens here, what is asked of another system.
   */
  readonly kind: 'consumer' | 'internal' | 'client';
  readonly meaning: string;
  /** What is said of it, besides `error.type` when it failed. */
  readonly attributes: readonly SpanAttribute[];
}

/**
 * What spans say: numbers, keys of the activation file, and words of the code. Nothing of a person,
 * and no text of a vendor's.
 */
export const spanAttributes = {
  'messaging.system': '`eventhubs`.',
  'messaging.operation.name': '`process`.',
  'messaging.operation.type': '`process`.',
  'messaging.destination.partition.id': 'The partition of the event hub.',
  'messaging.batch.message_count': 'Events of the batch, or of the retry.',
  'activation.events.first': 'The sequence number of the first event of the batch.',
  'activation.events.last': 'The sequence number of the last event of the batch.',
  'activation.destination': 'The key of the destination in the activation file.',
  'activation.retry.id': 'The retry, as its blob is called.',
  'activation.retry.attempts': 'How often the destination was tried before.',
  'activation.change.kind': '`entered`, `updated` or `exited`.',
  'activation.changes': 'Changes in the request.',
  'activation.changes.delivered': 'Of these, what the destination took.',
  'activation.changes.retry': 'Of these, the number that is retried.',
  'activation.changes.rejected': 'Of these, what the destination refused.',
  'activation.changes.not_found': 'Of these, whom the destination does not know.',
} as const;
export type SpanAttribute = keyof typeof spanAttributes;

const stageMeanings: Readonly<Record<Stage, string>> = {
  read: 'Bytes become profile exports.',
  route: 'The audiences that the activation file names are picked.',
  resolve: 'Identity, attributes and consent of each, and the newest of each row.',
  decide: 'The ledger is read, and rows whose change is sent are leased.',
  settle: 'Before the telling: what is not sent now becomes dead letters and retries.',
  tell: 'Changes are sent, and rows record the outcomes.',
  follow: "Identities that are not the person's any more are taken out.",
};

const stageSpans = Object.fromEntries(
  stages.map((stage) => [stage, { kind: 'internal', meaning: stageMeanings[stage], attributes: [] }]),
) as unknown as Readonly<Record<Stage, SpanDefinition & { readonly attributes: readonly never[] }>>;

/** Every span. Names are constant, so that there are few. */
export const spans = {
  'process events': {
    kind: 'consumer',
    meaning: 'One batch of events of a partition, from its bodies to everything in it being settled: one trace.',
    attributes: [
      'messaging.system',
      'messaging.operation.name',
      'messaging.operation.type',
      'messaging.destination.partition.id',
      'messaging.batch.message_count',
      'activation.events.first',
      'activation.events.last',
    ],
  },
  'process retry': {
    kind: 'consumer',
    meaning:
      'One retry, the same way: a trace of its own, with a link to the batch in which its changes were deferred.',
    attributes: [
      'messaging.operation.name',
      'messaging.operation.type',
      'messaging.batch.message_count',
      'activation.destination',
      'activation.retry.id',
      'activation.retry.attempts',
    ],
  },
  ...stageSpans,
  'send changes': {
    kind: 'client',
    meaning:
      'A batch of changes that is handed to a connector, within `tell` or `follow`. Webhooks get its context in `traceparent`.',
    attributes: [
      'activation.destination',
      'activation.change.kind',
      'activation.changes',
      'activation.changes.delivered',
      'activation.changes.retry',
      'activation.changes.rejected',
      'activation.changes.not_found',
    ],
  },
} as const satisfies Readonly<Record<string, SpanDefinition>>;

export type SpanName = keyof typeof spans;

/** Values for attributes of a span, and for no other. */
export type AttributesOf<Name extends SpanName> = Readonly<
  Partial<Record<(typeof spans)[Name]['attributes'][number], string | number>>
>;
