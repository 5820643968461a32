import { inspect } from 'node:util';
import { createAdobeClient, type FlowService, type PatchOperation } from '@activation-hub/flow-service';
import {
  startAdobePlatform,
  VirtualTime,
  type AdobePlatform,
  type SandboxView,
} from '@activation-hub/flow-service/testing';
import { isRpcSecret, unknownValue } from '@pulumi/pulumi/runtime/rpc.js';
import { afterEach, expect, test } from 'vitest';
import type { DestinationInputs } from './aep-inputs.ts';
import { createAepProvider } from './aep-provider.ts';
import { SmallEngine } from './testing/aep-small-engine.ts';

const running: AdobePlatform[] = [];
afterEach(async () => {
  for (const platform of running.splice(0)) await platform.stop();
});

const sasKey = 'c2VjcmV0+/key1234567890=';
const clientSecret = 'client-secret-1';

async function started(seed = 1) {
  const time = new VirtualTime(seed);
  // The clock also moves as it is read, so that of two things one is always older.
  const now = () => (time.nowMs += 1);
  const latencyMs = seed === 1 ? () => 0 : () => Math.floor(time.random() * 4);
  const platform = await startAdobePlatform({ now, latencyMs, sandboxes: ['prod', 'trial'], clientSecret });
  running.push(platform);
  const inputs: DestinationInputs = {
    organisation: platform.organisation,
    sandbox: 'prod',
    clientId: platform.clientId,
    clientSecret,
    platformUrl: platform.url,
    imsUrl: platform.url,
    owner: 'activation-hub/dev',
    name: 'Activation Hub dev',
    description: 'Audiences for destinations',
    namespace: 'evhns-acthub-dev-1a2b3c',
    eventHubName: 'profile-exports',
    sasKeyName: 'adobe',
    sasKey,
    hubScopedKey: true,
    audiences: [
      { id: 'a-1', name: 'Sports Fans' },
      { id: 'a-2', name: 'Newcomers' },
    ],
    attributes: ['consents.marketing.email.val', 'person.name.firstName'],
    enabled: true,
  };
  const engine = () => new SmallEngine(createAepProvider({ surroundings: time, retry: { attemptsMax: 2 } }));
  return { platform, time, inputs, engine, sandbox: platform.sandbox() };
}

/** What the only dataflow exports. */
function exported(sandbox: SandboxView): { audiences: unknown[]; attributes: unknown[] } {
  const [flow, ...others] = sandbox.flows();
  expect(others).toEqual([]);
  const [transformation] = flow?.transformations as {
    params: Record<string, { selectors: { value: Record<string, unknown> }[] }>;
  }[];
  const values = (group: string, key: string) =>
    (transformation?.params[group]?.selectors ?? []).map(({ value }) => value[key]).toSorted();
  return { audiences: values('segmentSelectors', 'id'), attributes: values('profileSelectors', 'path') };
}

const countOf = (sandbox: SandboxView): readonly number[] => [
  sandbox.flows().length,
  sandbox.targetConnections().length,
  sandbox.sourceConnections().length,
  sandbox.connections().length,
];

/** The requests that change something in AEP, while something is done. */
async function changing(platform: AdobePlatform, act: () => Promise<unknown>): Promise<readonly string[]> {
  const before = platform.requests.length;
  await act();
  return platform.requests
    .slice(before)
    .filter(({ method, path }) => method !== 'GET' && !path.startsWith('/ims/'))
    .map(
      ({ method, path }) =>
        `${method} ${path.replace('/data/foundation/flowservice/', '').replace(/\/[0-9a-f-]{36}/, '/…')}`,
    );
}

type Started = Awaited<ReturnType<typeof started>>;

/** What somebody else does, in AEP's interface or otherwise. */
function somebody({ platform, time }: Started): FlowService {
  const { url, organisation, clientId } = platform;
  const urls = { platformUrl: url, imsUrl: url };
  const options = { ...urls, organisation, clientId, clientSecret, sandbox: 'prod', surroundings: time };
  return createAdobeClient(options).flowService;
}

async function patchFlow(there: Started, operations: readonly PatchOperation[]): Promise<void> {
  const { flows } = somebody(there);
  for (const { id, etag = '' } of await flows.list()) await flows.patch(id, etag, operations);
}

test('a destination is created with everything that belongs to it, and a second run changes nothing', async () => {
  const { platform, inputs, engine, sandbox } = await started();
  const pulumi = engine();
  expect(await pulumi.up(inputs)).toBe('created');
  expect(countOf(sandbox)).toEqual([1, 1, 1, 2]);
  expect(exported(sandbox)).toEqual({ audiences: ['a-1', 'a-2'], attributes: inputs.attributes });
  expect(sandbox.flows()[0]).toMatchObject({ name: 'Activation Hub dev', state: 'enabled' });
  expect(sandbox.targetConnections()[0]).toMatchObject({ params: { eventHubName: 'profile-exports' } });
  expect(sandbox.connections().map(({ auth }) => auth)).toContainEqual(
    expect.objectContaining({
      params: { namespace: inputs.namespace, sasKeyName: 'adobe', sasKey, eventHubName: 'profile-exports' },
    }),
  );
  expect(pulumi.state?.id).toBe('prod/activation-hub/dev');
  expect(pulumi.outputs()).toMatchObject({ flowId: sandbox.flows()[0]?.id, drift: [], live: { enabled: true } });
  const requests = platform.requests.length;
  expect(await pulumi.up(inputs)).toBe('unchanged');
  expect(platform.requests.length, 'a diff asks nobody').toBe(requests);
  expect(await pulumi.refresh(inputs)).toEqual({ drift: [], isGone: false, changes: false });
});

test.each<[string, Partial<DestinationInputs>, readonly string[]]>([
  ['another audience', { audiences: [{ id: 'a-1' }, { id: 'a-2' }, { id: 'a-3' }] }, ['PATCH flows/…']],
  ['one audience less', { audiences: [{ id: 'a-2' }] }, ['PATCH flows/…']],
  ['no audience left', { audiences: [] }, ['PATCH flows/…']],
  ['other attributes', { attributes: ['person.birthDate'] }, ['PATCH flows/…']],
  [
    'audiences and attributes',
    { audiences: [{ id: 'a-9' }], attributes: ['person.birthDate'], name: 'Hub' },
    ['PATCH flows/…'],
  ],
  ['disabled', { enabled: false }, ['POST flows/…/action?op=disable']],
  ['a rotated key', { sasKey: 'another-key' }, ['PATCH connections/…']],
  ['another key', { sasKeyName: 'adobe-2', sasKey: 'another-key' }, ['PATCH connections/…']],
  ['another hub', { eventHubName: 'exports-2' }, ['PATCH targetConnections/…']],
  ['another client secret of the same client', { imsUrl: 'http://localhost:1' }, []],
])('%s: the smallest change, in the same dataflow', async (_what, edit, requests) => {
  const { platform, inputs, engine, sandbox } = await started();
  const pulumi = engine();
  await pulumi.up(inputs);
  const { flowId } = pulumi.outputs();
  const edited = { ...inputs, ...edit, imsUrl: inputs.imsUrl, ...(edit.imsUrl && { imsUrl: `${inputs.imsUrl}/` }) };
  expect(await changing(platform, async () => expect(await pulumi.up(edited)).toBe('updated'))).toEqual(requests);
  expect(pulumi.outputs().flowId).toBe(flowId);
  expect(exported(sandbox)).toEqual({
    audiences: edited.audiences.map(({ id }) => id),
    attributes: edited.attributes,
  });
  expect(sandbox.flows()[0]).toMatchObject({ id: flowId, state: edited.enabled ? 'enabled' : 'disabled' });
  expect(countOf(sandbox)).toEqual([1, 1, 1, 2]);
  expect(await pulumi.up(edited)).toBe('unchanged');
  expect(await pulumi.refresh(edited)).toEqual({ drift: [], isGone: false, changes: false });
});

test('another name of an audience in the file is no change', async () => {
  const { inputs, engine } = await started();
  const pulumi = engine();
  await pulumi.up(inputs);
  const audiences = inputs.audiences.map(({ id }) => ({ id, name: `New name of ${id}` }));
  expect(await pulumi.up({ ...inputs, audiences })).toBe('unchanged');
});

const selector = (id: string) => ({ type: 'PLATFORM_SEGMENT', value: { id } });
const audiencesPath = '/transformations/0/params/segmentSelectors/selectors';

test.each<[string, (there: Started, flowId: string) => Promise<unknown>, readonly string[]]>([
  [
    'added an audience',
    (there) => patchFlow(there, [{ op: 'add', path: `${audiencesPath}/-`, value: selector('theirs') }]),
    ['Stop exporting the audience theirs.'],
  ],
  [
    'took audiences out',
    (there) =>
      patchFlow(
        there,
        [1, 0].map((index) => ({ op: 'remove', path: `${audiencesPath}/${index}`, value: {} })),
      ),
    ['Export the audience "Sports Fans" (a-1).', 'Export the audience "Newcomers" (a-2).'],
  ],
  [
    'renamed it',
    (there) => patchFlow(there, [{ op: 'replace', path: '/name', value: 'Theirs' }]),
    ['Rename the dataflow to "Activation Hub dev".'],
  ],
  [
    'took the marks out of the description',
    (there) => patchFlow(there, [{ op: 'replace', path: '/description', value: 'Theirs' }]),
    ['Describe the dataflow as "Audiences for destinations [owner: activation-hub/dev]".'],
  ],
  ['disabled it', (there, flowId) => somebody(there).setEnabled(flowId, false), ['Enable the dataflow.']],
  [
    'deleted the dataflow',
    (there, flowId) => somebody(there).flows.delete(flowId),
    [
      'Create the dataflow "Activation Hub dev".',
      'Export the attribute consents.marketing.email.val.',
      'Export the attribute person.name.firstName.',
      'Export the audience "Sports Fans" (a-1).',
      'Export the audience "Newcomers" (a-2).',
    ],
  ],
])(
  'drift: somebody %s; a refresh shows it, again and again, and the next run puts it right',
  async (_what, act, sentences) => {
    const there = await started();
    const { platform, inputs, engine, sandbox } = there;
    const pulumi = engine();
    await pulumi.up(inputs);
    await act(there, String(pulumi.outputs().flowId));
    expect(await changing(platform, () => pulumi.refresh(inputs))).toEqual([]);
    expect(await pulumi.refresh(inputs)).toEqual({ drift: sentences, isGone: false, changes: true });
    expect(await pulumi.up(inputs)).toBe('updated');
    expect(exported(sandbox)).toEqual({ audiences: ['a-1', 'a-2'], attributes: inputs.attributes });
    expect(sandbox.flows()[0]).toMatchObject({ name: inputs.name, state: 'enabled', id: pulumi.outputs().flowId });
    expect(await pulumi.refresh(inputs)).toEqual({ drift: [], isGone: false, changes: false });
  },
);

test('a destination of which nothing is left is gone after a refresh, and made anew', async () => {
  const there = await started();
  const { inputs, engine, sandbox } = there;
  const pulumi = engine();
  await pulumi.up(inputs);
  const { flows, targetConnections, sourceConnections, connections } = somebody(there);
  for (const collection of [flows, targetConnections, sourceConnections, connections]) {
    for (const { id } of await collection.list()) await collection.delete(id);
  }
  expect(await pulumi.refresh(inputs)).toMatchObject({ isGone: true });
  expect(await pulumi.up(inputs)).toBe('created');
  expect(countOf(sandbox)).toEqual([1, 1, 1, 2]);
});

/** A dataflow that somebody made by hand, without the marks of an owner. */
async function madeByHand(there: Started): Promise<string> {
  const { inputs, engine } = there;
  const pulumi = engine();
  await pulumi.up({ ...inputs, owner: 'by/hand', audiences: [{ id: 'theirs' }] });
  const flowId = String(pulumi.outputs().flowId);
  const { flows, targetConnections, sourceConnections, connections } = somebody(there);
  for (const collection of [flows, targetConnections, sourceConnections, connections]) {
    for (const { id, etag = '' } of await collection.list()) {
      await collection.patch(id, etag, [{ op: 'replace', path: '/description', value: 'By hand' }]);
    }
  }
  return flowId;
}

test('an existing dataflow is adopted by its id, changed in place, and then owned', async () => {
  const there = await started();
  const { inputs, engine, sandbox } = there;
  const adoptFlowId = await madeByHand(there);
  const pulumi = engine();
  expect(await pulumi.up({ ...inputs, adoptFlowId })).toBe('created');
  expect(pulumi.outputs().flowId).toBe(adoptFlowId);
  expect(countOf(sandbox)).toEqual([1, 1, 1, 2]);
  expect(exported(sandbox)).toEqual({ audiences: ['a-1', 'a-2'], attributes: inputs.attributes });
  expect(await pulumi.up({ ...inputs, adoptFlowId })).toBe('unchanged');
  await pulumi.destroy();
  // The connection to the Profile Service, made by hand, never became ours.
  expect(countOf(sandbox)).toEqual([0, 0, 0, 1]);
});

test('an adopted dataflow that somebody deletes with its target is made anew, though its id is still configured', async () => {
  const there = await started();
  const adoptFlowId = await madeByHand(there);
  const inputs = { ...there.inputs, adoptFlowId };
  const pulumi = there.engine();
  await pulumi.up(inputs);
  const { flows, targetConnections } = somebody(there);
  for (const collection of [flows, targetConnections]) {
    for (const { id } of await collection.list()) await collection.delete(id);
  }
  expect(await pulumi.refresh(inputs)).toMatchObject({ isGone: false, changes: true });
  expect(await pulumi.up(inputs)).toBe('updated');
  expect(there.sandbox.flows().map(({ id }) => id)).toEqual([pulumi.outputs().flowId]);
  expect(pulumi.outputs().flowId).not.toBe(adoptFlowId);
  expect(await pulumi.up(inputs)).toBe('unchanged');
});

test('a dataflow of another owner is not adopted, and nothing of it is touched', async () => {
  const { platform, inputs, engine, sandbox } = await started();
  const theirs = engine();
  await theirs.up({ ...inputs, owner: 'somebody/else' });
  const before = JSON.stringify([sandbox.flows(), sandbox.connections()]);
  const ours = engine();
  const adoptFlowId = String(theirs.outputs().flowId);
  const requests = await changing(platform, () =>
    expect(ours.up({ ...inputs, adoptFlowId })).rejects.toThrow('it belongs to somebody/else'),
  );
  expect(requests).toEqual([]);
  expect(ours.state).toBeUndefined();
  expect(JSON.stringify([sandbox.flows(), sandbox.connections()])).toBe(before);
});

test('a deletion leaves nothing of its own behind, and all of the others; an existing connection stays', async () => {
  const { inputs, engine, sandbox } = await started();
  const theirs = engine();
  await theirs.up({ ...inputs, owner: 'somebody/else' });
  const before = JSON.stringify([sandbox.flows(), sandbox.connections()]);
  const { connectionId } = theirs.outputs().live as { connectionId: string };
  const [own, onTheirs] = [engine(), engine()];
  await own.up(inputs);
  await onTheirs.up({ ...inputs, owner: 'activation-hub/on-theirs', connectionId, sasKey: 'not-used' });
  expect(countOf(sandbox)).toEqual([3, 3, 3, 5]);
  expect(
    await onTheirs.refresh({ ...inputs, owner: 'activation-hub/on-theirs', connectionId, sasKey: 'not-used' }),
  ).toEqual({ drift: [], isGone: false, changes: false });
  await own.destroy();
  await onTheirs.destroy();
  expect(countOf(sandbox)).toEqual([1, 1, 1, 2]);
  expect(JSON.stringify([sandbox.flows(), sandbox.connections()])).toBe(before);
});

/** The error of a call, or undefined when it succeeds. */
const errorOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (reason: unknown) => reason,
  );

test('stopped after any request, a creation is completed by the next run, and a removal takes all of it away', async () => {
  let stops = 0;
  for (let requests = 1; ; requests++) {
    const { platform, inputs, engine, sandbox } = await started();
    const pulumi = engine();
    platform.faults.stopAfter(requests);
    const error = await errorOf(pulumi.up(inputs));
    platform.faults.clear();
    if (error === undefined) break;
    const told = inspect(error, { depth: 10, showHidden: true });
    for (const secret of [sasKey, clientSecret]) expect(told).not.toContain(secret);
    await pulumi.up(inputs);
    expect(countOf(sandbox)).toEqual([1, 1, 1, 2]);
    await pulumi.destroy();
    expect(countOf(sandbox)).toEqual([0, 0, 0, 0]);
    await platform.stop();
    stops++;
  }
  expect(stops).toBeGreaterThan(10);
}, 120_000);

test('what a refused creation left is in the state, so that a removal or the next run finds it', async () => {
  for (const then of ['destroy', 'up'] as const) {
    const { platform, inputs, engine, sandbox } = await started();
    const pulumi = engine();
    platform.faults.inject({ method: 'POST', path: 'flowservice/flows', status: 403, times: 10 });
    const error = await errorOf(pulumi.up(inputs));
    expect(error).toMatchObject({ message: expect.stringContaining('403') as unknown });
    expect(Object.keys(error as Error)).toEqual(['id', 'properties', 'reasons']);
    expect(countOf(sandbox)).toEqual([0, 1, 1, 2]);
    expect(pulumi.outputs()).toMatchObject({ flowId: '' });
    platform.faults.clear();
    if (then === 'up') expect(await pulumi.up(inputs)).toBe('updated');
    await pulumi.destroy();
    expect(countOf(sandbox)).toEqual([0, 0, 0, 0]);
  }
});

test('a creation that left nothing is not in the state', async () => {
  const { inputs, engine } = await started();
  const pulumi = engine();
  await expect(pulumi.up({ ...inputs, clientSecret: 'wrong' })).rejects.toThrow('client');
  expect(pulumi.state).toBeUndefined();
});

test('two runs at once make one of everything', async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const { inputs, engine, sandbox } = await started(seed);
    const [one, other] = [engine(), engine()];
    await Promise.all([one.up(inputs), other.up(inputs)]);
    expect(countOf(sandbox)).toEqual([1, 1, 1, 2]);
    expect(exported(sandbox)).toEqual({ audiences: ['a-1', 'a-2'], attributes: inputs.attributes });
    expect(one.outputs().flowId).toBe(other.outputs().flowId);
  }
});

test('in another sandbox it is another destination: made there, then taken away here', async () => {
  const { platform, inputs, engine, sandbox } = await started();
  const pulumi = engine();
  await pulumi.up(inputs);
  expect(await pulumi.up({ ...inputs, sandbox: 'trial' })).toBe('replaced');
  expect(countOf(sandbox)).toEqual([0, 0, 0, 0]);
  expect(countOf(platform.sandbox('trial'))).toEqual([1, 1, 1, 2]);
});

test('secrets are marked as such in what the state keeps, and stand nowhere else in it', async () => {
  const { inputs, engine } = await started();
  const pulumi = engine();
  await pulumi.up(inputs);
  const open = Object.entries(pulumi.state?.outputs ?? {}).filter(([, value]) => !isRpcSecret(value));
  expect(open.map(([key]) => key)).toEqual(expect.not.arrayContaining(['clientSecret', 'sasKey']) as unknown);
  expect(open.length).toBeGreaterThan(15);
  for (const secret of [sasKey, clientSecret]) expect(JSON.stringify(open)).not.toContain(secret);
});

test.each<[Partial<Record<keyof DestinationInputs, unknown>>, string]>([
  [{ clientSecret: '' }, 'clientSecret: '],
  [{ audiences: [{ id: 1 }] }, 'audiences.0.id: '],
  [{ attributes: ['a', 'a'] }, 'the attribute a is listed twice'],
  [{ platformUrl: 'http://platform.example.com' }, 'platformUrl is not an https URL'],
  [{ colour: 'blue' } as never, 'colour'],
])('inputs that cannot be right are refused before anything is asked: %j', async (wrong, words) => {
  const { platform, inputs, engine } = await started();
  const requests = platform.requests.length;
  await expect(engine().up({ ...inputs, ...wrong })).rejects.toThrow(words);
  expect(platform.requests.length).toBe(requests);
});

test('in a preview, what is not known yet is not judged, and counts as a change', async () => {
  const { inputs, engine } = await started();
  const provider = createAepProvider();
  const unknown = { ...inputs, sasKey: unknownValue };
  expect(await provider.check('urn', {}, unknown)).toEqual({ inputs: unknown, failures: [] });
  const pulumi = engine();
  await pulumi.up(inputs);
  expect(await provider.diff('id', 'urn', pulumi.outputs(), unknown)).toEqual({ changes: true, replaces: [] });
});

test('an import without a state says what to do instead', async () => {
  await expect(createAepProvider().read('prod/x', 'urn', {})).rejects.toThrow('pulumi config set aepDataflowId <id>');
});
