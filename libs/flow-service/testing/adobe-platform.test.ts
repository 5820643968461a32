import { expect, test } from 'vitest';
import { adobeIds, createEventHubsDestinations } from '../src/index.ts';
import { desiredDestination } from './desired.ts';
import { failureOf, startPlatform } from './started-platform.ts';

const hourMs = 60 * 60 * 1000;

async function startWithFlow() {
  const started = await startPlatform();
  const client = started.client();
  const destinations = createEventHubsDestinations(client);
  const state = await destinations.apply(await destinations.plan(desiredDestination()));
  return {
    ...started,
    flowService: client.flowService,
    flowId: state?.flowId ?? '',
    connectionId: state?.connectionId ?? '',
  };
}

test('a dataflow has a run for every full hour in which it was on, newest first', async () => {
  const { platform, time, flowService, flowId } = await startWithFlow();
  expect(await flowService.runs(flowId)).toEqual([]);
  platform.sandbox().countProfiles(flowId, { received: 10, failed: 0 });
  platform.sandbox().countProfiles(flowId, { received: 5, failed: 2 });
  time.nowMs += hourMs;
  await flowService.setEnabled(flowId, false);
  time.nowMs += 2 * hourMs;
  const runs = await flowService.runs(flowId);
  expect(runs.map(({ metrics }) => metrics?.recordSummary)).toEqual([
    { inputRecordCount: 0, outputRecordCount: 0, skippedRecordCount: 0, failedRecordCount: 0, failedInfo: [] },
    {
      inputRecordCount: 15,
      outputRecordCount: 13,
      skippedRecordCount: 0,
      failedRecordCount: 2,
      failedInfo: [{ code: 'UPS-DEST-5001', message: 'Failed to deliver', count: 2 }],
    },
  ]);
  expect(await flowService.runs(flowId, { itemsMax: 1 })).toEqual(runs.slice(0, 1));
});

test('removing a selector shifts those behind it', async () => {
  const { flowService, flowId } = await startWithFlow();
  const path = '/transformations/0/params/segmentSelectors/selectors';
  const { etag = '' } = await flowService.flows.get(flowId);
  await flowService.flows.patch(flowId, etag, [
    { op: 'remove', path: `${path}/0` },
    { op: 'remove', path: `${path}/0` },
  ]);
  const flow = await flowService.flows.get(flowId);
  const selectors = flow.transformations?.[0]?.params?.segmentSelectors?.selectors;
  expect(selectors?.map(({ value }) => value?.id)).toEqual(['audience-3']);
  expect(selectors?.[0]?.value).toHaveProperty('createTime', expect.stringMatching(/^\d{10}$/));
  const outside = flowService.flows.patch(flowId, flow.etag ?? '', [{ op: 'remove', path: `${path}/1` }]);
  expect((await failureOf(outside)).message).toContain('there is nothing at this index');
  expect(await flowService.flows.get(flowId)).toEqual(flow);
});

test('a lookup never shows the key of a connection', async () => {
  const { flowService, connectionId } = await startWithFlow();
  expect((await flowService.connections.get(connectionId)).auth?.params).toEqual({
    sasKeyName: 'aep',
    sasKey: '******',
    namespace: 'contoso',
  });
  expect(await flowService.testConnection(connectionId)).toBe(true);
});

test('errors have the bodies that are documented', async () => {
  const { flowService, client } = await startPlatform().then((started) => ({ ...started, ...started.client() }));
  const missing = await failureOf(flowService.connections.get('4890fc95'));
  expect(missing).toMatchObject({ kind: 'not-found', status: 404 });
  expect(missing.message).toContain('connections not found with id = [4890fc95]');
  const version = { id: adobeIds.profileConnectionSpec, version: '' };
  expect(await failureOf(flowService.connections.create({ name: 'a', connectionSpec: version }))).toMatchObject({
    status: 422,
  });
  expect(await failureOf(client({ organisation: 'other' }).flowService.flows.list())).toMatchObject({
    kind: 'forbidden',
    code: '403025',
  });
});

test('two of them run beside each other, and a second stop waits for the first', async () => {
  const one = await startPlatform();
  const other = await startPlatform();
  expect(one.platform.url).not.toBe(other.platform.url);
  await Promise.all([one.platform.stop(), one.platform.stop()]);
  expect(await failureOf(one.client({ retry: { attemptsMax: 1 } }).flowService.flows.list())).toMatchObject({
    kind: 'unavailable',
    uncertain: false,
  });
  expect(await other.client().flowService.flows.list()).toEqual([]);
});
