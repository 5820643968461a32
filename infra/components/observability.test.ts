import { expect, test } from 'vitest';
import { placeForTests, recordComponent } from '../testing/record-component.ts';
import { ofType, theOnly } from '../testing/stacks.ts';
import { Observability, type ObservabilityArgs } from './observability.ts';

const group = '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-acthub-dev';
const record = (over: Partial<ObservabilityArgs> = {}) =>
  recordComponent(
    () =>
      new Observability('observability', {
        place: placeForTests(),
        resourceGroupId: group,
        namespaceId: '/ns',
        vaultId: '/kv',
        dataAccountId: '/data',
        logRetentionDays: 30,
        logDailyQuotaGb: 5,
        alertEmails: ['ada@example.com'],
        alertActionGroups: [],
        repositoryUrl: '',
        limits: { silenceHours: 24, lagEventsMax: 1000, deadLettersPerHourMax: 10, oldestMinutesMax: 60 },
        ...over,
      }),
  );

test('logs are kept and capped as asked, and come from signed-in senders only', async () => {
  const { resources } = await record({ logRetentionDays: 90, logDailyQuotaGb: -1 });
  expect(theOnly(resources, 'Workspace').inputs).toMatchObject({
    retentionInDays: 90,
    workspaceCapping: { dailyQuotaGb: -1 },
    features: { disableLocalAuth: true },
  });
  expect(theOnly(resources, 'Component').inputs).toMatchObject({
    workspaceResourceId: `${group}/providers/Microsoft.OperationalInsights/workspaces/log-acthub-dev`,
    disableLocalAuth: true,
  });
});

test('hub, vault and dead letters are watched, the app is not', async () => {
  const watched = ofType((await record()).resources, 'DiagnosticSetting').map(({ inputs }) => inputs);
  expect(watched.map(({ resourceUri, logs, metrics }) => [resourceUri, logs, metrics])).toEqual([
    ['/data/blobServices/default', [{ category: 'StorageDelete', enabled: true }], []],
    ['/ns', [{ category: 'OperationalLogs', enabled: true }], [{ category: 'AllMetrics', enabled: true }]],
    ['/kv', [{ category: 'AuditEvent', enabled: true }], []],
  ]);
});

test('there is an alert for everything that a person must know, and each rings the same group', async () => {
  const { resources } = await record();
  const alerts = [...ofType(resources, 'MetricAlert'), ...ofType(resources, 'ScheduledQueryRule')];
  expect(alerts.map(({ inputs }) => inputs.ruleName)).toEqual(
    [
      'not-read',
      'throttled',
      'controls-unreadable',
      'dead-letters',
      'destination-set-up',
      'handler-silent',
      'lag',
      'ledger-not-exported',
      'logs-capped',
      'memberships-late',
      'nothing-received',
      'oldest-unsettled',
      'stalled-destination',
      'stalled-partition',
    ].map((name) => `alert-acthub-dev-${name}`),
  );
  const actionGroup = `${group}/providers/Microsoft.Insights/actionGroups/ag-acthub-dev`;
  for (const { inputs } of alerts) {
    expect(JSON.stringify(inputs.actions)).toContain(actionGroup);
    expect(inputs.enabled).toBe(true);
  }
});

test('what rings without logs asks the namespace', async () => {
  const rules = ofType((await record()).resources, 'MetricAlert').map(({ inputs }) => inputs);
  expect(rules).toMatchObject([
    {
      scopes: ['/ns'],
      windowSize: 'PT30M',
      criteria: {
        allOf: [
          { metricName: 'IncomingMessages', operator: 'GreaterThan', threshold: 0 },
          { metricName: 'OutgoingMessages', operator: 'LessThanOrEqual', threshold: 0 },
        ],
      },
    },
    {
      scopes: ['/ns'],
      criteria: { allOf: [{ metricName: 'ThrottledRequests', operator: 'GreaterThan', threshold: 0 }] },
    },
  ]);
});

test('every alert names its runbook, and links to it where the repository is on the web', async () => {
  const descriptions = async (repositoryUrl: string) => {
    const { resources } = await record({ repositoryUrl });
    return [...ofType(resources, 'MetricAlert'), ...ofType(resources, 'ScheduledQueryRule')].map(
      ({ inputs }) => [String(inputs.ruleName).replace('alert-acthub-dev-', ''), String(inputs.description)] as const,
    );
  };
  for (const [name, words] of await descriptions('')) {
    expect(words.endsWith(` Runbook: docs/operating/runbooks/${name}.md`), words).toBe(true);
  }
  for (const [name, words] of await descriptions('https://github.com/a/b/blob/main/')) {
    expect(words).toContain(` Runbook: https://github.com/a/b/blob/main/docs/operating/runbooks/${name}.md`);
  }
});

test("an alert rings the organisation's own action groups too", async () => {
  const own = `${group}/providers/Microsoft.Insights/actionGroups/on-call`;
  const { resources } = await record({ alertActionGroups: [own] });
  const alerts = [...ofType(resources, 'MetricAlert'), ...ofType(resources, 'ScheduledQueryRule')];
  for (const { inputs } of alerts) {
    expect(JSON.stringify(inputs.actions)).toContain(own);
    expect(JSON.stringify(inputs.actions)).toContain('/actionGroups/ag-acthub-dev');
  }
});

test.each([
  [['ada@example.com'], [{ name: 'ada@example.com', emailAddress: 'ada@example.com', useCommonAlertSchema: true }]],
  [[], []],
])('alerts are written to %j', async (alertEmails, emailReceivers) => {
  expect(theOnly((await record({ alertEmails })).resources, 'ActionGroup').inputs).toMatchObject({ emailReceivers });
});

test('there is a budget only where one is asked for', async () => {
  expect(ofType((await record()).resources, 'Budget')).toEqual([]);
  const { resources } = await record({ budget: { monthly: 500, start: '2026-12-01' } });
  const { inputs } = theOnly(resources, 'Budget');
  expect(inputs).toMatchObject({
    scope: group,
    amount: 500,
    timeGrain: 'Monthly',
    timePeriod: { startDate: '2026-12-01T00:00:00Z' },
    notifications: {
      'four-fifths-spent': { threshold: 80, thresholdType: 'Actual', contactEmails: ['ada@example.com'] },
      'forecast-to-exceed': { threshold: 100, thresholdType: 'Forecasted' },
    },
  });
});

test("the operator's page is a workbook of the workspace that explains every alert", async () => {
  const { resources } = await record();
  const { inputs } = theOnly(resources, 'Workbook');
  expect(inputs.resourceName).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const page = JSON.parse(String(inputs.serializedData)) as { version: string; items: { name: string }[] };
  expect(page.version).toBe('Notebook/1.0');
  const metrics = ['outcomes', 'results', 'ages', 'stages', 'requests', 'lag', 'retries', 'letters', 'circuits'];
  expect(page.items.map(({ name }) => name)).toEqual(['heading', 'hub', ...metrics, 'failures', 'stalls', 'alerts']);
  for (const { inputs: alert } of ofType(resources, 'ScheduledQueryRule')) {
    expect(JSON.stringify(page)).toContain(alert.description);
  }
});
