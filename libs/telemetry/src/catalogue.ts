import type { CounterName, GaugeName, HistogramName, LabelsOf } from './instruments.ts';
import type { OutcomesByDestination } from './outcomes.ts';

export type Level = 'debug' | 'information' | 'warning' | 'error';

/** What a counter is increased by. */
export interface Count {
  readonly counter: CounterName;
  readonly labels: Readonly<Record<string, string>>;
  readonly by: number;
}

/** A value of a histogram, or how much a gauge shows now. */
export type Measured = {
  readonly [Name in HistogramName | GaugeName]: {
    readonly instrument: Name;
    readonly value: number;
    readonly labels: LabelsOf<Name>;
  };
}[HistogramName | GaugeName];

interface SignalDefinition<Fields> {
  readonly level: Level;
  /**
   * It comes by the clock, however much there is to do, and alerts ask for its lines: they are
   * written whatever the level and the budget of lines.
   */
  readonly isByClock?: true;
  /**
   * The sentence of the log line. No identity, no attribute value, no secret: fields hold none
   * either.
   */
  readonly sentence: (fields: Fields) => string;
  readonly counts: (fields: Fields) => readonly Count[];
  /** What histograms and gauges learn of it. */
  readonly measures?: (fields: Fields) => readonly Measured[];
}

const signal = <Fields>(definition: SignalDefinition<Fields>): SignalDefinition<Fields> => definition;
const count = <Name extends CounterName>(
  counter: Name,
  by: number,
  ...[labels]: keyof LabelsOf<Name> extends never ? [] : [labels: LabelsOf<Name>]
): Count => ({ counter, labels: labels ?? {}, by });
const seconds = (ms: number): number => ms / 1_000;

const countsOfOutcomes = (outcomesByDestination: OutcomesByDestination): readonly Count[] =>
  Object.entries(outcomesByDestination).flatMap(([destination, byOutcome]) =>
    Object.entries(byOutcome).map(([outcome, by]) => count('changes-settled', by, { destination, outcome })),
  );

const ofRequest = (destination: string, result: string, changes: number, durationMs: number): readonly Measured[] => [
  { instrument: 'request-changes', value: changes, labels: { destination } },
  { instrument: 'request-duration', value: seconds(durationMs), labels: { destination, result } },
];

/**
 * Everything that the product says about itself: noun and past verb, with its level, its sentence
 * and its counters.
 */
export const catalogue = {
  'handler-started': signal<{ readonly destinations: number; readonly audiences: number; readonly routes: number }>({
    level: 'information',
    sentence: (f) => `Started with ${f.destinations} destinations, ${f.audiences} audiences and ${f.routes} routes.`,
    counts: () => [],
  }),
  'activation-file-warned': signal<{ readonly problem: string }>({
    level: 'warning',
    sentence: (f) => `The activation file loads, with a warning: ${f.problem}`,
    counts: () => [],
  }),
  'event-unreadable': signal<{
    readonly partitionId: string;
    readonly sequenceNumber: number;
    readonly code: string;
    readonly path: string;
  }>({
    level: 'warning',
    sentence: (f) =>
      `Event ${f.partitionId}/${f.sequenceNumber} could not be read at ${f.path} (${f.code}). It is kept as a dead letter.`,
    counts: (f) => [count('events-unreadable', 1, { code: f.code })],
  }),
  'batch-settled': signal<{
    readonly partitionId: string;
    readonly events: number;
    readonly exports: number;
    readonly firstSequenceNumber: number;
    readonly lastSequenceNumber: number;
    readonly outcomes: OutcomesByDestination;
    readonly ledgerReads: number;
    readonly ledgerWrites: number;
    readonly formerIdentities: number;
    readonly durationMs: number;
  }>({
    level: 'information',
    sentence: (f) => `Settled ${f.events} events of partition ${f.partitionId} in ${f.durationMs} ms.`,
    counts: (f) => [
      count('events-received', f.events),
      count('exports-read', f.exports),
      count('ledger-reads', f.ledgerReads),
      count('ledger-writes', f.ledgerWrites),
      count('former-identities', f.formerIdentities),
      ...countsOfOutcomes(f.outcomes),
    ],
    measures: (f) => [
      { instrument: 'batch-events', value: f.events, labels: {} },
      {
        instrument: 'batch-duration',
        value: seconds(f.durationMs),
        labels: { system: 'eventhubs', operation: 'process' },
      },
    ],
  }),
  'retry-settled': signal<{
    readonly destination: string;
    readonly events: number;
    readonly attempts: number;
    /** How long ago its changes were first deferred. */
    readonly ageMs: number;
    readonly outcomes: OutcomesByDestination;
    readonly ledgerReads: number;
    readonly ledgerWrites: number;
    readonly formerIdentities: number;
    readonly durationMs: number;
  }>({
    level: 'information',
    sentence: (f) => `Settled a retry of ${f.events} events for ${f.destination} in ${f.durationMs} ms.`,
    counts: (f) => [
      count('ledger-reads', f.ledgerReads),
      count('ledger-writes', f.ledgerWrites),
      count('former-identities', f.formerIdentities),
      ...countsOfOutcomes(f.outcomes),
    ],
    measures: (f) => [{ instrument: 'retry-age', value: seconds(f.ageMs), labels: { destination: f.destination } }],
  }),
  'changes-deferred': signal<{
    readonly destination: string;
    readonly changes: number;
    readonly attempts: number;
    readonly class: string;
    readonly reason: string;
    readonly waitMs: number;
  }>({
    level: 'warning',
    sentence: (f) =>
      `${f.changes} changes for ${f.destination} are tried again in ${Math.ceil(f.waitMs / 1_000)} s (${f.class}): ${f.reason}`,
    counts: () => [],
  }),
  'changes-accepted': signal<{
    readonly destination: string;
    readonly changes: number;
    readonly attempts: number;
    readonly waitMs: number;
  }>({
    level: 'information',
    sentence: (f) =>
      `${f.changes} changes are accepted by ${f.destination}, which is polled for the results in ${Math.ceil(f.waitMs / 1_000)} s.`,
    counts: () => [],
  }),
  'destination-stalled': signal<{
    readonly destination: string;
    readonly changes: number;
    readonly reason: string;
  }>({
    level: 'error',
    sentence: (f) =>
      `${f.destination} is stalled: it rejects nearly everything (${f.reason}), so ${f.changes} changes are held back and tried again. Correct its settings, or its options in the activation file.`,
    counts: (f) => [count('destinations-stalled', 1, { destination: f.destination })],
  }),
  'request-answered': signal<{
    readonly destination: string;
    readonly kind: string;
    readonly delivered: number;
    readonly retry: number;
    readonly rejected: number;
    readonly notFound: number;
    readonly durationMs: number;
  }>({
    level: 'debug',
    sentence: (f) =>
      `${f.destination} answered ${f.kind}: ${f.delivered} delivered, ${f.retry} to be tried again, ${f.rejected} rejected, ${f.notFound} not found.`,
    counts: (f) => [count('requests-sent', 1, { destination: f.destination, result: 'answered' })],
    measures: (f) =>
      ofRequest(f.destination, 'answered', f.delivered + f.retry + f.rejected + f.notFound, f.durationMs),
  }),
  'request-failed': signal<{
    readonly destination: string;
    readonly kind: string;
    readonly changes: number;
    readonly class: string;
    readonly reason: string;
    readonly durationMs: number;
  }>({
    level: 'warning',
    sentence: (f) => `${f.destination} was not told of ${f.changes} changes (${f.class}): ${f.reason}`,
    counts: (f) => [count('requests-sent', 1, { destination: f.destination, result: f.class })],
    measures: (f) => ofRequest(f.destination, f.class, f.changes, f.durationMs),
  }),
  'changes-rejected': signal<{
    readonly destination: string;
    readonly reason: string;
    readonly changes: number;
  }>({
    level: 'warning',
    sentence: (f) => `${f.destination} rejected ${f.changes} changes: ${f.reason} They are kept as dead letters.`,
    counts: () => [],
  }),
  'retry-message-refused': signal<object>({
    level: 'error',
    sentence: () =>
      'A message of another origin was in the retry queue, and was dropped. Find out what else writes to the queue.',
    counts: () => [],
  }),
  'retry-unreadable': signal<{ readonly document: string }>({
    level: 'error',
    sentence: (f) =>
      `The retry in ${f.document} cannot be read, and is passed over. It stays where it is: restore it from its earlier version, or delete it.`,
    counts: () => [count('retries-unreadable', 1)],
  }),
  'rows-unreadable': signal<{ readonly rows: number; readonly row: string }>({
    level: 'error',
    sentence: (f) =>
      f.rows === 1
        ? `The ledger cannot be read: ${f.row} is not what this release writes. What concerns the row waits. Deploy the release that wrote it, restore the row, or delete it to forget what the destination was told.`
        : `${f.rows} rows of the ledger cannot be read, such as ${f.row}, which is not what this release writes. What concerns the rows waits. Deploy the release that wrote them, restore the rows, or delete them to forget what the destinations were told.`,
    counts: () => [],
  }),
  'retry-removal-failed': signal<{ readonly id: string; readonly destination: string }>({
    level: 'warning',
    sentence: (f) =>
      `The settled retry ${f.id} for ${f.destination} could not be removed. The nightly sweep takes it up again; check the app's roles and locks on the container of the retries.`,
    counts: () => [],
  }),
  'lag-measured': signal<{
    readonly partitionId: string;
    readonly events: number;
    /** Absent when it could not be read in time; 0 when nothing is open. */
    readonly oldestAgeMs?: number;
  }>({
    level: 'information',
    isByClock: true,
    sentence: (f) =>
      f.events === 0
        ? `Partition ${f.partitionId} has nothing that is not settled.`
        : `Partition ${f.partitionId} is ${f.events} events behind; ${f.oldestAgeMs === undefined ? 'when the oldest came could not be read in time' : `the oldest came ${Math.round(f.oldestAgeMs / 1_000)} s ago`}.`,
    counts: () => [],
    measures: ({ events, oldestAgeMs, partitionId: partition }) => [
      { instrument: 'partition-lag', value: events, labels: { partition } },
      ...(oldestAgeMs === undefined
        ? []
        : [{ instrument: 'partition-oldest-age' as const, value: seconds(oldestAgeMs), labels: { partition } }]),
    ],
  }),
  'backlog-measured': signal<{
    readonly retryMessages: number;
    readonly deadLetters: number;
    /** False when there are more dead letters than are counted. */
    readonly isWhole: boolean;
  }>({
    level: 'debug',
    sentence: (f) =>
      `About ${f.retryMessages} messages are in the retry queue, and ${f.isWhole ? '' : 'more than '}${f.deadLetters} dead letters are kept.`,
    counts: () => [],
    measures: (f) => [
      { instrument: 'retries-waiting', value: f.retryMessages, labels: {} },
      { instrument: 'dead-letters-kept', value: f.deadLetters, labels: {} },
    ],
  }),
  'telemetry-refused': signal<{ readonly receiver: string; readonly times: number }>({
    level: 'warning',
    sentence: (f) =>
      `${f.receiver} took no metrics or spans ${f.times} times since this was last said; these are lost, and nothing else is. Check its address, and the right of the app to send there.`,
    counts: () => [],
  }),
  'telemetry-not-started': signal<{ readonly reason: string }>({
    level: 'warning',
    sentence: (f) =>
      `Failed to start OpenTelemetry: ${f.reason}. No metrics and spans are exported until it starts; it is tried again after a minute. Correct the app settings of telemetry.`,
    counts: () => [],
  }),
  'destination-paused': signal<{ readonly destination: string; readonly audience?: string; readonly until?: string }>({
    level: 'warning',
    sentence: (f) =>
      `${f.destination}${f.audience === undefined ? '' : `, audience ${f.audience},`} is paused by an operator ${f.until === undefined ? 'until it is resumed' : `until ${f.until}`}: its changes wait.`,
    counts: () => [],
  }),
  'destination-shadowed': signal<{
    readonly destination: string;
    readonly audience?: string;
    readonly until?: string;
  }>({
    level: 'warning',
    sentence: (f) =>
      `${f.destination}${f.audience === undefined ? '' : `, audience ${f.audience},`} is in shadow by an operator ${f.until === undefined ? 'until it is resumed' : `until ${f.until}`}: its changes wait and can be looked at.`,
    counts: () => [],
  }),
  'changes-shadowed': signal<{
    readonly destination: string;
    readonly entered: number;
    readonly updated: number;
    readonly exited: number;
  }>({
    level: 'information',
    sentence: (f) =>
      `${f.destination} is not told of ${f.entered} entries, ${f.updated} updates and ${f.exited} exits yet: it is in shadow.`,
    counts: ({ destination, ...byKind }) =>
      Object.entries(byKind).flatMap(([kind, by]) =>
        by === 0 ? [] : [count('changes-shadowed', by, { destination, kind })],
      ),
  }),
  'destination-resumed': signal<{ readonly destination: string; readonly audience?: string }>({
    level: 'information',
    sentence: (f) =>
      `${f.destination}${f.audience === undefined ? '' : `, audience ${f.audience},`} is told again: its pause is over.`,
    counts: () => [],
  }),
  'retry-asked': signal<{ readonly destination: string }>({
    level: 'information',
    sentence: (f) => `An operator asks that ${f.destination} is tried at once.`,
    counts: () => [],
  }),
  'controls-unreadable': signal<{ readonly reason: string }>({
    level: 'error',
    isByClock: true,
    sentence: (f) => `The controls of operators cannot be read, so those that were known last count: ${f.reason}`,
    counts: () => [],
  }),
  'ledger-swept': signal<{
    readonly seen: number;
    readonly removed: number;
    /** False when there was no time for every row; another night begins elsewhere. */
    readonly isWhole: boolean;
    readonly retriesMadeDue: number;
    readonly retriesUnreadable: number;
    readonly deadLettersRemoved: number;
    readonly durationMs: number;
  }>({
    level: 'information',
    sentence: (f) =>
      `Removed ${f.removed} of ${f.seen} ledger rows of people who left long ago; ${f.retriesMadeDue} retries that were left behind are due, ${f.retriesUnreadable} cannot be read, and ${f.deadLettersRemoved} dead letters of old events are gone.${f.isWhole ? '' : ' For the other rows there was no time this night.'}`,
    counts: () => [],
  }),
  'memberships-renewed': signal<{
    readonly destination: string;
    readonly delivered: number;
    readonly deferred: number;
    readonly failed: number;
    readonly leftAlone: number;
    readonly left: number;
    readonly durationMs: number;
  }>({
    level: 'information',
    sentence: (f) =>
      `Told ${f.destination} again of ${f.delivered} members whose memberships lapse; ${f.deferred} wait in the retry queue, ${f.failed} failed, ${f.leftAlone} were left to other processes, and for ${f.left} there was no time this night.`,
    counts: (f) => [count('memberships-renewed', f.delivered, { destination: f.destination })],
  }),
  'memberships-delayed': signal<{
    readonly destination: string;
    readonly memberships: number;
    /** False when not every row could be looked at: there may be more. */
    readonly isWhole: boolean;
  }>({
    level: 'error',
    isByClock: true,
    sentence: (f) =>
      f.isWhole
        ? `${f.memberships} memberships at ${f.destination} have less than half of their life left, and there was no time to tell them again this night. Look why it cannot keep up, before they lapse.`
        : `There was no time to look at every membership at ${f.destination} this night; ${f.memberships} of those seen have less than half of their life left. Look why it cannot keep up, before they lapse.`,
    counts: () => [],
  }),
  'ledger-exported': signal<{ readonly blob: string; readonly rows: number; readonly durationMs: number }>({
    level: 'information',
    isByClock: true,
    sentence: (f) => `Exported ${f.rows} ledger rows to ${f.blob} in ${f.durationMs} ms.`,
    counts: () => [],
  }),
  'changes-given-up': signal<{
    readonly destination: string;
    readonly reason: string;
    readonly changes: number;
  }>({
    level: 'error',
    sentence: (f) =>
      `${f.changes} changes for ${f.destination} were tried long enough: ${f.reason} They are kept as dead letters.`,
    counts: () => [],
  }),
} as const;

export type SignalName = keyof typeof catalogue;
export type SignalFields<Name extends SignalName> = Parameters<(typeof catalogue)[Name]['sentence']>[0] & object;
