import { inspect } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { desiredDestination, sasKey } from '../testing/desired.ts';
import { startPlatform, type StartedPlatform } from '../testing/started-platform.ts';
import { VirtualTime } from '../testing/virtual-time.ts';
import type { DesiredDestination } from './desired-destination.ts';
import { createEventHubsDestinations, type DestinationState } from './event-hubs-destinations.ts';
import { adobeIds } from './flow-service-entities.ts';
import type { PlatformOptions } from './platform-connection.ts';

const owner = 'activation-hub/test';

async function reach(
  { client }: StartedPlatform,
  desired: DesiredDestination | 'absent',
  options: Partial<PlatformOptions> = {},
): Promise<DestinationState | undefined> {
  const destinations = createEventHubsDestinations(client(options));
  const plan = desired === 'absent' ? await destinations.planRemoval({ owner }) : await destinations.plan(desired);
  return await destinations.apply(plan);
}

/** Fails unless AEP has exactly this, and nothing else. */
function expectExactly({ platform }: StartedPlatform, desired: DesiredDestination | 'absent'): void {
  const sandbox = platform.sandbox();
  const [flow, ...otherFlows] = sandbox.flows();
  expect(otherFlows).toEqual([]);
  const isAbsent = desired === 'absent';
  expect(sandbox.targetConnections()).toHaveLength(isAbsent ? 0 : 1);
  expect(sandbox.sourceConnections()).toHaveLength(isAbsent ? 0 : 1);
  expect(sandbox.connections()).toHaveLength(isAbsent ? 0 : 2);
  if (isAbsent) {
    expect(flow).toBeUndefined();
    return;
  }
  const { namespace, sasKeyName, sasKey: key, eventHubName } = desired.eventHub;
  expect(sandbox.connections().map(({ auth }) => auth)).toContainEqual(
    expect.objectContaining({ params: { namespace, sasKeyName, sasKey: key } }),
  );
  expect(sandbox.targetConnections()[0]).toMatchObject({ params: { eventHubName } });
  expect(flow).toMatchObject({ name: desired.name, state: desired.enabled ? 'enabled' : 'disabled' });
  const [transformation] = flow?.transformations as {
    params: Record<string, { selectors: { value: Record<string, string> }[] }>;
  }[];
  const values = (group: string, name: string) =>
    transformation?.params[group]?.selectors.map(({ value }) => value[name]).toSorted();
  expect(values('segmentSelectors', 'id')).toEqual(desired.audiences.map(({ id }) => id).toSorted());
  expect(values('profileSelectors', 'path')).toEqual(desired.attributes.toSorted());
}

const edited = desiredDestination({
  name: 'Hub',
  enabled: false,
  audiences: [{ id: 'audience-3' }, { id: 'audience-4' }],
  attributes: ['person.birthDate'],
  eventHub: { namespace: 'contoso', eventHubName: 'other', sasKeyName: 'aep-2', sasKey: 'another-key' },
});

test.each([
  { journey: 'creation', before: 'absent', after: desiredDestination({ enabled: false }) },
  { journey: 'every change at once', before: desiredDestination(), after: edited },
  { journey: 'removal', before: desiredDestination(), after: 'absent' },
] as const)(
  '$journey: stopped after any request, the next run completes it',
  async ({ before, after }) => {
    let stops = 0;
    for (let requests = 1; ; requests++) {
      const started = await startPlatform();
      await reach(started, before);
      started.platform.faults.stopAfter(requests);
      const error: unknown = await reach(started, after, { retry: { attemptsMax: 1 } }).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      started.platform.faults.clear();
      expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/another-key|local-client-secret/);
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(sasKey);
      await reach(started, after);
      expectExactly(started, after);
      await started.platform.stop();
      if (error === undefined) break;
      stops++;
    }
    expect(stops).toBeGreaterThan(10);
    expect(stops, 'a run that is not stopped ends').toBeLessThan(90);
  },
  120_000,
);

test('doubles that an owner has all the same are seen by these tests, and taken away', async () => {
  const started = await startPlatform();
  await reach(started, desiredDestination());
  const { flows, connections } = started.client().flowService;
  const [flow] = await flows.list();
  const description = `By a careless program [owner: ${owner}]`;
  const connectionSpec = { id: adobeIds.eventHubsConnectionSpec, version: '1.0' };
  const { sourceConnectionIds = [], targetConnectionIds = [] } = flow ?? {};
  const flowSpec = { id: adobeIds.profileDestinationFlowSpec, version: '1.0' };
  const transformations = flow?.transformations ?? [];
  const params = { sasKeyName: 'a', sasKey: 'b', namespace: 'c' };
  const auth = { specName: 'Azure EventHub authentication credentials', params };
  const doubles = [
    () => flows.create({ name: 'x', description, flowSpec, sourceConnectionIds, targetConnectionIds, transformations }),
    () => connections.create({ name: 'x', description, connectionSpec, auth }),
  ];
  for (const make of doubles) {
    await make();
    expect(() => expectExactly(started, desiredDestination())).toThrow();
    await reach(started, desiredDestination());
    expectExactly(started, desiredDestination());
  }
});

test('a lost answer to any write does not lead to two of anything', async () => {
  for (const method of ['POST', 'PATCH', 'DELETE']) {
    for (const path of ['/connections', '/sourceConnections', '/targetConnections', '/flows']) {
      const started = await startPlatform();
      if (method !== 'POST') await reach(started, desiredDestination());
      started.platform.faults.inject({ method, path, lost: 'after' });
      const after = { POST: desiredDestination(), PATCH: edited, DELETE: 'absent' as const }[method] ?? 'absent';
      await reach(started, after);
      expectExactly(started, after);
      await started.platform.stop();
    }
  }
});

test('runs at the same time agree on one of everything', async () => {
  for (let seed = 1; seed <= 25; seed++) {
    const time = new VirtualTime(seed);
    const latencyMs = () => Math.floor(time.random() * 4);
    const started = await startPlatform({ latencyMs, now: () => (time.nowMs += 1) }, seed);
    const runs = await Promise.all([1, 2].map(() => reach(started, desiredDestination(), { clock: time })));
    expectExactly(started, desiredDestination());
    expect(new Set(runs.map((state) => state?.flowId)).size).toBe(1);
    await started.platform.stop();
  }
});

test('runs at the same time that cannot tell what is older fail at worst, and the next run leaves one of everything', async () => {
  for (let seed = 1; seed <= 25; seed++) {
    const time = new VirtualTime(seed);
    const started = await startPlatform({ latencyMs: () => Math.floor(time.random() * 4) }, seed);
    await Promise.allSettled([1, 2, 3].map(() => reach(started, desiredDestination())));
    started.time.nowMs += 60_000;
    await reach(started, desiredDestination());
    expectExactly(started, desiredDestination());
    await started.platform.stop();
  }
});

test('the same edit by two runs at the same time is made once, by ETags', async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const time = new VirtualTime(seed);
    const started = await startPlatform({ latencyMs: () => Math.floor(time.random() * 4) }, seed);
    await reach(started, desiredDestination());
    await Promise.all([reach(started, edited), reach(started, edited)]);
    expectExactly(started, edited);
    await started.platform.stop();
  }
});

test('a change that meets another one reads again: nothing of either is lost', async () => {
  const started = await startPlatform({ latencyMs: () => 1 });
  const state = await reach(started, desiredDestination());
  const { flowService } = started.client();
  const rename = async () => {
    const { etag = '' } = await flowService.flows.get(state?.flowId ?? '');
    await flowService.flows.patch(state?.flowId ?? '', etag, [{ op: 'add', path: '/note', value: 'theirs' }]);
  };
  const audiences = [{ id: 'audience-2' }, { id: 'audience-5' }];
  const [, renamed] = await Promise.allSettled([reach(started, desiredDestination({ audiences })), rename()]);
  if (renamed.status === 'rejected') await rename();
  expectExactly(started, desiredDestination({ audiences }));
  expect(started.platform.sandbox().flows()[0]).toMatchObject({ note: 'theirs' });
});

test('any sequence of wishes is reached, each by the plan for it, under faults', async () => {
  const keys = fc.record({ sasKeyName: fc.constantFrom('aep', 'aep-2'), sasKey: fc.constantFrom('key-1', 'key-2') });
  const wish = fc.oneof(
    { weight: 1, arbitrary: fc.constant('absent' as const) },
    {
      weight: 8,
      arbitrary: fc
        .record({
          name: fc.constantFrom('Hub', 'Activation Hub'),
          description: fc.constantFrom('', 'Words'),
          enabled: fc.boolean(),
          audiences: fc
            .uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'))
            .map((ids) => ids.map((id) => ({ id }))),
          attributes: fc.uniqueArray(fc.constantFrom('p.q', 'p.r', 's')),
          eventHub: fc.tuple(keys, fc.constantFrom('exports', 'other')).map(([key, eventHubName]) => ({
            ...key,
            eventHubName,
            namespace: 'contoso',
          })),
        })
        .map((fields) => desiredDestination(fields)),
    },
  );
  const fault = fc.oneof(
    fc.record({ status: fc.constantFrom(429, 500, 503) }),
    fc.record({ lost: fc.constantFrom('before' as const, 'after' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(wish, { maxLength: 4 }), fc.array(fault, { maxLength: 4 }), async (wishes, faults) => {
      const started = await startPlatform({ deletionMs: 500 });
      for (const desired of wishes) {
        for (const injected of faults) started.platform.faults.inject({ path: 'flowservice', ...injected });
        await reach(started, desired);
        started.platform.faults.clear();
        expectExactly(started, desired);
        const { client } = started;
        const destinations = createEventHubsDestinations(client());
        const again =
          desired === 'absent' ? await destinations.planRemoval({ owner }) : await destinations.plan(desired);
        expect(again.sentences()).toEqual([]);
      }
      await started.platform.stop();
    }),
    { numRuns: 40 },
  );
});
