import { ConsumerGroup } from '@pulumi/azure-native/eventhub/consumerGroup.js';
import { EventHub } from '@pulumi/azure-native/eventhub/eventHub.js';
import { EventHubAuthorizationRule } from '@pulumi/azure-native/eventhub/eventHubAuthorizationRule.js';
import { listEventHubKeys } from '@pulumi/azure-native/eventhub/listEventHubKeys.js';
import { Namespace } from '@pulumi/azure-native/eventhub/namespace.js';
import { NamespaceNetworkRuleSet } from '@pulumi/azure-native/eventhub/namespaceNetworkRuleSet.js';
import {
  all,
  ComponentResource,
  runtime,
  secret,
  unknown,
  type ComponentResourceOptions,
  type Input,
  type Output,
} from '@pulumi/pulumi';
import type { EventHubsTier } from '../config-schema.ts';
import type { Place } from '../place.ts';
import { EventArchive } from './event-archive.ts';

export interface EventStreamArgs {
  readonly place: Place;
  /** A namespace keeps the tier that it was made with. */
  readonly eventHubsTier: EventHubsTier;
  /** The resource id of the cluster of a Dedicated namespace; empty for the others. */
  readonly eventHubsClusterId: string;
  /** What a Premium namespace computes with; Azure gives no throughput of one. */
  readonly processingUnits: number;
  /** How many readers can share the work; on the Standard tier it can never be changed. */
  readonly partitionCount: number;
  /**
   * How long events wait for a reader: the time in which an outage can be repaired without loss.
   */
  readonly retentionHours: number;
  /**
   * Throughput units of a Standard namespace at rest: each takes in 1 MB or 1000 events, and gives
   * out 2 MB, per second.
   */
  readonly throughputUnits: number;
  /**
   * Up to how many units Azure raises it by itself (it never lowers it again); equal to the above
   * for never.
   */
  readonly throughputUnitsMax: number;
  /**
   * Give Adobe's key the right to send and no other. Adobe documents Manage, Listen and Send, for
   * its form lists the hubs; the export itself only sends.
   */
  readonly sendOnly: boolean;
  /** Keep every event as it came, as Avro files in an account of its own (Event Hubs Capture). */
  readonly archive: boolean;
  /**
   * Refuse everyone but these IP ranges and subnets. Absent: everyone who has a key or a role may
   * knock.
   */
  readonly allowOnly?: {
    /** Adobe's published egress ranges, such as `203.0.113.0/24`. */
    readonly ipRanges: readonly string[];
    /**
     * The subnet from which the handler reads; it needs the service endpoint Microsoft.EventHub.
     */
    readonly subnetId: Input<string>;
  };
}

/**
 * What Adobe Experience Platform sends to: an Event Hubs namespace with one hub, the handler's own
 * consumer group, and the key with which Adobe signs in, which counts for this hub only. Adobe
 * knows shared access keys and nothing else, so local authentication stays on; our own code signs
 * in with roles.
 */
export class EventStream extends ComponentResource {
  /** The host name, such as `evhns-….servicebus.windows.net`. */
  readonly hostName: string;
  readonly namespaceName: string;
  readonly namespaceId: Output<string>;
  readonly hubName: Output<string>;
  readonly hubId: Output<string>;
  readonly consumerGroup: Output<string>;
  readonly adobeKeyName: Output<string>;
  /** The key for Adobe's form; a secret. */
  readonly adobeKey: Output<string>;

  constructor(name: string, args: EventStreamArgs, options?: ComponentResourceOptions) {
    super('activation-hub:infra:EventStream', name, {}, options);
    const archive = args.archive
      ? new EventArchive(`${name}-archive`, { place: args.place }, { parent: this })
      : undefined;
    const namespace = this.#createNamespace(name, args, archive);
    this.#createNetworkRules(name, args.place, namespace, args.allowOnly);
    const hub = this.#createHub(name, args, namespace, archive);
    const consumerGroup = this.#createConsumerGroup(name, args.place, namespace, hub);
    const key = this.#createAdobeKey(name, args, namespace, hub);

    this.namespaceName = args.place.names.eventHubsNamespace;
    this.hostName = `${this.namespaceName}.servicebus.windows.net`;
    this.namespaceId = namespace.id;
    this.hubName = hub.name;
    this.hubId = hub.id;
    this.consumerGroup = consumerGroup.name;
    this.adobeKeyName = key.name;
    this.adobeKey = secret(this.#readKey(args.place, namespace, hub, key));
    this.registerOutputs({ hubName: this.hubName, adobeKeyName: this.adobeKeyName });
  }

  /**
   * Who may only preview may list no keys (docs/operating/security.md); in a preview of theirs it
   * is not known.
   */
  #readKey(place: Place, namespace: Namespace, hub: EventHub, key: EventHubAuthorizationRule): Output<string> {
    return all([place.resourceGroupName, namespace.name, hub.name, key.name]).apply(
      async ([resourceGroupName, namespaceName, eventHubName, authorizationRuleName]) => {
        const rule = { resourceGroupName, namespaceName, eventHubName, authorizationRuleName };
        try {
          return (await listEventHubKeys(rule, { parent: this })).primaryKey;
        } catch (error) {
          if (runtime.isDryRun() && String(error).includes('AuthorizationFailed')) return unknown as unknown as string;
          throw error;
        }
      },
    );
  }

  #createNamespace(name: string, args: EventStreamArgs, archive: EventArchive | undefined): Namespace {
    const { place } = args;
    return new Namespace(
      `${name}-namespace`,
      {
        resourceGroupName: place.resourceGroupName,
        namespaceName: place.names.eventHubsNamespace,
        location: place.location,
        tags: place.tags,
        ...capacityOf(args),
        minimumTlsVersion: '1.2',
        disableLocalAuth: false,
        publicNetworkAccess: 'Enabled',
        // The service ignores `false`, and says `true` of its own accord where the region has
        // zones: sent, it would differ for ever.
        ...(place.zoneRedundant ? { zoneRedundant: true } : {}),
        ...(archive ? { identity: { type: 'UserAssigned', userAssignedIdentities: [archive.identityId] } } : {}),
      },
      { parent: this, protect: place.protectData, dependsOn: archive ? [...archive.grants] : [] },
    );
  }

  /**
   * The rules are always there. A namespace has them from its beginning, and where they are taken
   * out of a stack, azure-native puts what it holds for their default: everyone refused and public
   * access off (defaultResourcesState.go).
   */
  #createNetworkRules(
    name: string,
    place: Place,
    namespace: Namespace,
    allowOnly: EventStreamArgs['allowOnly'],
  ): NamespaceNetworkRuleSet {
    return new NamespaceNetworkRuleSet(
      `${name}-network-rules`,
      {
        resourceGroupName: place.resourceGroupName,
        namespaceName: namespace.name,
        defaultAction: allowOnly === undefined ? 'Allow' : 'Deny',
        publicNetworkAccess: 'Enabled',
        trustedServiceAccessEnabled: true,
        ipRules: (allowOnly?.ipRanges ?? []).map((ipMask) => ({ ipMask, action: 'Allow' })),
        virtualNetworkRules: allowOnly === undefined ? [] : [{ subnet: { id: allowOnly.subnetId } }],
      },
      { parent: this },
    );
  }

  #createHub(name: string, args: EventStreamArgs, namespace: Namespace, archive: EventArchive | undefined): EventHub {
    return new EventHub(
      `${name}-hub`,
      {
        resourceGroupName: args.place.resourceGroupName,
        namespaceName: namespace.name,
        eventHubName: 'profile-exports',
        partitionCount: args.partitionCount,
        retentionDescription: { cleanupPolicy: 'Delete', retentionTimeInHours: args.retentionHours },
        ...(archive ? { captureDescription: archive.captureDescription } : {}),
      },
      { parent: this, protect: args.place.protectData },
    );
  }

  #createConsumerGroup(name: string, place: Place, namespace: Namespace, hub: EventHub): ConsumerGroup {
    return new ConsumerGroup(
      `${name}-consumer-group`,
      {
        resourceGroupName: place.resourceGroupName,
        namespaceName: namespace.name,
        eventHubName: hub.name,
        consumerGroupName: 'handler',
      },
      { parent: this },
    );
  }

  #createAdobeKey(
    name: string,
    { place, sendOnly }: EventStreamArgs,
    namespace: Namespace,
    hub: EventHub,
  ): EventHubAuthorizationRule {
    return new EventHubAuthorizationRule(
      `${name}-adobe-key`,
      {
        resourceGroupName: place.resourceGroupName,
        namespaceName: namespace.name,
        eventHubName: hub.name,
        authorizationRuleName: 'adobe',
        rights: sendOnly ? ['Send'] : ['Manage', 'Listen', 'Send'],
      },
      { parent: this },
    );
  }
}

/**
 * How much a namespace takes. Only Standard is inflated by Azure; a Dedicated namespace is one of
 * Standard's in a cluster, which has the capacity (learn.microsoft.com,
 * event-hubs-dedicated-overview and azure/templates/microsoft.eventhub/namespaces).
 */
function capacityOf({
  eventHubsTier,
  eventHubsClusterId,
  processingUnits,
  throughputUnits,
  throughputUnitsMax,
}: EventStreamArgs) {
  const fixed = { isAutoInflateEnabled: false, maximumThroughputUnits: 0 };
  switch (eventHubsTier) {
    case 'Standard': {
      const inflates = throughputUnitsMax > throughputUnits;
      return {
        sku: { name: 'Standard', tier: 'Standard', capacity: throughputUnits },
        isAutoInflateEnabled: inflates,
        maximumThroughputUnits: inflates ? throughputUnitsMax : 0,
      };
    }
    case 'Premium':
      return { sku: { name: 'Premium', tier: 'Premium', capacity: processingUnits }, ...fixed };
    case 'Dedicated':
      return {
        sku: { name: 'Standard', tier: 'Standard', capacity: 1 },
        clusterArmId: eventHubsClusterId,
        ...fixed,
      };
  }
}
