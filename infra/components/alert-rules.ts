/** A question asked of the workspace at intervals; an answer over (or not over) the limit rings. */
export interface LogAlert {
  /** Part of the rule's name; stays for ever. */
  readonly name: string;
  readonly title: string;
  /** What it means and where to begin, for whoever is woken up. */
  readonly meaning: string;
  /** 0 critical, 1 error, 2 warning. */
  readonly severity: 0 | 1 | 2;
  /** KQL that ends in one row per dimension. */
  readonly query: string;
  /** The column that is compared. */
  readonly column: string;
  readonly operator: 'GreaterThan' | 'LessThanOrEqual';
  readonly threshold: number;
  /** ISO 8601 durations: how often it is asked, about how much time. */
  readonly every: string;
  readonly window: string;
  /** The columns of which each value rings for itself. */
  readonly dimensions: readonly string[];
}

export interface AlertLimits {
  /** After how many hours without an event Adobe's side is probably broken. One of the windows that Azure allows. */
  readonly silenceHours: number;
  /** How many more events than were read may come in within an hour. */
  readonly lagEventsMax: number;
  /** How many dead letters an hour may have. */
  readonly deadLettersPerHourMax: number;
  /** For how many minutes the oldest event may wait to be settled while its partition is held. */
  readonly heldMinutesMax: number;
}

/**
 * The handler's signals: lines `{"signal":…}` in its log (`libs/telemetry/src/catalogue.ts`). Application Insights calls
 * the line `Message`.
 */
export const signals = `AppTraces
| where Message startswith '{"signal":'
| extend fields = parse_json(Message)
| extend signal = tostring(fields.signal)`;

/**
 * Each time that a partition could not move on: the handler says that it stalls, or the function threw, which it does
 * when its stores cannot be written. The host does not say of which partition a failed run was.
 */
export const stalls = `let stalled = ${signals}
| where signal == 'partition-stalled'
| project TimeGenerated, partition = tostring(fields.partitionId), reason = tostring(fields.reason);
let failed = AppRequests
| where Name == 'on-audience-events' and Success == false
| project TimeGenerated, partition = 'any', reason = 'The function failed; AppExceptions says why.';
let stalls = union stalled, failed;`;

/** The rules that ask the workspace; what only a metric can tell is in `observability.ts`. */
export function logAlerts(limits: AlertLimits): readonly LogAlert[] {
  return [
    {
      name: 'nothing-received',
      title: `Nothing received for ${limits.silenceHours} hours`,
      meaning:
        'Adobe sends nothing. Look at the dataflow runs of the destination in AEP, and whether its key still works.',
      severity: 1,
      query: `AzureMetrics
| where ResourceProvider == 'MICROSOFT.EVENTHUB' and MetricName == 'IncomingMessages'
| summarize received = sum(Total)`,
      column: 'received',
      operator: 'LessThanOrEqual',
      threshold: 0,
      every: 'PT30M',
      window: limits.silenceHours % 24 === 0 ? `P${limits.silenceHours / 24}D` : `PT${limits.silenceHours}H`,
      dimensions: [],
    },
    {
      name: 'lag',
      title: `The handler falls behind by more than ${limits.lagEventsMax} events an hour`,
      meaning: 'More comes in than is read. Look at slow destinations first, then at the number of partitions.',
      severity: 2,
      query: `AzureMetrics
| where ResourceProvider == 'MICROSOFT.EVENTHUB' and MetricName in ('IncomingMessages', 'OutgoingMessages')
| summarize behind = sumif(Total, MetricName == 'IncomingMessages') - sumif(Total, MetricName == 'OutgoingMessages')`,
      column: 'behind',
      operator: 'GreaterThan',
      threshold: limits.lagEventsMax,
      every: 'PT15M',
      window: 'PT1H',
      dimensions: [],
    },
    {
      name: 'dead-letters',
      title: `More than ${limits.deadLettersPerHourMax} dead letters within an hour`,
      meaning:
        'Changes were refused or given up, or events could not be read. The container dead-letters says which and why.',
      severity: 2,
      query: `let lines = ${signals};
let refused = lines
| where signal in ('batch-settled', 'retry-settled')
| mv-expand destination = bag_keys(fields.outcomes) to typeof(string)
| extend outcomes = fields.outcomes[destination]
| project destination, letters = coalesce(toint(outcomes['rejected']), 0) + coalesce(toint(outcomes['gave-up']), 0);
let unreadable = lines
| where signal == 'event-unreadable'
| project destination = 'events', letters = 1;
union refused, unreadable
| summarize letters = sum(letters) by destination`,
      column: 'letters',
      operator: 'GreaterThan',
      threshold: limits.deadLettersPerHourMax,
      every: 'PT15M',
      window: 'PT1H',
      dimensions: ['destination'],
    },
    {
      name: 'destination-set-up',
      title: 'A destination cannot be used as it is set up',
      meaning: 'Credentials, permissions or a list at the third party are missing or wrong. Nothing is lost; it waits.',
      severity: 1,
      query: `${signals}
| where signal == 'request-failed' and fields.class == 'set-up'
| summarize failures = count() by destination = tostring(fields.destination)`,
      column: 'failures',
      operator: 'GreaterThan',
      threshold: 0,
      every: 'PT15M',
      window: 'PT30M',
      dimensions: ['destination'],
    },
    {
      name: 'stalled-partition',
      title: 'A partition stands still',
      meaning:
        'The handler cannot settle what it read, and tries the same events again: a store cannot be written, or a destination refuses nearly everything.',
      severity: 1,
      query: `${stalls}
stalls
| summarize attempts = count() by partition`,
      column: 'attempts',
      operator: 'GreaterThan',
      threshold: 4,
      every: 'PT5M',
      window: 'PT15M',
      dimensions: ['partition'],
    },
    {
      name: 'oldest-unsettled',
      title: `An event has waited for more than ${limits.heldMinutesMax} minutes to be settled`,
      meaning: 'A partition stood still and has settled nothing since. Repair it well before the retention ends.',
      severity: 0,
      query: `${stalls}
let settled = ${signals}
| where signal == 'batch-settled'
| project TimeGenerated, partition = tostring(fields.partitionId);
let lastSettled = union settled, (settled | extend partition = 'any')
| summarize settledAt = max(TimeGenerated) by partition;
stalls
| join kind=leftouter lastSettled on partition
| where isnull(settledAt) or TimeGenerated > settledAt
| summarize minutes = datetime_diff('minute', now(), min(TimeGenerated)) by partition`,
      column: 'minutes',
      operator: 'GreaterThan',
      threshold: limits.heldMinutesMax,
      every: 'PT15M',
      window: 'P1D',
      dimensions: ['partition'],
    },
  ];
}
