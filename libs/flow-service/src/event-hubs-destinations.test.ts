import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { desiredDestination, sasKey } from '../testing/desired.ts';
import { failureOf, startPlatform, type StartedPlatform } from '../testing/started-platform.ts';
import type { DesiredDestination } from './desired-destination.ts';
import { createEventHubsDestinations } from './event-hubs-destinations.ts';
import { fingerprintOf } from './ownership.ts';

const owner = 'activation-hub/test';

async function settle({ client }: StartedPlatform, desired: DesiredDestination) {
  const destinations = createEventHubsDestinations(client());
  const plan = await destinations.plan(desired);
  const state = await destinations.apply(plan);
  expect(inspect([plan, state, plan.sentences(), JSON.stringify(plan)], { depth: 10, showHidden: true })).not.toContain(
    sasKey,
  );
  return { plan, state, destinations };
}

/** Writes since a point in time: what a run changed, as `PATCH flows`. */
function writes({ platform }: StartedPlatform, since = 0): string[] {
  return platform.requests
    .slice(since)
    .filter(({ method, path }) => method !== 'GET' && path.includes('flowservice'))
    .map(({ method, path }) => `${method} ${path.replace(/^.*flowservice\/([a-zA-Z]+).*$/, '$1')}`);
}

function counts({ platform }: StartedPlatform) {
  const sandbox = platform.sandbox();
  return {
    flows: sandbox.flows().length,
    targetConnections: sandbox.targetConnections().length,
    sourceConnections: sandbox.sourceConnections().length,
    connections: sandbox.connections().length,
  };
}

const oneOfEach = { flows: 1, targetConnections: 1, sourceConnections: 1, connections: 2 };
const nothing = { flows: 0, targetConnections: 0, sourceConnections: 0, connections: 0 };

test.each([{ patchAnswer: '200' }, { patchAnswer: '202', pageSizeMax: 1, secretsShown: 'absent' }] as const)(
  'from nothing to a running dataflow, and a second run does nothing: %o',
  async (options) => {
    const started = await startPlatform(options);
    const { plan, state, destinations } = await settle(started, desiredDestination());
    expect(plan.sentences()).toEqual([
      'Connect to the Profile Service.',
      'Create the source connection to profiles.',
      'Connect to the Event Hubs namespace contoso with the key named aep.',
      'Create the target connection to the event hub exports.',
      'Create the dataflow "Activation Hub".',
      'Export the attribute person.name.firstName.',
      'Export the attribute consents.marketing.email.val.',
      'Export the audience "Sports Fans" (audience-1).',
      'Export the audience "Newcomers" (audience-2).',
      'Export the audience audience-3.',
    ]);
    expect(state).toMatchObject({
      name: 'Activation Hub',
      description: 'Exports audiences',
      enabled: true,
      eventHubName: 'exports',
      namespace: 'contoso',
      keyFingerprint: fingerprintOf(desiredDestination().eventHub),
      connection: { owner, isShared: false },
      audiences: [
        { id: 'audience-1', name: 'Sports Fans' },
        { id: 'audience-2', name: 'Newcomers' },
        { id: 'audience-3' },
      ],
      attributes: ['person.name.firstName', 'consents.marketing.email.val'],
    });
    expect(
      started.platform
        .sandbox()
        .connections()
        .map(({ auth }) => auth),
    ).toContainEqual({
      specName: 'Azure EventHub authentication credentials',
      params: { sasKeyName: 'aep', sasKey, namespace: 'contoso' },
    });
    expect(counts(started)).toEqual(oneOfEach);
    const before = started.platform.requests.length;
    const again = await settle(started, desiredDestination());
    expect(again.plan.sentences()).toEqual([]);
    expect(again.state).toEqual(state);
    expect(await destinations.read({ owner })).toEqual(state);
    expect(writes(started, before)).toEqual([]);
  },
);

const edits: readonly { edit: string; desired: Partial<DesiredDestination>; steps: string[]; requests: string[] }[] = [
  {
    edit: 'another audience',
    desired: { audiences: [...desiredDestination().audiences, { id: 'audience-4' }] },
    steps: ['Export the audience audience-4.'],
    requests: ['PATCH flows'],
  },
  {
    edit: 'the first and the last audience gone',
    desired: { audiences: [{ id: 'audience-2' }] },
    steps: ['Stop exporting the audience "Sports Fans" (audience-1).', 'Stop exporting the audience audience-3.'],
    requests: ['PATCH flows'],
  },
  {
    edit: 'an attribute for another, and audiences for others',
    desired: {
      attributes: ['person.birthDate', 'person.name.firstName'],
      audiences: [{ id: 'audience-9' }, { id: 'audience-3' }],
    },
    steps: [
      'Export the attribute person.birthDate.',
      'Export the audience audience-9.',
      'Stop exporting the audience "Sports Fans" (audience-1).',
      'Stop exporting the audience "Newcomers" (audience-2).',
      'Stop exporting the attribute consents.marketing.email.val.',
    ],
    requests: ['PATCH flows'],
  },
  {
    edit: 'another name and description',
    desired: { name: 'Hub', description: 'Words' },
    steps: ['Rename the dataflow to "Hub".', `Describe the dataflow as "Words [owner: ${owner}]".`],
    requests: ['PATCH flows'],
  },
  { edit: 'disabled', desired: { enabled: false }, steps: ['Disable the dataflow.'], requests: ['POST flows'] },
  {
    edit: 'another hub',
    desired: { eventHub: { ...desiredDestination().eventHub, eventHubName: 'other' } },
    steps: [expect.stringMatching(/^Set eventHubName to other in the target connection /) as string],
    requests: ['PATCH targetConnections'],
  },
  {
    edit: 'a rotated key',
    desired: { eventHub: { ...desiredDestination().eventHub, sasKey: 'another-key' } },
    steps: [
      expect.stringMatching(
        /^Replace the credentials of the connection .*: namespace contoso, key named aep\.$/,
      ) as string,
    ],
    requests: ['PATCH connections'],
  },
  {
    edit: 'the other key, of another namespace',
    desired: { eventHub: { namespace: 'other', eventHubName: 'exports', sasKeyName: 'aep-2', sasKey } },
    steps: [expect.stringMatching(/namespace other, key named aep-2\.$/) as string],
    requests: ['PATCH connections'],
  },
  {
    edit: 'a name for an audience that has none',
    desired: { audiences: desiredDestination().audiences.map(({ id }) => ({ id, name: `Name of ${id}` })) },
    steps: [],
    requests: [],
  },
];

test.each(edits)('$edit: the smallest change, in place', async ({ desired, steps, requests }) => {
  const started = await startPlatform();
  const first = await settle(started, desiredDestination());
  const before = started.platform.requests.length;
  const second = await settle(started, desiredDestination(desired));
  expect(second.plan.sentences()).toEqual(steps);
  expect(writes(started, before)).toEqual(requests);
  expect(second.state).toMatchObject({
    flowId: first.state?.flowId,
    connectionId: first.state?.connectionId,
    targetConnectionId: first.state?.targetConnectionId,
  });
  expect((await settle(started, desiredDestination(desired))).plan.isEmpty).toBe(true);
  expect((await settle(started, desiredDestination())).plan.isEmpty).toBe(steps.length === 0);
  expect(counts(started)).toEqual(oneOfEach);
});

test('a rotated key is in the connection alone, and the dataflow is not touched', async () => {
  const started = await startPlatform();
  await settle(started, desiredDestination());
  const flowBefore = started.platform.sandbox().flows()[0];
  await settle(started, desiredDestination({ eventHub: { ...desiredDestination().eventHub, sasKey: 'another-key' } }));
  expect(started.platform.sandbox().flows()[0]).toEqual(flowBefore);
  expect(
    started.platform
      .sandbox()
      .connections()
      .map(({ auth }) => auth),
  ).toContainEqual({
    specName: 'Azure EventHub authentication credentials',
    params: { sasKeyName: 'aep', sasKey: 'another-key', namespace: 'contoso' },
  });
});

test('a dataflow that is to be disabled exports no audience at any time', async () => {
  const started = await startPlatform();
  const { plan } = await settle(started, desiredDestination({ enabled: false }));
  const sentences = plan.sentences();
  expect(sentences.indexOf('Disable the dataflow.')).toBeLessThan(
    sentences.findIndex((sentence) => sentence.includes('audience')),
  );
  expect(started.platform.sandbox().flows()[0]).toMatchObject({ state: 'disabled' });
});

test.each(['lower', 'upper'] as const)('a dataflow is disabled and enabled, in %s case', async (actionCase) => {
  const started = await startPlatform({ actionCase });
  await settle(started, desiredDestination());
  for (const enabled of [false, true]) {
    const { state } = await settle(started, desiredDestination({ enabled }));
    expect(state).toMatchObject({ enabled });
  }
});

test('a dataflow that was never adopted stays when the destination is removed', async () => {
  const started = await startPlatform();
  const { state, destinations } = await settle(started, desiredDestination({ owner: 'by/hand' }));
  const { flowService } = started.client();
  const { id, etag = '' } = await flowService.flows.get(state?.flowId ?? '');
  await flowService.flows.patch(id, etag, [{ op: 'replace', path: '/description', value: 'By hand' }]);
  const whose = { owner, adoptFlowId: id };
  expect(await destinations.read(whose)).toMatchObject({ flowId: id, description: 'By hand' });
  expect((await destinations.planRemoval(whose)).isEmpty).toBe(true);
});

test('an abort stops between two steps with its own reason, and the next run goes on', async () => {
  const started = await startPlatform();
  const destinations = createEventHubsDestinations(started.client());
  const stop = new AbortController();
  const reason = new Error('enough');
  const seen: string[] = [];
  const onProgress = (sentences: readonly string[]) => {
    seen.push(...sentences);
    if (seen.length === 3) stop.abort(reason);
  };
  const plan = await destinations.plan(desiredDestination());
  expect(await failureOf(destinations.apply(plan, { signal: stop.signal, onProgress }))).toBe(reason);
  expect(counts(started)).toEqual({ ...nothing, connections: 1, sourceConnections: 1 });
  expect((await settle(started, desiredDestination())).plan.sentences()[0]).toContain(
    'Connect to the Event Hubs namespace',
  );
  expect(counts(started)).toEqual(oneOfEach);
});

test('what Adobe refuses for good is said after a few tries, in the words of Adobe', async () => {
  const started = await startPlatform();
  started.platform.faults.inject({ method: 'POST', path: '/targetConnections', status: 422, times: 100 });
  const error = await failureOf(settle(started, desiredDestination()));
  expect(error.message).toMatch(
    /^Failed to create a target connection: Adobe answered 422 \(request id .*\): Injected fault\./,
  );
  expect(writes(started).filter((write) => write === 'POST targetConnections')).toHaveLength(3);
});

test('what another person changed in the interface is found and put right', async () => {
  const started = await startPlatform();
  const { state } = await settle(started, desiredDestination());
  const { flowService } = started.client();
  const { flowId = '', connectionId = '' } = state ?? {};
  const change = async (operations: Parameters<typeof flowService.flows.patch>[2]) => {
    const { etag = '' } = await flowService.flows.get(flowId);
    await flowService.flows.patch(flowId, etag, operations);
  };
  const segments = '/transformations/0/params/segmentSelectors/selectors';
  await change([
    { op: 'replace', path: '/name', value: 'My flow' },
    { op: 'replace', path: '/description', value: 'no mark any longer' },
    { op: 'remove', path: `${segments}/1` },
    {
      op: 'add',
      path: `${segments}/-`,
      value: { type: 'PLATFORM_SEGMENT', value: { id: 'audience-x', name: 'Theirs' } },
    },
    { op: 'add', path: `${segments}/-`, value: { type: 'PLATFORM_SEGMENT', value: { id: 'audience-1' } } },
  ]);
  await flowService.setEnabled(flowId, false);
  const connection = await flowService.connections.get(connectionId);
  const params = { sasKeyName: 'theirs', sasKey: 'their key', namespace: 'theirs' };
  await flowService.connections.patch(connectionId, connection.etag ?? '', [
    { op: 'replace', path: '/auth/params', value: params },
  ]);
  const { plan } = await settle(started, desiredDestination());
  expect(plan.sentences()).toEqual([
    `Replace the credentials of the connection ${connectionId}: namespace contoso, key named aep.`,
    'Rename the dataflow to "Activation Hub".',
    `Describe the dataflow as "Exports audiences [owner: ${owner}]".`,
    'Export the audience "Newcomers" (audience-2).',
    'Stop exporting the audience "Theirs" (audience-x).',
    'Name the audience audience-1 once instead of several times.',
    'Enable the dataflow.',
  ]);
  expect((await settle(started, desiredDestination())).plan.isEmpty).toBe(true);
  expect(counts(started)).toEqual(oneOfEach);
});

test('destinations of others stay as they are, through creation, change and removal', async () => {
  const started = await startPlatform();
  const others = desiredDestination({ owner: 'somebody/else', name: 'Theirs' });
  await settle(started, others);
  const snapshot = () => {
    const sandbox = started.platform.sandbox();
    const all = [
      sandbox.flows(),
      sandbox.targetConnections(),
      sandbox.sourceConnections(),
      sandbox.connections(),
    ].flat();
    return all.filter(({ description }) => String(description).includes('[owner: somebody/else]'));
  };
  const before = snapshot();
  expect(before).toHaveLength(5);
  const { destinations } = await settle(started, desiredDestination());
  await settle(started, desiredDestination({ audiences: [], attributes: [] }));
  expect(await destinations.apply(await destinations.planRemoval({ owner }))).toBeUndefined();
  expect(snapshot()).toEqual(before);
  expect(counts(started)).toEqual(oneOfEach);
});

test('a removal leaves nothing behind, and again does nothing', async () => {
  const started = await startPlatform({ deletionMs: 10_000 });
  const { destinations } = await settle(started, desiredDestination());
  const plan = await destinations.planRemoval({ owner });
  expect(plan.sentences().map((sentence) => sentence.replace(/ [0-9a-f-]{36}\.$/, ''))).toEqual([
    'Delete the dataflow',
    'Delete the target connection',
    'Delete the source connection',
    'Delete the connection',
    'Delete the connection',
  ]);
  expect(await destinations.apply(plan)).toBeUndefined();
  expect(counts(started)).toEqual(nothing);
  expect((await destinations.planRemoval({ owner })).isEmpty).toBe(true);
  expect(await destinations.read({ owner })).toBeUndefined();
});

test('a dataflow made by hand is adopted by its id, changed in place and then owned', async () => {
  const started = await startPlatform();
  // By hand: no marks of ownership anywhere.
  const { state } = await settle(
    started,
    desiredDestination({ owner: 'by/hand', name: 'By hand', audiences: [{ id: 'old' }] }),
  );
  const { flowService } = started.client();
  const unmark = async (collection: 'flows' | 'connections' | 'targetConnections' | 'sourceConnections') => {
    for (const { id, etag = '' } of await flowService[collection].list()) {
      await flowService[collection].patch(id, etag, [{ op: 'replace', path: '/description', value: 'By hand' }]);
    }
  };
  for (const collection of ['flows', 'connections', 'targetConnections', 'sourceConnections'] as const)
    await unmark(collection);
  const flowId = state?.flowId ?? '';
  const adopted = await settle(started, desiredDestination({ adoptFlowId: flowId }));
  expect(adopted.plan.sentences().slice(0, 3)).toEqual([
    expect.stringMatching(/^Replace the credentials of the connection /),
    'Rename the dataflow to "Activation Hub".',
    `Describe the dataflow as "Exports audiences [owner: ${owner}]".`,
  ]);
  expect(adopted.state).toMatchObject({ flowId });
  expect(counts(started)).toEqual(oneOfEach);
  expect((await settle(started, desiredDestination())).plan.isEmpty).toBe(true);
  const theirs = await failureOf(settle(started, desiredDestination({ owner: 'another', adoptFlowId: flowId })));
  expect(theirs.message).toBe(
    `Failed to adopt the dataflow ${flowId}: it belongs to ${owner}. Let that owner give it up, or make another one.`,
  );
  const missing = await failureOf(settle(started, desiredDestination({ adoptFlowId: 'none' })));
  expect(missing.message).toContain('this sandbox has no such dataflow');
});

test('an existing connection is used as it is, and stays after the removal', async () => {
  const started = await startPlatform();
  const { state: theirs } = await settle(started, desiredDestination({ owner: 'somebody/else' }));
  const connectionId = theirs?.connectionId ?? '';
  const theirConnection = () =>
    started.platform
      .sandbox()
      .connections()
      .find(({ id }) => id === connectionId);
  const before = theirConnection();
  const desired = desiredDestination({ connectionId, eventHub: { ...desiredDestination().eventHub, sasKey: '' } });
  const { state, destinations, plan } = await settle(started, desired);
  expect(plan.sentences()).not.toContainEqual(expect.stringContaining('namespace'));
  expect(state).toMatchObject({ connectionId });
  expect((await settle(started, desired)).plan.isEmpty).toBe(true);
  await destinations.apply(await destinations.planRemoval({ owner, connectionId }));
  expect(theirConnection()).toEqual(before);
  expect(counts(started)).toEqual(oneOfEach);
});

test('a connection that others came to use stays after the removal', async () => {
  const started = await startPlatform();
  const { state, destinations } = await settle(started, desiredDestination());
  const connectionId = state?.connectionId ?? '';
  await settle(started, desiredDestination({ owner: 'somebody/else', connectionId }));
  const plan = await destinations.planRemoval({ owner });
  expect(plan.notes).toEqual([
    `The connection ${connectionId} stays: it was not made for this destination, or others use it.`,
  ]);
  await destinations.apply(plan);
  expect(
    started.platform
      .sandbox()
      .connections()
      .map(({ id }) => id),
  ).toContain(connectionId);
  expect(await destinations.read({ owner: 'somebody/else' })).toMatchObject({ connectionId });
});

test.each([
  { segmentNames: 'includeSegmentNames', segmentTimestamps: 'x_times' },
  { segmentNames: 'a', segmentTimestamps: 'b' },
])('the names of the toggles are found in the specification of Adobe: %o', async (toggleNames) => {
  const started = await startPlatform({ toggleNames });
  const toggles = { segmentNames: true, segmentTimestamps: false };
  const { state } = await settle(started, desiredDestination({ toggles }));
  expect(state?.targetParams).toEqual({
    eventHubName: 'exports',
    [toggleNames.segmentNames]: true,
    [toggleNames.segmentTimestamps]: false,
  });
  expect((await settle(started, desiredDestination({ toggles }))).plan.isEmpty).toBe(true);
  const { plan } = await settle(started, desiredDestination({ toggles: { segmentTimestamps: true } }));
  expect(plan.sentences()).toEqual([
    expect.stringContaining(`Set ${toggleNames.segmentTimestamps} to true in the target connection`),
  ]);
});

test('toggles that no setting names are an error that says how to find out, and configured names are used', async () => {
  const started = await startPlatform({ toggleNames: 'none' });
  const desired = desiredDestination({ toggles: { segmentNames: true } });
  const error = await failureOf(settle(started, desired));
  expect(error).toMatchObject({ kind: 'unsupported' });
  expect(error.message).toContain('configure that name as toggles.segmentNames');
  expect(counts(started)).toEqual(nothing);
  const destinations = createEventHubsDestinations(started.client(), { toggles: { segmentNames: 'withNames' } });
  const state = await destinations.apply(await destinations.plan(desired));
  expect(state?.targetParams).toMatchObject({ withNames: true });
});

test('an authentication that Adobe does not know is an error that lists those it knows', async () => {
  const started = await startPlatform();
  const destinations = createEventHubsDestinations(started.client(), { authSpecName: 'SAS authentication' });
  const error = await failureOf(destinations.apply(await destinations.plan(desiredDestination())));
  expect(error.message).toContain('Configure authSpecName as one of: "Azure EventHub authentication credentials".');
});

test('a key that is confined to the hub is sent with its name', async () => {
  const started = await startPlatform();
  const destinations = createEventHubsDestinations(started.client(), { hubScopedKey: true });
  await destinations.apply(await destinations.plan(desiredDestination()));
  expect(
    started.platform
      .sandbox()
      .connections()
      .map(({ auth }) => auth),
  ).toContainEqual({
    specName: 'Azure EventHub authentication credentials',
    params: { sasKeyName: 'aep', sasKey, namespace: 'contoso', eventHubName: 'exports' },
  });
});

test('an adopted dataflow on a connection that others use leaves the key of it to them, and says so', async () => {
  const started = await startPlatform();
  const { state } = await settle(started, desiredDestination({ owner: 'by/hand' }));
  const { flowId = '', connectionId = '' } = state ?? {};
  await settle(started, desiredDestination({ owner: 'somebody/else', connectionId }));
  const { flowService } = started.client();
  const unmark = [{ op: 'replace', path: '/description', value: 'By hand' }] as const;
  const flow = await flowService.flows.get(flowId);
  await flowService.flows.patch(flowId, flow.etag ?? '', unmark);
  const connection = await flowService.connections.get(connectionId);
  await flowService.connections.patch(connectionId, connection.etag ?? '', unmark);
  const { plan, state: adopted } = await settle(started, desiredDestination({ adoptFlowId: flowId }));
  expect(adopted?.connection).toMatchObject({ owner: undefined, isShared: true });
  expect(plan.notes).toEqual([
    expect.stringContaining(`${connectionId} is used by other dataflows too, so its key is left`),
  ]);
  expect(plan.sentences()).toEqual([`Describe the dataflow as "Exports audiences [owner: ${owner}]".`]);
});

test.each<[Partial<DesiredDestination>, string]>([
  [{ owner: 'a b' }, 'the owner must be'],
  [{ name: ' ' }, 'name is empty'],
  [{ description: 'x [owner: y]' }, 'must not hold [owner: …]'],
  [{ audiences: [{ id: 'a' }, { id: 'a' }] }, 'the audience a is listed twice'],
  [{ attributes: ['a', 'a'] }, 'the attribute a is listed twice'],
  [{ attributes: [''] }, 'is empty'],
  [{ eventHub: { ...desiredDestination().eventHub, sasKey: '' } }, 'sasKey is empty'],
])('%o is refused before anybody is called', async (more, why) => {
  const started = await startPlatform();
  const error = await failureOf(settle(started, desiredDestination(more)));
  expect(error).toBeInstanceOf(RangeError);
  expect(error.message).toContain(why);
  expect(started.platform.requests).toEqual([]);
});
