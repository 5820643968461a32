/** A destination's circuit: `paused` is held open by an operator. */
export const circuitStates = ['closed', 'half-open', 'open', 'paused'] as const;
export type CircuitState = (typeof circuitStates)[number];

/**
 * What distinguishes measurements, with the attribute under which OpenTelemetry gets it. Each
 * value is a key of the activation file, the number of a partition or a word of the code, so that
 * there are few: never anything of a person.
 */
export const labels = {
  destination: { attribute: 'activation.destination', meaning: 'The key of the destination in the activation file.' },
  outcome: { attribute: 'activation.outcome', meaning: 'The word in which a change ended, or `deferred`.' },
  result: {
    attribute: 'activation.result',
    meaning: '`answered`, or the class of the failure: `transient`, `throttled`, `set-up`, `invalid`, `fatal`.',
  },
  kind: { attribute: 'activation.change.kind', meaning: '`entered`, `updated` or `exited`.' },
  code: { attribute: 'activation.code', meaning: 'The refusal code of what could not be read.' },
  stage: { attribute: 'activation.stage', meaning: 'The stage of the journey, which is also the name of its span.' },
  state: { attribute: 'activation.circuit.state', meaning: `One of \`${circuitStates.join('`, `')}\`.` },
  partition: { attribute: 'messaging.destination.partition.id', meaning: 'The partition of the event hub.' },
  system: { attribute: 'messaging.system', meaning: '`eventhubs`.' },
  operation: { attribute: 'messaging.operation.name', meaning: '`process`.' },
} as const;

export type Label = keyof typeof labels;

/** One thing that is measured. */
export interface Instrument {
  /** As UCUM writes it, as OpenTelemetry asks for. */
  readonly unit: string;
  readonly meaning: string;
  readonly labels: readonly Label[];
  /** Its name where OpenTelemetry's semantic conventions have one; else `metricName` makes it. */
  readonly metric?: string;
}

/** What counters are increased by while the process lives. */
export const counters = {
  'events-received': {
    unit: '{event}',
    meaning: 'Events that the event hub handed over, repetitions included.',
    labels: [],
  },
  'events-unreadable': {
    unit: '{event}',
    meaning: 'Events in which something could not be read, by refusal code; each is a dead letter.',
    labels: ['code'],
  },
  'exports-read': { unit: '{export}', meaning: 'Profile exports found in the events.', labels: [] },
  'changes-settled': {
    unit: '{change}',
    meaning:
      'Changes by destination and outcome. Every change ends in one; before that, each time that it is deferred counts as deferred. What comes while a worker tells the same row is told by that worker, and ends as unchanged where it came: a destination may be told more changes than count as delivered.',
    labels: ['destination', 'outcome'],
  },
  'changes-shadowed': {
    unit: '{change}',
    meaning:
      'Changes that the shadow of an operator holds back (not the mode `shadow` of a route), by destination and kind: each once, as it comes. They count as deferred besides, and as delivered when they were told afterwards.',
    labels: ['destination', 'kind'],
  },
  'requests-sent': {
    unit: '{request}',
    meaning: 'Batches handed to a destination, by destination and result.',
    labels: ['destination', 'result'],
  },
  'retries-unreadable': {
    unit: '{retry}',
    meaning: 'Retries that could not be read when they were due, or by the nightly sweep.',
    labels: [],
  },
  'destinations-stalled': {
    unit: '{batch}',
    meaning: 'Batches of which a destination rejected nearly everything, so that it was held back, by destination.',
    labels: ['destination'],
  },
  'ledger-reads': {
    unit: '{row}',
    meaning: 'Rows asked of the ledger; what the cache knew is not among them.',
    labels: [],
  },
  'ledger-writes': { unit: '{row}', meaning: 'Rows written to the ledger.', labels: [] },
  'memberships-renewed': {
    unit: '{membership}',
    meaning: 'Members told again before their memberships lapsed, by destination.',
    labels: ['destination'],
  },
  'former-identities': {
    unit: '{change}',
    meaning: 'Exits sent because the person is known under another identity now; they count as changes too.',
    labels: [],
  },
} as const satisfies Readonly<Record<string, Instrument>>;

/** From a second, which is good, to a day, after which a change becomes a dead letter. */
const ageBounds = [1, 2, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 43_200, 86_400];
/** From a millisecond to the deadline of an invocation. */
const durationBounds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
const countBounds = [1, 2, 5, 10, 20, 50, 100, 200, 300, 500, 1_000];

/** What is measured for its distribution. */
export const histograms = {
  'change-age': {
    unit: 's',
    meaning: 'From the event hub taking an event to the destination taking the change that comes of it, end to end.',
    labels: ['destination'],
    bounds: ageBounds,
  },
  'retry-age': {
    unit: 's',
    meaning: 'Of a retry that was settled: how long ago its changes were first deferred.',
    labels: ['destination'],
    bounds: ageBounds,
  },
  'batch-duration': {
    unit: 's',
    meaning: 'From the function getting a batch of events to everything in it being settled.',
    labels: ['system', 'operation'],
    metric: 'messaging.process.duration',
    bounds: durationBounds,
  },
  'stage-duration': {
    unit: 's',
    meaning: 'How long a stage of the journey took, of a batch or of a retry.',
    labels: ['stage'],
    bounds: durationBounds,
  },
  'request-duration': {
    unit: 's',
    meaning: 'From a batch of changes being handed to a connector to its verdicts, or its failure.',
    labels: ['destination', 'result'],
    bounds: durationBounds,
  },
  'batch-events': { unit: '{event}', meaning: 'Events in a batch of the trigger.', labels: [], bounds: countBounds },
  'request-changes': {
    unit: '{change}',
    meaning: 'Changes in a batch that is handed to a connector.',
    labels: ['destination'],
    bounds: countBounds,
  },
} as const satisfies Readonly<Record<string, Instrument & { readonly bounds: readonly number[] }>>;

/**
 * What is so much at a time. Those of a process are of each instance; the others one instance
 * measures for all.
 */
export const gauges = {
  'partition-lag': {
    unit: '{event}',
    meaning: 'Events of a partition that are not settled, measured every minute.',
    labels: ['partition'],
  },
  'partition-oldest-age': {
    unit: 's',
    meaning: 'How long ago the event hub took the oldest event of a partition that is not settled; 0 when all are.',
    labels: ['partition'],
  },
  'retries-waiting': {
    unit: '{message}',
    meaning:
      'Messages in the retry queue, measured every minute, as the store counts: about one for each retry that waits.',
    labels: [],
  },
  'dead-letters-kept': {
    unit: '{letter}',
    meaning: 'Dead letters that are kept, measured every minute. Counted to 50,000, which then stands for more.',
    labels: [],
  },
  'circuit-state': {
    unit: '1',
    meaning: 'Of this process: 1 for the state in which the circuit of a destination is, 0 for the others.',
    labels: ['destination', 'state'],
  },
  'cache-bytes': {
    unit: 'By',
    meaning: 'Of this process: what the rows in the cache of the ledger take, by its own estimate.',
    labels: [],
  },
} as const satisfies Readonly<Record<string, Instrument>>;

export const instruments = { ...counters, ...histograms, ...gauges };

export type CounterName = keyof typeof counters;
export type HistogramName = keyof typeof histograms;
export type GaugeName = keyof typeof gauges;
export type InstrumentName = keyof typeof instruments;

/** A value for each label of an instrument, and no other. */
export type LabelsOf<Name extends InstrumentName> = Readonly<
  Record<(typeof instruments)[Name]['labels'][number], string>
>;

/**
 * What OpenTelemetry calls an instrument: by the semantic conventions, else `activation.` and its
 * name in their spelling.
 */
export function metricName(name: InstrumentName): string {
  const { metric }: Instrument = instruments[name];
  return metric ?? `activation.${name.replaceAll('-', '_')}`;
}
