import type { Alert } from './alert-rules.ts';

/**
 * A comparison of metrics that Azure measures itself. It costs no logs, so it rings as well when
 * the workspace has reached its cap, or when the handler cannot write a line.
 */
export interface MetricRule extends Alert {
  /** All of them must hold. Metrics of `Microsoft.EventHub/namespaces`, summed over the window. */
  readonly conditions: readonly {
    readonly metric: 'IncomingMessages' | 'OutgoingMessages' | 'ThrottledRequests';
    readonly operator: 'GreaterThan' | 'LessThanOrEqual';
    readonly threshold: number;
  }[];
  /** ISO 8601 durations: how often it is compared, over how much time. */
  readonly every: string;
  readonly window: string;
}

/** The rules that ask the namespace's metrics. */
export const metricRules: readonly MetricRule[] = [
  {
    name: 'throttled',
    title: 'Event Hubs refuses requests',
    meaning:
      'Event Hubs refused requests for being too many. Raise throughputUnitsMax, or processingUnits on Premium, before Adobe gives up on some.',
    severity: 1,
    conditions: [{ metric: 'ThrottledRequests', operator: 'GreaterThan', threshold: 0 }],
    every: 'PT5M',
    window: 'PT15M',
  },
  {
    name: 'not-read',
    title: 'Events come in, and nothing reads the hub',
    meaning:
      'For half an hour the event hub took events and gave out none. The app is down, or may not read. This one is measured by Event Hubs, so it rings when logs are capped or missing too.',
    severity: 0,
    conditions: [
      { metric: 'IncomingMessages', operator: 'GreaterThan', threshold: 0 },
      { metric: 'OutgoingMessages', operator: 'LessThanOrEqual', threshold: 0 },
    ],
    every: 'PT5M',
    window: 'PT30M',
  },
];
