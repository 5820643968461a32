import { metric, signals, stalls, type AlertLimits } from './alert-rules.ts';
import { alertsOf, alertWords } from './alerts.ts';

const hubQuery = `AzureMetrics
| where ResourceProvider == 'MICROSOFT.EVENTHUB'
| where MetricName in ('IncomingMessages', 'OutgoingMessages', 'ThrottledRequests')
| summarize sum(Total) by bin(TimeGenerated, 15m), MetricName`;

/** Lines may be left out, so that they say why and when, and metrics how often. */
const reasonsQuery = `${signals}
| where signal == 'request-failed'
| summarize latest = max(TimeGenerated)
  by destination = tostring(fields.destination), class = tostring(fields.class), reason = tostring(fields.reason)
| order by latest desc`;

const stallsQuery = `${stalls}
stalls
| summarize attempts = count(), since = min(TimeGenerated), latest = max(TimeGenerated) by reason
| order by latest desc`;

/**
 * A metric of the handler (`docs/specs/telemetry.md`) by a few of its attributes, over time;
 * `value` is KQL over the columns of `AppMetrics`, of which `Sum` and `ItemCount` are over what was
 * measured since the row before.
 */
function metricQuery(name: string, attributes: readonly string[], value: string): string {
  const by = attributes.map((attribute) => `tostring(Properties['${attribute}'])`).join(', ');
  return `${metric(name)}
| summarize ${value} by bin(TimeGenerated, 5m), ${by === '' ? 'Name' : by}`;
}

const meanSeconds = 'seconds = sum(Sum) / sum(ItemCount)';
/** What is shown of what is measured: by the name of the item, its title and its question. */
const metricCharts = [
  [
    'outcomes',
    'Changes by destination and outcome',
    metricQuery('activation.changes_settled', ['activation.destination', 'activation.outcome'], 'changes = sum(Sum)'),
  ],
  [
    'results',
    'Requests by destination and result',
    metricQuery('activation.requests_sent', ['activation.destination', 'activation.result'], 'requests = sum(Sum)'),
  ],
  [
    'ages',
    'Age of changes when destinations take them, mean seconds',
    metricQuery('activation.change_age', ['activation.destination'], meanSeconds),
  ],
  [
    'stages',
    'Time of each stage, mean seconds',
    metricQuery('activation.stage_duration', ['activation.stage'], meanSeconds),
  ],
  [
    'requests',
    'Time of requests, mean seconds',
    metricQuery('activation.request_duration', ['activation.destination', 'activation.result'], meanSeconds),
  ],
  [
    'lag',
    'Events that are not settled, by partition',
    metricQuery('activation.partition_lag', ['messaging.destination.partition.id'], 'events = max(Max)'),
  ],
  ['retries', 'Messages in the retry queue', metricQuery('activation.retries_waiting', [], 'messages = max(Max)')],
  ['letters', 'Dead letters kept', metricQuery('activation.dead_letters_kept', [], 'letters = max(Max)')],
  [
    'circuits',
    'Instances whose circuit is in a state',
    metricQuery(
      'activation.circuit_state',
      ['activation.destination', 'activation.circuit.state'],
      'instances = dcountif(AppRoleInstance, Max == 1)',
    ),
  ],
] as const;

/**
 * The operator's page: what comes in, how it ends, who refuses, what stands still, and what each
 * alert means.
 */
export function workbookContent(limits: AlertLimits, repositoryUrl: string): string {
  const alerts = alertsOf(limits).map((alert) => `- **${alert.title}**: ${alertWords(alert, repositoryUrl)}`);
  return JSON.stringify({
    version: 'Notebook/1.0',
    items: [
      text('heading', '# Activation Hub'),
      chart('hub', 'Events received and read', hubQuery, 'timechart'),
      ...metricCharts.map(([name, title, query]) => chart(name, title, query, 'timechart')),
      chart('failures', 'Why requests failed', reasonsQuery, 'table'),
      chart('stalls', 'Partitions that stood still', stallsQuery, 'table'),
      text('alerts', `## What the alerts mean\n\n${alerts.join('\n')}`),
    ],
    $schema: 'https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json',
  });
}

function text(name: string, json: string) {
  return { type: 1, name, content: { json } };
}

/** A KQL question to the workspace over the last day. */
function chart(name: string, title: string, query: string, visualization: 'timechart' | 'table') {
  return {
    type: 3,
    name,
    content: {
      version: 'KqlItem/1.0',
      title,
      query,
      size: 0,
      timeContext: { durationMs: 86_400_000 },
      queryType: 0,
      resourceType: 'microsoft.operationalinsights/workspaces',
      visualization,
    },
  };
}
