import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAdobeClient, createEventHubsDestinations } from '@activation-hub/flow-service';
import { systemClock } from '@activation-hub/delivery';
import { expect, onTestFinished, test } from 'vitest';
import { aepEnvironment, audience, audienceIds, hubWords, type AepEnvironment } from '../../testing/aep-environment.ts';
import { createTenant } from '../traffic/tenant.ts';
import { emulateExports } from './emulated-exports.ts';

const [a = ''] = audienceIds;
const file = ['-a', 'dev.yaml'];
const rotate = [
  'aep',
  'rotate-key',
  ...file,
  ...hubWords,
  '--resource-group',
  'local',
  '--settle-seconds',
  '2',
  '--json',
];

interface Traffic {
  readonly taken: number;
  readonly refused: number;
}

/** A destination in AEP, whose exports go on with a key for some time after it was replaced. */
async function underTraffic(credentialsAgeMs: number): Promise<AepEnvironment & { readonly traffic: Traffic }> {
  const started = await aepEnvironment();
  await started.writeFile(audience('fans', a));
  expect(await started.aep('apply', ...file, ...hubWords)).toMatchObject({ code: 0 });
  const traffic = { taken: 0, refused: 0 };
  const stopping = new AbortController();
  const { promise: begun, resolve: begin } = Promise.withResolvers<undefined>();
  const exports = emulateExports({
    platform: started.platform,
    sandbox: 'prod',
    eventHubsUrl: started.azure.eventHubsUrl,
    tenant: createTenant({
      ...{ seed: 1, profiles: 20, namespaces: ['email'], attributes: [], consents: [] },
      audiences: [{ namespace: 'ups', id: a, name: 'fans' }],
    }),
    rate: 10,
    credentialsAgeMs,
    clock: systemClock,
    signal: stopping.signal,
    onExport: (isTaken) => {
      traffic[isTaken ? 'taken' : 'refused'] += 1;
      begin(undefined);
    },
  });
  onTestFinished(async () => {
    stopping.abort();
    await exports;
  });
  await begun;
  return { ...started, traffic };
}

function keyInAep({ platform }: AepEnvironment): unknown {
  const keys = platform
    .sandbox()
    .connections()
    .map(({ auth }) => (auth as { params?: { sasKey?: string } } | undefined)?.params?.sasKey);
  return keys.find((key) => key !== undefined);
}

function steps(output: string): readonly string[] {
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; step?: string; which?: string })
    .map(({ event, step, which }) => [step ?? event, which].filter((word) => word !== undefined).join(' '));
}

const allSteps = [
  ...['found', 'given secondary', 'waiting', 'settled', 'regenerated primary', 'given primary'],
  ...['waiting', 'settled', 'regenerated secondary', 'flowing', 'rotated'],
];

test('both keys are replaced under traffic, and nothing that AEP sends is refused', async () => {
  const started = await underTraffic(200);
  const before = started.azure.keys();
  const { code, output, errors } = await started.activation(rotate);
  expect(errors).toBe('');
  expect(steps(output)).toEqual(allSteps);
  const after = started.azure.keys();
  expect(Object.values(after)).not.toContain(before.primary);
  expect(Object.values(after)).not.toContain(before.secondary);
  expect(keyInAep(started)).toBe(after.primary);
  expect(started.traffic.refused).toBe(0);
  expect(started.traffic.taken).toBeGreaterThan(5);
  for (const key of Object.values({ ...before, ...after, second: before.secondary })) expect(output).not.toContain(key);
  expect(code).toBe(0);
});

test('control: where AEP goes on with a key for longer than was waited, exports are refused', async () => {
  const started = await underTraffic(8_000);
  await started.activation(rotate);
  expect(started.traffic.refused).toBeGreaterThan(0);
});

// The steps between these change nothing.
test.each([1, 4, 5, 8].map((index) => ({ step: allSteps[index], index })))(
  'a run that dies after "$step" ($index) loses nothing, and the next one ends the work',
  { timeout: 300_000 },
  async ({ index }) => {
    const started = await underTraffic(200);
    let left = index;
    const died = await started.activation(rotate, {
      onPrint: () => {
        if (left-- === 0) throw new Error('died');
      },
    });
    expect(died.code).toBe(1);
    const before = started.azure.keys();
    const { code, output, errors } = await started.activation(rotate);
    expect(errors).toBe('');
    expect(code).toBe(0);
    expect(steps(output).at(-1)).toBe('rotated');
    const after = started.azure.keys();
    expect(after.primary).not.toBe(before.primary);
    expect(after.secondary).not.toBe(before.secondary);
    expect(keyInAep(started)).toBe(after.primary);
    expect(started.traffic.refused).toBe(0);
  },
);

test('of two runs at once one stops, the other ends the work, and nothing is lost', async () => {
  const started = await underTraffic(200);
  const before = started.azure.keys();
  let second: ReturnType<AepEnvironment['activation']> | undefined;
  const first = await started.activation(rotate, {
    onPrint: (line) => {
      if (line.includes('"waiting"')) second ??= started.activation(rotate);
    },
  });
  expect(first.errors).toContain('another run or user gave AEP another key meanwhile');
  expect(first.code).toBe(1);
  expect(await second).toMatchObject({ code: 0, errors: '' });
  expect(Object.values(started.azure.keys())).not.toContain(before.primary);
  expect(Object.values(started.azure.keys())).not.toContain(before.secondary);
  expect(started.traffic.refused).toBe(0);
});

test('a key that a user typed into AEP’s form is not replaced while AEP uses it', async () => {
  const started = await underTraffic(200);
  const { flowService } = clientOf(started);
  const [connection] = started.platform
    .sandbox()
    .connections()
    .filter(({ auth }) => auth !== undefined);
  const { params } = connection?.auth as { params: Record<string, string> };
  const value = { ...params, sasKey: started.azure.keys().secondary };
  const { etag = '' } = await flowService.connections.get(connection?.id ?? '');
  // The mark in the description goes on to say that it is the primary one.
  await flowService.connections.patch(connection?.id ?? '', etag, [{ op: 'replace', path: '/auth/params', value }]);
  expect(await started.activation(rotate)).toMatchObject({ code: 0 });
  expect(started.traffic.refused).toBe(0);
});

test('a connection that others use, or that was not made for the hub, is left alone', async () => {
  const started = await aepEnvironment();
  const none = await started.activation(rotate);
  expect(none.errors).toContain('has no destination of activation-hub/dev. Make it with activation aep apply.');
  await started.writeFile(audience('fans', a));
  await started.aep('apply', ...file, ...hubWords);
  const destinations = createEventHubsDestinations(clientOf(started));
  const state = await destinations.read({ owner: 'activation-hub/dev' });
  const { primary } = started.azure.keys();
  const other = {
    ...{ owner: 'somebody/else', name: 'Other', description: '', audiences: [], attributes: [], enabled: true },
    eventHub: { namespace: 'local', eventHubName: 'other', sasKeyName: 'adobe', sasKey: primary },
    connectionId: state?.connectionId ?? '',
  };
  await destinations.apply(await destinations.plan(other));
  const keys = started.azure.keys();
  const shared = await started.activation(rotate);
  expect(JSON.parse(shared.errors)).toMatchObject({ exitCode: 1 });
  expect(shared.errors).toContain('is used by dataflows of others too');
  expect(started.azure.keys()).toEqual(keys);
});

test('without traffic nothing is replaced, unless silence is allowed', async () => {
  const started = await aepEnvironment();
  await started.writeFile(audience('fans', a));
  await started.aep('apply', ...file, ...hubWords);
  const before = started.azure.keys();
  const silent = await started.activation(rotate);
  expect(silent.errors).toContain('no event came in 2 seconds. Both keys work');
  expect(silent.code).toBe(1);
  expect(started.azure.keys()).toEqual(before);
  const { code, output } = await started.activation([...rotate, '--allow-silence']);
  expect(steps(output).at(-1)).toBe('rotated');
  expect(code).toBe(0);
  expect(Object.values(started.azure.keys())).not.toContain(before.primary);
});

test('the outputs of a stack are enough, and the way to bring them up to date is said', async () => {
  const started = await aepEnvironment();
  await started.writeFile(audience('fans', a));
  await started.aep('apply', ...file, ...hubWords);
  const { subscriptionId, resourceGroup, namespace, eventHubName, keyName } = started.azure.place;
  const outputs = {
    ...{ eventHubsNamespace: namespace, eventHubName, adobeKeyName: keyName, adobeKey: started.azure.keys().primary },
    resourceGroup,
    resourceGroupLink: `https://portal.azure.com/#@tenant/resource/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}`,
  };
  const [infra, bin] = [join(started.folder, 'infra'), join(started.folder, 'bin')];
  await Promise.all([infra, bin].map((folder) => mkdir(folder)));
  await writeFile(join(infra, 'Pulumi.yaml'), 'name: test\n');
  await writeFile(join(bin, 'pulumi'), `#!/bin/sh\necho '${JSON.stringify(outputs)}'\n`, { mode: 0o755 });
  const words = ['aep', 'rotate-key', ...file, '--environment', 'dev', '--settle-seconds', '1', '--allow-silence'];
  const environment = { PATH: bin, AEP_SAS_KEY: '', AZURE_SUBSCRIPTION_ID: '' };
  const { code, output, errors } = await started.activation(words, { environment });
  expect(output).toMatch(/^AEP was given the primary key last\.\nGave AEP the secondary key\.\nWaiting 1 seconds/);
  expect(errors).toBe('Run pulumi up --stack dev in infra, so that the outputs of the stack have the new key.\n');
  expect(code).toBe(0);
  // Until then the key of the outputs is dead, and is not given to AEP.
  const apply = await started.activation(['aep', 'apply', ...file, '--environment', 'dev'], { environment });
  expect(apply.errors).toContain('pulumi up brings the outputs of the stack up to date');
  expect(keyInAep(started)).toBe(started.azure.keys().primary);
});

test('an interruption during a wait replaces nothing', async () => {
  const started = await underTraffic(200);
  const before = started.azure.keys();
  const interruption = new AbortController();
  const { code, errors } = await started.activation(rotate, {
    interrupted: interruption.signal,
    onPrint: (line) => {
      if (line.includes('"waiting"')) interruption.abort();
    },
  });
  expect(errors).toContain('Stopped, as asked.');
  expect(code).toBe(1);
  expect(started.azure.keys()).toEqual(before);
  expect(started.traffic.refused).toBe(0);
});

test('what Azure refuses is said with its code, and where to look', async () => {
  const started = await aepEnvironment();
  await started.writeFile(audience('fans', a));
  await started.aep('apply', ...file, ...hubWords);
  const elsewhere = rotate.map((word) => (word === 'local' ? 'elsewhere' : word));
  const wrong = await started.activation([...elsewhere.slice(0, 4), ...hubWords, '--resource-group', 'elsewhere']);
  expect(wrong.errors).toMatch(
    /Azure: it answered 404 \(ResourceNotFound, There is no such key here\)\. Check --subscription/,
  );
  const place = await started.activation(['aep', 'rotate-key', ...file, ...hubWords], {
    environment: { AZURE_SUBSCRIPTION_ID: '' },
  });
  expect(place.errors).toContain('give --subscription (or AZURE_SUBSCRIPTION_ID) and --resource-group');
  expect(place.code).toBe(2);
});

function clientOf({ platform, environment }: AepEnvironment) {
  return createAdobeClient({
    platformUrl: platform.url,
    imsUrl: platform.url,
    clientId: platform.clientId,
    clientSecret: platform.clientSecret,
    organisation: platform.organisation,
    sandbox: environment.AEP_SANDBOX ?? '',
  });
}
