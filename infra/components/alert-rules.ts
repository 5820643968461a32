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
const signals = `AppTraces
| where Message startswith '{"signal":'
| extend fields = parse_json(Message)
| extend signal = tostring(fields.signal)`;

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
      query: `${signals}
| where signal in ('event-unreadable', 'batch-settled')
| mv-expand destination = iff(signal == 'batch-settled', bag_keys(fields.outcomes), dynamic(['events'])) to typeof(string)
| extend outcomes = fields.outcomes[destination]
| extend letters = iff(signal == 'event-unreadable', 1, coalesce(toint(outcomes.rejected), 0) + coalesce(toint(outcomes['gave-up']), 0))
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
        'The handler cannot settle what it read, and tries the same events again. The line says why; mostly a store.',
      severity: 1,
      query: `${signals}
| where signal == 'batch-held'
| summarize attempts = count() by partition = tostring(fields.partitionId)`,
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
      meaning: 'A partition was held and has settled nothing since. Repair it well before the retention ends.',
      severity: 0,
      query: `${signals}
| where signal in ('batch-held', 'batch-settled')
| extend partition = tostring(fields.partitionId)
| summarize settled = maxif(TimeGenerated, signal == 'batch-settled'), lines = make_list(pack('signal', signal, 'at', TimeGenerated)) by partition
| mv-expand line = lines
| where tostring(line.signal) == 'batch-held' and (isnull(settled) or todatetime(line.at) > settled)
| summarize heldSince = min(todatetime(line.at)) by partition
| extend minutes = datetime_diff('minute', now(), heldSince)`,
      column: 'minutes',
      operator: 'GreaterThan',
      threshold: limits.heldMinutesMax,
      every: 'PT15M',
      window: 'P1D',
      dimensions: ['partition'],
    },
  ];
}
