import { isRpcSecret, unknownValue } from '@pulumi/pulumi/runtime/rpc.js';
import { expect, test } from 'vitest';
import type { DestinationInputs } from './aep-inputs.ts';
import { createAepProvider } from './aep-provider.ts';
import {
  changing,
  clientSecret,
  countOf,
  exported,
  patchFlow,
  sasKey,
  somebody,
  started,
} from './testing/aep-started.ts';
import type { Started } from './testing/aep-started.ts';

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
  'drift: a user %s; a refresh shows it, again and again, and the next run puts it right',
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

test('an audience that AEP does not have is refused before anything is made or changed', async () => {
  const { platform, inputs, engine, sandbox } = await started();
  const typo = { ...inputs, audiences: [...inputs.audiences, { id: 'a-typo', name: 'Sport Fans' }] };
  const pulumi = engine();
  const words = 'the sandbox prod does not have Sport Fans (a-typo). Look for the id with activation aep audiences';
  await expect(pulumi.up(typo)).rejects.toThrow(words);
  expect(pulumi.state).toBeUndefined();
  expect(countOf(sandbox)).toEqual([0, 0, 0, 0]);
  await pulumi.up(inputs);
  expect(await changing(platform, () => expect(pulumi.up(typo)).rejects.toThrow(words))).toEqual([]);
  const elsewhere = { ...inputs, audiences: [{ id: 'theirs-in-aam', namespace: 'AAMSegments' }] };
  expect(await pulumi.up(elsewhere)).toBe('updated');
});

test('an audience that AEP has no longer keeps no new key from it', async () => {
  const { inputs, engine } = await started();
  const pulumi = engine();
  const gone = { ...inputs, audiences: [{ id: 'gone' }] };
  await pulumi.up(inputs);
  const { state } = pulumi;
  if (state !== undefined) pulumi.state = { ...state, outputs: { ...state.outputs, audiences: gone.audiences } };
  expect(await pulumi.up({ ...gone, sasKey: 'another-key' })).toBe('updated');
});

test('in a preview, what is not known is not judged, and counts as a change, but for the key that no user may read', async () => {
  const { inputs, engine } = await started();
  const provider = createAepProvider();
  const unknown = { ...inputs, namespace: unknownValue };
  expect(await provider.check('urn', {}, unknown)).toEqual({ inputs: unknown, failures: [] });
  const pulumi = engine();
  await pulumi.up(inputs);
  expect(await provider.diff('id', 'urn', pulumi.outputs(), unknown)).toEqual({ changes: true, replaces: [] });
  const withheld = { ...inputs, sasKey: unknownValue };
  expect(await provider.check('urn', {}, withheld)).toEqual({ inputs: withheld, failures: [] });
  expect(await provider.diff('id', 'urn', pulumi.outputs(), withheld)).toEqual({ changes: false, replaces: [] });
});

test('an import without a state says what to do instead', async () => {
  await expect(createAepProvider().read('prod/x', 'urn', {})).rejects.toThrow('pulumi config set aepDataflowId <id>');
});
