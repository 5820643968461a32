/** What every alert says, whatever it asks. Each has a runbook of its name (`alerts.ts`). */
export interface Alert {
  /** Part of the rule's name; stays for ever. */
  readonly name: string;
  readonly title: string;
  /** What it means and where to begin, for the operator on call. */
  readonly meaning: string;
  /** 0 critical, 1 error, 2 warning. */
  readonly severity: 0 | 1 | 2;
}

/** A question asked of the workspace at intervals; an answer over (or not over) the limit rings. */
export interface LogAlert extends Alert {
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
  /**
   * After how many hours without an event Adobe's side is probably broken. One of the windows that
   * Azure allows.
   */
  readonly silenceHours: number;
  /** How many events a partition may be behind, for a quarter of an hour. */
  readonly lagEventsMax: number;
  /** How many dead letters an hour may have. */
  readonly deadLettersPerHourMax: number;
  /** For how many minutes the oldest event may wait to be settled. */
  readonly oldestMinutesMax: number;
}

/**
 * The handler's signals: lines `{"signal":…}` in its log (`libs/telemetry/src/catalogue.ts`).
 * Application Insights calls the line `Message`. Lines may be left out, but for those that come by
 * the clock: an alert asks for no others, and for counts use `metric`.
 */
export const signals = `AppTraces
| where Message startswith '{"signal":'
| extend fields = parse_json(Message)
| extend signal = tostring(fields.signal)`;

/**
 * A metric of the handler (`docs/specs/telemetry.md`). Metrics count what happens whether a line
 * says it or not, and Application Insights samples none of them. `Sum` is of what was counted since
 * the row before, which is a minute.
 */
export const metric = (name: string): string => `AppMetrics
| where Name == '${name}'`;
const attribute = (name: string): string => `tostring(Properties['${name}'])`;

/**
 * Each time that a partition could not move on: the function threw, which it does when its stores
 * cannot be written. The host does not say of which partition a failed run was.
 */
export const stalls = `let stalls = AppRequests
| where Name == 'on-audience-events' and Success == false
| project TimeGenerated, reason = 'The function failed; AppExceptions says why.';`;

/** The rules that ask the workspace; those that ask a metric are in `metric-rules.ts`. */
export const logAlerts = (limits: AlertLimits): readonly LogAlert[] => [...limitAlerts(limits), ...fixedAlerts];

/** Those whose limits an environment may set. */
function limitAlerts(limits: AlertLimits): readonly LogAlert[] {
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
      title: `A partition is more than ${limits.lagEventsMax} events behind`,
      meaning: 'More comes in than is settled. Look at slow destinations first, then at the number of partitions.',
      severity: 2,
      query: `${signals}
| where signal == 'lag-measured'
| summarize behind = min(tolong(fields.events)) by partition = tostring(fields.partitionId)`,
      column: 'behind',
      operator: 'GreaterThan',
      threshold: limits.lagEventsMax,
      every: 'PT5M',
      window: 'PT15M',
      dimensions: ['partition'],
    },
    {
      name: 'dead-letters',
      title: `More than ${limits.deadLettersPerHourMax} dead letters within an hour`,
      meaning:
        'Changes were refused or given up, or events could not be read. The container dead-letters says which and why.',
      severity: 2,
      query: `let refused = ${metric('activation.changes_settled')}
| where ${attribute('activation.outcome')} in ('rejected', 'given-up')
| project destination = ${attribute('activation.destination')}, Sum;
let unreadable = ${metric('activation.events_unreadable')}
| project destination = 'events', Sum;
union refused, unreadable
| summarize letters = sum(Sum) by destination`,
      column: 'letters',
      operator: 'GreaterThan',
      threshold: limits.deadLettersPerHourMax,
      every: 'PT15M',
      window: 'PT1H',
      dimensions: ['destination'],
    },
    {
      name: 'oldest-unsettled',
      title: `An event has waited for more than ${limits.oldestMinutesMax} minutes to be settled`,
      meaning: 'A partition stands still or falls behind. Repair it well before the retention ends.',
      severity: 0,
      query: `${signals}
| where signal == 'lag-measured'
| summarize minutes = min(tolong(fields.oldestAgeMs)) / 60000 by partition = tostring(fields.partitionId)`,
      column: 'minutes',
      operator: 'GreaterThan',
      threshold: limits.oldestMinutesMax,
      every: 'PT5M',
      window: 'PT15M',
      dimensions: ['partition'],
    },
  ];
}

/** Those that are the same in every environment. */
const fixedAlerts: readonly LogAlert[] = [
  {
    name: 'handler-silent',
    title: 'The handler has said nothing for half an hour',
    meaning:
      'It measures its lag every minute, as a line and as a metric, and one of both is missing. It does not start, or its telemetry is not taken: look at the health page, then at the latest deployment. While it is silent, other alerts about it cannot ring.',
    severity: 0,
    query: `let lines = ${signals}
| where signal == 'lag-measured'
| take 1
| project said = 'lines';
let metrics = ${metric('activation.partition_lag')}
| take 1
| project said = 'metrics';
union isfuzzy=true lines, metrics
| summarize kinds = count()`,
    column: 'kinds',
    operator: 'LessThanOrEqual',
    threshold: 1,
    every: 'PT15M',
    window: 'PT30M',
    dimensions: [],
  },
  {
    name: 'destination-set-up',
    title: 'A destination cannot be used as it is set up',
    meaning: 'Credentials, permissions or a list at the third party are missing or wrong. Nothing is lost; it waits.',
    severity: 1,
    query: `${metric('activation.requests_sent')}
| where ${attribute('activation.result')} == 'set-up'
| summarize failures = sum(Sum) by destination = ${attribute('activation.destination')}`,
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
    meaning: 'The handler cannot settle what it read, and tries the same events again: a store cannot be written.',
    severity: 1,
    query: `${stalls}
stalls
| summarize attempts = count()`,
    column: 'attempts',
    operator: 'GreaterThan',
    threshold: 4,
    every: 'PT5M',
    window: 'PT15M',
    dimensions: [],
  },
  {
    name: 'stalled-destination',
    title: 'A destination rejects nearly everything',
    meaning:
      'The fault is hardly in the rows: its changes are held back and tried again. Correct its settings or its options before they are given up.',
    severity: 1,
    query: `${metric('activation.destinations_stalled')}
| summarize batches = sum(Sum) by destination = ${attribute('activation.destination')}`,
    column: 'batches',
    operator: 'GreaterThan',
    threshold: 0,
    every: 'PT5M',
    window: 'PT15M',
    dimensions: ['destination'],
  },
  {
    name: 'controls-unreadable',
    title: "Operators' controls cannot be read",
    meaning:
      'Pauses count as workers knew them last, and one that has started since knows none. Nothing stands still: restore the blob, or the network path to it.',
    severity: 1,
    query: `${signals}
| where signal == 'controls-unreadable'
| summarize times = count()`,
    column: 'times',
    // One is a store that was slow for a moment; a worker complains once a minute.
    operator: 'GreaterThan',
    threshold: 2,
    every: 'PT15M',
    window: 'PT1H',
    dimensions: [],
  },
  {
    name: 'ledger-not-exported',
    title: 'The ledger was not exported for two days',
    meaning: 'Every night the handler exports the ledger, for the day on which it is lost. Two nights have failed.',
    severity: 1,
    // Only of an app that has been running for as long: a new one has had no night.
    query: `${signals}
| where signal in ('lag-measured', 'ledger-exported')
| summarize exports = countif(signal == 'ledger-exported'), since = min(TimeGenerated)
| where since < ago(47h)
| project exports`,
    column: 'exports',
    operator: 'LessThanOrEqual',
    threshold: 0,
    every: 'PT30M',
    window: 'P2D',
    dimensions: [],
  },
  {
    name: 'memberships-late',
    title: 'A destination may forget members',
    meaning:
      'It forgets members whom it is not told of again, and the nights are not enough: more than half of the time of some is over.',
    severity: 2,
    // Of one night: it still rings in the morning.
    query: `${signals}
| where signal == 'memberships-delayed'
| summarize nights = count() by destination = tostring(fields.destination)`,
    column: 'nights',
    operator: 'GreaterThan',
    threshold: 0,
    every: 'PT30M',
    window: 'PT6H',
    dimensions: ['destination'],
  },
  {
    // The query is Azure's own for this ("Set daily cap on Log Analytics workspace"). What the
    // workspace says about itself is not billed, so the cap does not stop it.
    name: 'logs-capped',
    title: 'The workspace keeps no more logs today',
    meaning:
      'The daily cap on logs is reached. Until it is raised or the day ends, alerts on logs are blind, and those on silence ring for nothing.',
    severity: 1,
    query: `_LogOperation
| where Category =~ 'Ingestion' and Detail contains 'OverQuota'
| summarize times = count()`,
    column: 'times',
    operator: 'GreaterThan',
    threshold: 0,
    every: 'PT15M',
    window: 'PT1H',
    dimensions: [],
  },
];
