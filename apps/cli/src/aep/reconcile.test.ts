import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAdobeClient, type PatchOperation } from '@activation-hub/flow-service';
import { expect, test } from 'vitest';
import { aepEnvironment, audience, audienceIds, hubWords, type AepEnvironment } from '../../testing/aep-environment.ts';
import { startActivation } from '../../testing/run-activation.ts';

const [a = '', b = '', c = ''] = audienceIds;
const words = ['-a', 'dev.yaml', ...hubWords];
const one = { connections: 2, sourceConnections: 1, targetConnections: 1, flows: 1 };

function parts({ platform }: AepEnvironment) {
  const sandbox = platform.sandbox();
  return {
    connections: sandbox.connections().length,
    sourceConnections: sandbox.sourceConnections().length,
    targetConnections: sandbox.targetConnections().length,
    flows: sandbox.flows().length,
  };
}

function selected({ platform }: AepEnvironment) {
  const [flow] = platform.sandbox().flows();
  const [transformation] = (flow?.transformations ?? []) as {
    params: Record<string, { selectors: { value: { id?: string; path?: string } }[] }>;
  }[];
  const values = (group: string) => transformation?.params[group]?.selectors.map(({ value }) => value.id ?? value.path);
  return { audiences: values('segmentSelectors'), attributes: values('profileSelectors'), state: flow?.state };
}

/** A user changes the dataflow in AEP's interface. */
async function changeByHand({ platform }: AepEnvironment, operations: readonly PatchOperation[]): Promise<string> {
  const { flowService } = createAdobeClient({
    ...{ platformUrl: platform.url, imsUrl: platform.url, organisation: platform.organisation, sandbox: 'prod' },
    ...{ clientId: platform.clientId, clientSecret: platform.clientSecret },
  });
  const flow = await flowService.flows.get(String(platform.sandbox().flows()[0]?.id));
  await flowService.flows.patch(flow.id, flow.etag ?? '', operations);
  return flow.id;
}

test('one command leads from nothing to a running dataflow, and a second run changes nothing', async () => {
  const started = await aepEnvironment();
  await started.writeFile(
    [audience('fans', a, 'consent: consents.marketing.email.val,'), audience('new', b), `idle: { id: "${c}" }`].join(
      '\n',
    ),
  );

  const plan = await started.aep('plan', ...words);
  expect(plan.errors).toBe('');
  expect(plan.output).toMatch(/^8 changes to "Activation Hub dev" in the sandbox prod\n {2}Connect to the Profile/);
  expect(started.writes()).toEqual([]);

  const first = await started.aep('apply', ...words);
  expect(first.errors).toBe('');
  expect(first.output).toContain(`  Export the audience "fans" (${a}).\n`);
  expect(first.output).toMatch(/Done: the dataflow \S+ is as the file says.\n$/);
  expect(first.code).toBe(0);
  expect(parts(started)).toEqual(one);
  expect(selected(started)).toEqual({
    audiences: [a, b],
    attributes: ['consents.marketing.email.val'],
    state: 'enabled',
  });
  expect(JSON.stringify(started.platform.sandbox().connections())).toContain(started.azure.keys().primary);
  expect(first.output + plan.output).not.toContain(started.azure.keys().primary);

  const before = started.writes().length;
  const second = await started.aep('apply', ...words);
  expect(second.output).toBe('Nothing to change: "Activation Hub dev" in the sandbox prod is as the file says.\n');
  expect(started.writes().slice(before)).toEqual([]);
});

const edits: readonly (readonly [name: string, entries: readonly string[], sentences: readonly string[]])[] = [
  ['an audience more', [audience('fans', a), audience('big', c)], [`Export the audience "big" (${c}).`]],
  [
    'its only route paused',
    [audience('fans', a).replace('email }', 'email, mode: paused }')],
    [`Stop exporting the audience "fans" (${a}).`],
  ],
  ['a consent gate', [audience('fans', a, 'consent: x.y,')], ['Export the attribute x.y.']],
  ['another name', [audience('fans', a, 'name: Fans,')], []],
  [
    'an attribute and another audience instead',
    [audience('new', b).replace('email }', 'email, attributes: { n: person.name.firstName } }')],
    [
      'Export the attribute person.name.firstName.',
      `Export the audience "new" (${b}).`,
      `Stop exporting the audience "fans" (${a}).`,
    ],
  ],
];

test('each edit of the file leads to the smallest change, in one request', async () => {
  for (const [name, entries, sentences] of edits) {
    const started = await aepEnvironment();
    await started.writeFile(audience('fans', a));
    await started.aep('apply', ...words);
    const before = started.writes().length;
    await started.writeFile(entries.join('\n'));
    const { output, code } = await started.aep('apply', ...words, '--json');
    const events = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; sentences?: string[] });
    expect(
      events.flatMap((event) => event.sentences ?? []),
      name,
    ).toEqual(sentences);
    expect(events.at(-1), name).toMatchObject({
      event: 'applied',
      changed: sentences.length > 0,
      owner: 'activation-hub/dev',
    });
    expect(started.writes().slice(before), name).toEqual(sentences.length > 0 ? ['PATCH flows'] : []);
    expect(code).toBe(0);
  }
});

test('what a user changed in AEP is found by plan and put right by apply', async () => {
  const started = await aepEnvironment();
  await started.writeFile([audience('fans', a), audience('new', b)].join('\n'));
  await started.aep('apply', ...words);
  const selectors = '/transformations/0/params/segmentSelectors/selectors';
  await changeByHand(started, [
    { op: 'replace', path: '/name', value: 'By hand' },
    { op: 'remove', path: `${selectors}/0`, value: { type: 'PLATFORM_SEGMENT', value: {} } },
    { op: 'add', path: `${selectors}/-`, value: { type: 'PLATFORM_SEGMENT', value: { id: c, name: 'Große Käufe' } } },
  ]);

  const plan = await started.aep('plan', ...words, '--json');
  const { steps } = JSON.parse(plan.output) as { steps: { sentence: string }[] };
  expect(steps.map(({ sentence }) => sentence)).toEqual([
    'Rename the dataflow to "Activation Hub dev".',
    `Export the audience "fans" (${a}).`,
    `Stop exporting the audience "Große Käufe" (${c}).`,
  ]);
  expect((await started.aep('apply', ...words)).code).toBe(0);
  expect(selected(started).audiences?.toSorted()).toEqual([a, b]);
});

test('two runs at once make one of everything', async () => {
  const started = await aepEnvironment();
  await started.writeFile([audience('fans', a), audience('new', b)].join('\n'));
  const both = await Promise.all([started.aep('apply', ...words), started.aep('apply', ...words)]);
  expect(both.map(({ code, errors }) => ({ code, errors }))).toEqual([
    { code: 0, errors: '' },
    { code: 0, errors: '' },
  ]);
  expect((await started.aep('plan', ...words)).output).toMatch(/^Nothing to change/);
  expect(parts(started)).toEqual(one);
  expect(selected(started).audiences?.toSorted()).toEqual([a, b]);
});

test('a run that is killed at any write is healed by the next one', async () => {
  // Two connections, two ends, the dataflow, and one patch with all that it exports.
  for (let killedAt = 1; killedAt <= 6; killedAt += 1) {
    let left = killedAt;
    let kill = (): void => undefined;
    const started: AepEnvironment = await aepEnvironment({
      latencyMs: () => {
        const { method, path } = started.platform.requests.at(-1) ?? {};
        if (method !== 'GET' && path?.includes('/flowservice/') === true && --left === 0) kill();
        return 0;
      },
    });
    await started.writeFile(audience('fans', a));
    const run = startActivation(['aep', 'apply', ...words], {
      environment: started.environment,
      folder: started.folder,
    });
    const killed = new Promise<void>((resolve) => (kill = resolve));
    await killed;
    expect(await run.end('SIGKILL')).toBeNull();
    expect(run.events.at(-1)?.event).toBe('applying');
    const next = await started.aep('apply', ...words);
    expect(next.errors, `killed at write ${killedAt}`).toBe('');
    expect(parts(started)).toEqual(one);
    expect(selected(started)).toMatchObject({ audiences: [a], state: 'enabled' });
  }
});

test('a dataflow that was made by hand is adopted by its id', async () => {
  const started = await aepEnvironment();
  await started.writeFile(audience('fans', a));
  await started.aep('apply', ...words);
  const flowId = await changeByHand(started, [{ op: 'replace', path: '/description', value: 'By hand' }]);
  await started.writeFile(audience('new', b));
  const { output, code } = await started.aep('apply', ...words, '--adopt', flowId);
  expect(output).toContain(`the dataflow ${flowId} is as the file says`);
  expect(selected(started).audiences).toEqual([b]);
  expect(code).toBe(0);
  expect((await started.aep('plan', ...words)).output).toMatch(/^Nothing to change/);
});

test('what cannot be is said before anything is changed', async () => {
  const started = await aepEnvironment();
  await started.writeFile([audience('fans', 'nowhere'), audience('new', b)].join('\n'));
  const unknown = await started.aep('apply', ...words);
  expect(unknown.errors).toMatch(/^Failed to plan: the sandbox prod does not have fans \(nowhere\)\. Look for the id/);
  expect(unknown.code).toBe(2);

  await started.writeFile(audience('fans', a));
  started.azure.emulator.regenerateKey('adobe', 'primary', 'profile-exports');
  const dead = await started.aep('apply', ...words);
  expect(dead.errors).toMatch(/^Failed to give AEP the key adobe: the event hub profile-exports refuses it/);
  expect(dead.errors).not.toContain(started.environment.AEP_SAS_KEY);
  expect(dead.code).toBe(1);

  const environment = { AEP_CLIENT_SECRET: 'a-wrong-one' };
  const wrong = await started.activation(['aep', 'plan', ...words, '--json'], { environment });
  expect(JSON.parse(wrong.errors)).toMatchObject({ event: 'failed', exitCode: 1, status: 400, code: 'invalid_client' });
  expect(wrong.errors).not.toContain('a-wrong-one');
  expect(started.writes()).toEqual([]);
});

test('a stack’s outputs name the hub, and without pulumi the way out is said', async () => {
  const started = await aepEnvironment();
  const activations = join(started.folder, 'apps', 'handler', 'activations');
  const [infra, bin] = [join(started.folder, 'infra'), join(started.folder, 'bin')];
  await Promise.all([activations, infra, bin].map((each) => mkdir(each, { recursive: true })));
  await started.writeFile(audience('fans', a));
  await writeFile(join(activations, 'dev.yaml'), await readFile(join(started.folder, 'dev.yaml')));
  await writeFile(join(infra, 'Pulumi.yaml'), 'name: test\n');
  const environment = { AEP_SAS_KEY: '', PATH: bin };
  const run = (...more: readonly string[]) =>
    started.activation(['aep', 'plan', '--environment', 'dev', ...more], { environment });

  const none = await run();
  expect(none.errors).toMatch(/^Failed to read the outputs of the stack dev: there is no pulumi command\. Install it/);
  expect(none.code).toBe(1);

  const outputs = {
    eventHubsNamespace: 'evhns-dev',
    eventHubName: 'profile-exports',
    adobeKeyName: 'adobe',
    adobeKey: 'k',
  };
  const script = `#!/bin/sh\n[ "$*" = "stack output --json --show-secrets --stack dev" ] || { echo "error: wrong words" >&2; exit 1; }\n`;
  await writeFile(join(bin, 'pulumi'), `${script}echo '${JSON.stringify(outputs)}'\n`);
  await chmod(join(bin, 'pulumi'), 0o755);
  const planned = await run();
  expect(planned.errors).toBe('');
  expect(planned.output).toContain('Connect to the Event Hubs namespace evhns-dev with the key named adobe.');
  expect((await run('--namespace', 'mine')).output).toContain('namespace mine with the key');

  await writeFile(join(bin, 'pulumi'), '#!/bin/sh\necho "error: no stack named dev found" >&2\nexit 255\n');
  expect((await run()).errors).toMatch(
    /^Failed to read the outputs of the stack dev: no stack named dev found\. Sign in/,
  );
});
