import { createHash } from 'node:crypto';
import type { Input } from '@pulumi/pulumi';

/**
 * Where an environment lives and what everything in it is called. Every component gets the same
 * one.
 */
export interface Place {
  readonly resourceGroupName: Input<string>;
  /** The region, such as `westeurope`. */
  readonly location: string;
  readonly subscriptionId: string;
  readonly tenantId: string;
  readonly names: Names;
  readonly tags: Readonly<Record<string, string>>;
  /** Spread over the region's zones what holds data: costs more, survives the loss of one. */
  readonly zoneRedundant: boolean;
  /** Copy the storage accounts to the paired region, minutes behind. */
  readonly geoRedundant: boolean;
  /** Refuse to delete what holds data, until someone takes the protection away. */
  readonly protectData: boolean;
}

/**
 * The names of an environment's resources. They say the same every time for the same subscription,
 * workload and environment; those that must be unique in the world end in six characters made from
 * the three.
 */
export type Names = ReturnType<typeof createNames>;

export interface Naming {
  /** 3 to 7 lower-case letters. */
  readonly workload: string;
  /** 2 to 7 lower-case letters or digits. */
  readonly environment: string;
  readonly subscriptionId: string;
  /**
   * From 1: a vault keeps its name for 90 days after it was destroyed, and with another number it
   * has another one.
   */
  readonly vaultNumber?: number;
}

export function createNames({ workload, environment, subscriptionId, vaultNumber = 1 }: Naming) {
  const suffixOf = (...more: readonly number[]): string =>
    createHash('sha256')
      .update([subscriptionId, workload, environment, ...more].join('/'))
      .digest('hex')
      .slice(0, 6);
  const suffix = suffixOf();
  const named = (kind: string): string => `${kind}-${workload}-${environment}`;
  const unique = (kind: string): string => `${named(kind)}-${suffix}`;
  return {
    resourceGroup: named('rg'),
    eventHubsNamespace: unique('evhns'),
    /**
     * Storage accounts have 3 to 24 letters and digits; the longest workload and environment make
     * 24.
     */
    hostAccount: `${workload}${environment}host${suffix}`,
    dataAccount: `${workload}${environment}data${suffix}`,
    /** The accounts over which a ledger is spread, from 1 to 32. */
    ledgerAccount: (number: number): string => `${workload}${environment}le${String(number).padStart(2, '0')}${suffix}`,
    archiveAccount: `${workload}${environment}arch${suffix}`,
    /** Vaults have 3 to 24 letters, digits and hyphens. */
    vault: `kv${workload}${environment}${vaultNumber === 1 ? suffix : suffixOf(vaultNumber)}`,
    plan: named('plan'),
    app: unique('func'),
    handlerIdentity: named('id-handler'),
    archiveIdentity: named('id-archive'),
    workspace: named('log'),
    applicationInsights: named('appi'),
    actionGroup: named('ag'),
    budget: named('budget'),
    network: named('vnet'),
    /** A name inside the environment, such as that of an alert: `alert-acthub-dev-lag`. */
    within: (kind: string, what: string): string => `${named(kind)}-${what}`,
  };
}

/** The namespace of our version 5 UUIDs; changing it renames every role assignment. */
const uuidNamespace = '8d9f2f0e-54a1-4f0c-9a53-6a8d3f1f5c2b';

/**
 * A UUID (RFC 9562, version 5) that is always the same for the same text: for resources that Azure
 * names by UUID.
 */
export function stableUuid(text: string): string {
  const digest = createHash('sha1')
    .update(Buffer.from(uuidNamespace.replaceAll('-', ''), 'hex'))
    .update(text)
    .digest();
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x50, 6);
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = digest.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}
