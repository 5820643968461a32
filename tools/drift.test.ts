import { expect, test } from 'vitest';
import { driftIn, driftText } from './drift.ts';

/** As Pulumi 3.276.0 prints it: of every resource a refresh, and then what an `up` would do. */
const urn = (type: string, name: string) => `urn:pulumi:prod::activation-hub::activation-hub:infra:X$${type}::${name}`;
const preview = (...steps: readonly object[]): string =>
  JSON.stringify({
    steps: [
      { op: 'refresh', urn: 'urn:pulumi:prod::activation-hub::pulumi:pulumi:Stack::activation-hub-prod' },
      { op: 'refresh', urn: urn('azure-native:eventhub:EventHub', 'stream-hub'), detailedDiff: null },
      { op: 'same', urn: urn('azure-native:eventhub:EventHub', 'stream-hub'), detailedDiff: null },
      ...steps,
    ],
  });
const update = (type: string, name: string, ...paths: readonly string[]) => ({
  op: 'update',
  urn: urn(type, name),
  newState: { inputs: { value: 'a-secret-value' } },
  detailedDiff: Object.fromEntries(paths.map((path) => [path, { kind: 'update', inputDiff: true }])),
});

test('an environment that is as the program says has no issue', () => {
  expect(driftText('prod', driftIn(preview()))).toBe('');
});

test('what was changed, deleted or added by hand is named, with its properties and without a value', () => {
  const drift = driftIn(
    preview(
      update('azure-native:eventhub:EventHub', 'stream-hub', 'status', 'retentionDescription.retentionTimeInHours'),
      { op: 'create', urn: urn('azure-native:storage:Queue', 'storage-retries'), detailedDiff: null },
    ),
  );
  expect(drift).toEqual([
    {
      operation: 'update',
      type: 'azure-native:eventhub:EventHub',
      name: 'stream-hub',
      properties: ['retentionDescription.retentionTimeInHours', 'status'],
    },
    { operation: 'create', type: 'azure-native:storage:Queue', name: 'storage-retries', properties: [] },
  ]);
  const text = driftText('prod', drift);
  expect(text).toContain('| storage-retries | azure-native:storage:Queue | is missing |  |');
  expect(text).toContain('| differs | `retentionDescription.retentionTimeInHours`, `status` |');
  expect(text).not.toContain('a-secret-value');
});

test('known noise makes no issue, and hides nothing beside it', () => {
  const namespace = (...paths: readonly string[]) =>
    driftIn(preview(update('azure-native:eventhub:Namespace', 'stream-namespace', ...paths)));
  expect(namespace('privateEndpointConnections', 'privateEndpointConnections[0].id')).toEqual([]);
  expect(namespace('privateEndpointConnections[0]', 'minimumTlsVersion')).toMatchObject([
    { properties: ['minimumTlsVersion'] },
  ]);
  expect(namespace('privateEndpointConnectionsOther')).toHaveLength(1);
  expect(driftIn(preview(update('azure-native:eventhub:EventHub', 'hub', 'privateEndpointConnections')))).toHaveLength(
    1,
  );
  expect(driftIn(preview({ op: 'delete', urn: urn('azure-native:eventhub:Namespace', 'old') }))).toHaveLength(1);
});

test.each(['', 'error: no stack', '{"result":"failed"}'])(
  'what is no preview (%j) is an error, never silence',
  (text) => {
    expect(() => driftIn(text)).toThrow('Failed to look for drift');
  },
);
