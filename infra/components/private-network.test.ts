import { expect, test } from 'vitest';
import { placeForTests, recordComponent, settled } from '../testing/record-component.ts';
import { ofType, theOnly } from '../testing/stacks.ts';
import { PrivateNetwork } from './private-network.ts';

const record = () =>
  recordComponent(
    () =>
      new PrivateNetwork('network', {
        place: placeForTests(),
        addressSpace: '10.40.7.0/24',
        targets: [
          { name: 'host-blob', resourceId: '/host', service: 'blob' },
          { name: 'data-blob', resourceId: '/data', service: 'blob' },
          { name: 'vault', resourceId: '/kv', service: 'vault' },
        ],
      }),
  );
const group = '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-acthub-dev/providers';

test('one subnet is for the app, with its own way out and to Event Hubs; the other for endpoints', async () => {
  const { inputs } = theOnly((await record()).resources, 'VirtualNetwork');
  expect(inputs).toMatchObject({
    addressSpace: { addressPrefixes: ['10.40.7.0/24'] },
    subnets: [
      {
        name: 'handler',
        addressPrefix: '10.40.7.0/25',
        delegations: [{ serviceName: 'Microsoft.App/environments' }],
        natGateway: { id: `${group}/Microsoft.Network/natGateways/ng-acthub-dev-outbound` },
        serviceEndpoints: [{ service: 'Microsoft.EventHub' }],
      },
      { name: 'endpoints', addressPrefix: '10.40.7.128/25' },
    ],
  });
});

test('every target has an endpoint whose name the network resolves', async () => {
  const { resources } = await record();
  const endpoints = ofType(resources, 'PrivateEndpoint').map(({ inputs }) => inputs.privateLinkServiceConnections);
  expect(endpoints).toEqual([
    [{ name: 'data-blob', privateLinkServiceId: '/data', groupIds: ['blob'] }],
    [{ name: 'host-blob', privateLinkServiceId: '/host', groupIds: ['blob'] }],
    [{ name: 'vault', privateLinkServiceId: '/kv', groupIds: ['vault'] }],
  ]);
  const zone = (name: string) => `${group}/Microsoft.Network/privateDnsZones/${name}`;
  expect(ofType(resources, 'PrivateDnsZoneGroup').map(({ inputs }) => inputs.privateDnsZoneConfigs)).toEqual([
    [{ name: 'blob', privateDnsZoneId: zone('privatelink.blob.core.windows.net') }],
    [{ name: 'blob', privateDnsZoneId: zone('privatelink.blob.core.windows.net') }],
    [{ name: 'vault', privateDnsZoneId: zone('privatelink.vaultcore.azure.net') }],
  ]);
});

test('a service has one zone, however many endpoints, and the network is linked to it', async () => {
  const { resources } = await record();
  const zones = ofType(resources, 'PrivateZone').map(({ inputs }) => inputs.privateZoneName);
  expect(zones).toEqual(['privatelink.blob.core.windows.net', 'privatelink.vaultcore.azure.net']);
  expect(ofType(resources, 'VirtualNetworkLink').map(({ inputs }) => inputs.privateZoneName)).toEqual(zones);
});

test('third parties are called from one fixed address', async () => {
  const { resources, made } = await record();
  expect(theOnly(resources, 'PublicIPAddress').inputs).toMatchObject({
    publicIPAllocationMethod: 'Static',
    sku: { name: 'Standard' },
  });
  expect((await settled(made.outboundAddress)).value).toBe('203.0.113.9');
  expect((await settled(made.handlerSubnetId)).value).toBe(
    `${group}/Microsoft.Network/virtualNetworks/vnet-acthub-dev/subnets/handler`,
  );
});
