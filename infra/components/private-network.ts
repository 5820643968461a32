import { NatGateway } from '@pulumi/azure-native/network/natGateway.js';
import { PrivateDnsZoneGroup } from '@pulumi/azure-native/network/privateDnsZoneGroup.js';
import { PrivateEndpoint } from '@pulumi/azure-native/network/privateEndpoint.js';
import { PublicIPAddress } from '@pulumi/azure-native/network/publicIPAddress.js';
import { VirtualNetwork } from '@pulumi/azure-native/network/virtualNetwork.js';
import { PrivateZone } from '@pulumi/azure-native/privatedns/privateZone.js';
import { VirtualNetworkLink } from '@pulumi/azure-native/privatedns/virtualNetworkLink.js';
import { ComponentResource, interpolate, type ComponentResourceOptions, type Input, type Output } from '@pulumi/pulumi';
import type { Place } from '../place.ts';

export interface PrivateNetworkArgs {
  readonly place: Place;
  /** A /24 that no peered network uses, such as `10.40.7.0/24`. */
  readonly addressSpace: string;
  /** What the handler is to reach without crossing the internet. */
  readonly targets: readonly PrivateTarget[];
}

export interface PrivateTarget {
  /** Part of the endpoint's name, such as `data-table`. */
  readonly name: string;
  readonly resourceId: Input<string>;
  readonly service: PrivateService;
}

/** What Azure calls the services, and the zones in which their private names are. */
const zones = {
  blob: 'privatelink.blob.core.windows.net',
  queue: 'privatelink.queue.core.windows.net',
  table: 'privatelink.table.core.windows.net',
  vault: 'privatelink.vaultcore.azure.net',
} as const;
export type PrivateService = keyof typeof zones;

/**
 * A network of the environment's own. The handler's traffic leaves through one subnet: to storage
 * and vault by private endpoints, to Event Hubs by a service endpoint, and to third parties through
 * one fixed address, which they can allow. Adobe delivers from outside, so the hub keeps its public
 * name and is guarded by its rules.
 */
export class PrivateNetwork extends ComponentResource {
  /** Where the function app is. */
  readonly handlerSubnetId: Output<string>;
  /** The address from which third parties are called. */
  readonly outboundAddress: Output<string>;

  constructor(name: string, args: PrivateNetworkArgs, options?: ComponentResourceOptions) {
    super('activation-hub:infra:PrivateNetwork', name, {}, options);
    const { place, targets } = args;
    const address = this.#createAddress(name, place);
    const gateway = this.#createGateway(name, place, address);
    const network = this.#createNetwork(name, args, gateway);
    for (const [service, ofService] of Map.groupBy(targets, ({ service }) => service)) {
      const zoneId = this.#createZone(`${name}-${service}`, place, service, network);
      for (const target of ofService) this.#connect(name, place, target, { network, zoneId });
    }

    this.handlerSubnetId = subnetId(network, 'handler');
    this.outboundAddress = address.ipAddress.apply((ipAddress) => ipAddress ?? '');
    this.registerOutputs({ handlerSubnetId: this.handlerSubnetId });
  }

  #createAddress(name: string, place: Place): PublicIPAddress {
    return new PublicIPAddress(
      `${name}-outbound-address`,
      {
        resourceGroupName: place.resourceGroupName,
        publicIpAddressName: place.names.within('pip', 'outbound'),
        location: place.location,
        tags: place.tags,
        sku: { name: 'Standard', tier: 'Regional' },
        publicIPAllocationMethod: 'Static',
        publicIPAddressVersion: 'IPv4',
      },
      { parent: this },
    );
  }

  #createGateway(name: string, place: Place, address: PublicIPAddress): NatGateway {
    return new NatGateway(
      `${name}-gateway`,
      {
        resourceGroupName: place.resourceGroupName,
        natGatewayName: place.names.within('ng', 'outbound'),
        location: place.location,
        tags: place.tags,
        sku: { name: 'Standard' },
        publicIpAddresses: [{ id: address.id }],
      },
      { parent: this },
    );
  }

  /**
   * Subnets stand inside the network, so that one update cannot remove what another resource had
   * put there.
   */
  #createNetwork(name: string, { place, addressSpace }: PrivateNetworkArgs, gateway: NatGateway): VirtualNetwork {
    const [handlerPrefix, endpointPrefix] = halves(addressSpace);
    return new VirtualNetwork(
      `${name}-network`,
      {
        resourceGroupName: place.resourceGroupName,
        virtualNetworkName: place.names.network,
        location: place.location,
        tags: place.tags,
        addressSpace: { addressPrefixes: [addressSpace] },
        subnets: [
          {
            name: 'handler',
            addressPrefix: handlerPrefix,
            defaultOutboundAccess: false,
            natGateway: { id: gateway.id },
            delegations: [{ name: 'flex-consumption', serviceName: 'Microsoft.App/environments' }],
            serviceEndpoints: [{ service: 'Microsoft.EventHub' }],
          },
          { name: 'endpoints', addressPrefix: endpointPrefix, defaultOutboundAccess: false },
        ],
      },
      { parent: this },
    );
  }

  #createZone(name: string, place: Place, service: PrivateService, network: VirtualNetwork): Output<string> {
    const zone = new PrivateZone(
      `${name}-zone`,
      {
        resourceGroupName: place.resourceGroupName,
        privateZoneName: zones[service],
        location: 'global',
        tags: place.tags,
      },
      { parent: this },
    );
    new VirtualNetworkLink(
      `${name}-link`,
      {
        resourceGroupName: place.resourceGroupName,
        privateZoneName: zone.name,
        virtualNetworkLinkName: place.names.network,
        location: 'global',
        tags: place.tags,
        registrationEnabled: false,
        virtualNetwork: { id: network.id },
      },
      { parent: this },
    );
    return zone.id;
  }

  #connect(
    name: string,
    place: Place,
    target: PrivateTarget,
    { network, zoneId }: { readonly network: VirtualNetwork; readonly zoneId: Output<string> },
  ): void {
    const endpoint = new PrivateEndpoint(
      `${name}-${target.name}`,
      {
        resourceGroupName: place.resourceGroupName,
        privateEndpointName: place.names.within('pe', target.name),
        location: place.location,
        tags: place.tags,
        subnet: { id: subnetId(network, 'endpoints') },
        privateLinkServiceConnections: [
          { name: target.name, privateLinkServiceId: target.resourceId, groupIds: [target.service] },
        ],
      },
      { parent: this },
    );
    new PrivateDnsZoneGroup(
      `${name}-${target.name}-names`,
      {
        resourceGroupName: place.resourceGroupName,
        privateEndpointName: endpoint.name,
        privateDnsZoneGroupName: 'default',
        privateDnsZoneConfigs: [{ name: target.service, privateDnsZoneId: zoneId }],
      },
      { parent: this },
    );
  }
}

function subnetId(network: VirtualNetwork, subnet: string): Output<string> {
  return interpolate`${network.id}/subnets/${subnet}`;
}

/** The two /25 of a /24. */
function halves(addressSpace: string): readonly [string, string] {
  const base = addressSpace.replace(/\.\d+\/24$/, '');
  return [`${base}.0/25`, `${base}.128/25`];
}
