import { secret } from '@pulumi/pulumi';
import { expect, test } from 'vitest';
import { recordComponent } from '../testing/record-component.ts';
import { ofType, recordTestedStack, theOnly } from '../testing/stacks.ts';
import { AepDestination, type AepDestinationArgs } from './aep-destination.ts';

const record = (over: Partial<AepDestinationArgs> = {}) =>
  recordComponent(
    () =>
      new AepDestination('aep', {
        environment: 'dev',
        platform: {
          organisation: '0123456789ABCDEF@AdobeOrg',
          sandbox: 'prod',
          clientId: 'client',
          clientSecret: secret('client-secret'),
          platformUrl: 'https://platform.adobe.io',
          imsUrl: 'https://ims-na1.adobelogin.com',
        },
        stream: {
          namespaceName: 'evhns-acthub-dev-1a2b3c',
          hubName: 'profile-exports',
          adobeKeyName: 'adobe',
          adobeKey: secret('sas-key'),
        },
        exports: { audiences: [{ id: 'a-1', name: 'Sports Fans' }], attributes: ['person.name.firstName'] },
        enabled: true,
        hubScopedKey: true,
        ...over,
      }),
  );

test('it is one resource with everything that AEP is told, and both secrets stay secret', async () => {
  const { resources } = await record();
  expect(resources.map(({ type, name, parent }) => [type, name, parent])).toEqual([
    ['activation-hub:infra:AepDestination', 'aep', undefined],
    ['aep:index:Destination', 'aep-dataflow', 'aep'],
  ]);
  expect(theOnly(resources, 'Destination').inputs).toEqual({
    organisation: '0123456789ABCDEF@AdobeOrg',
    sandbox: 'prod',
    clientId: 'client',
    clientSecret: { secret: true },
    platformUrl: 'https://platform.adobe.io',
    imsUrl: 'https://ims-na1.adobelogin.com',
    owner: 'activation-hub/dev',
    name: 'Activation Hub dev',
    description: 'Kept as the activation file of dev says',
    namespace: 'evhns-acthub-dev-1a2b3c',
    eventHubName: 'profile-exports',
    sasKeyName: 'adobe',
    sasKey: { secret: true },
    hubScopedKey: true,
    audiences: [{ id: 'a-1', name: 'Sports Fans' }],
    attributes: ['person.name.firstName'],
    enabled: true,
  });
});

test('what exists already and what Adobe calls things is told where it is configured', async () => {
  const { resources } = await record({ dataflowId: 'f', connectionId: 'c', authSpecName: 'SAS', enabled: false });
  expect(theOnly(resources, 'Destination').inputs).toMatchObject({
    adoptFlowId: 'f',
    connectionId: 'c',
    authSpecName: 'SAS',
    enabled: false,
  });
});

test('in a stack it comes after the hub, its key and everything of the handler', async () => {
  const { resources } = await recordTestedStack('everything');
  const { dependsOn } = theOnly(resources, 'Destination');
  const handler = resources.filter(({ parent }) => parent === 'handler').map(({ name }) => name);
  expect(handler).toContain('handler-app');
  expect(dependsOn).toEqual(expect.arrayContaining(['stream-hub', 'stream-adobe-key', ...handler]));
});

test('a stack that is not told of Adobe has none, and its output is the form to fill in', async () => {
  const { resources, outputs } = await recordTestedStack('dev');
  expect(ofType(resources, 'Destination')).toEqual([]);
  expect(outputs).not.toHaveProperty('aepDataflow');
  expect((await recordTestedStack('everything')).outputs).not.toHaveProperty('aepForm');
});
