import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { armId, armNames, armResources, type ArmResource } from '../arm-resources.ts';
import { azureAnswer, azureOutputs, subscriptionId } from '../plan/azure-answers.ts';
import { armFaults } from './validate-arm.ts';
import { revealedProperties } from '../plan/wire-values.ts';

type Values = Readonly<Record<string, unknown>>;

const types = {
  ruleSet: 'azure-native:eventhub:NamespaceNetworkRuleSet',
  secret: 'azure-native:keyvault:Secret',
  vault: 'azure-native:keyvault:Vault',
  hub: 'azure-native:eventhub:EventHub',
  namespace: 'azure-native:eventhub:Namespace',
  account: 'azure-native:storage:StorageAccount',
  app: 'azure-native:web:WebApp',
  settings: 'azure-native:web:WebAppApplicationSettings',
};
/** What azure-native puts in place of the rules of a namespace that are taken out of a stack. */
/** Beside the resources in the folder. */
const marksFile = 'marks.json';
const closed = { defaultAction: 'Deny', publicNetworkAccess: 'Disabled', ipRules: [], virtualNetworkRules: [] };

/** What Azure knows beside its resources. */
interface Marks {
  readonly role: 'deployer' | 'previewer';
  readonly deletedVaults: readonly string[];
  readonly usedNetworks: readonly string[];
}

/** A resource as Azure has it. */
export interface StoredResource {
  readonly id: string;
  /** As Pulumi calls it, such as `azure-native:eventhub:EventHub`. */
  readonly type: string;
  /** As they came over the wire, secrets marked. */
  readonly inputs: Values;
}

/**
 * Azure's Resource Manager in a folder, one file per resource, so that it outlives the processes
 * that talk to it. It refuses what Azure refuses: a body that its types do not have, a parent or
 * another resource that does not exist, a name that is taken. What is refused throws an error that
 * says why.
 */
export class OfflineAzure {
  readonly #folder: string;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
  }

  /** What is wrong with the inputs of a type, a line each. */
  faults(type: string, inputs: Values): readonly string[] {
    const resource = armResources[type];
    if (resource === undefined) return [`${type} is not known: add it to arm-resources.ts`];
    return armFaults(resource, revealedProperties(inputs));
  }

  /** The id that a resource will have, or `undefined` before the names in it are known. */
  idOf(type: string, inputs: Values): string | undefined {
    return armId(resourceOf(type), revealedProperties(inputs), subscriptionId);
  }

  create(type: string, inputs: Values): StoredResource {
    const id = this.idOf(type, inputs);
    this.#requireDeployer(id ?? type);
    if (id === undefined) throw new Error(`Failed to create a ${type}: a part of its name is missing.`);
    // A namespace has rules from its beginning, so they are never made, only changed.
    if (type !== types.ruleSet && this.find(id) !== undefined)
      throw new Error(`Failed to create ${id}: it exists already.`);
    const needed = [parentId(resourceOf(type), id), ...referencedIds(revealedProperties(inputs))];
    const missing = needed.find((one) => !this.#exists(one));
    if (missing !== undefined) throw new Error(`Failed to create ${id}: ${missing} does not exist.`);
    if (this.#marks.deletedVaults.includes(id.toLowerCase())) {
      throw new Error(
        `Failed to create ${id}: 409 Conflict, a vault with the same name already exists in deleted state.`,
      );
    }
    return this.#keep({ id, type, inputs });
  }

  update(id: string, inputs: Values): StoredResource {
    this.#requireDeployer(id);
    const stored = this.find(id);
    if (stored === undefined) throw new Error(`Failed to update ${id}: it does not exist.`);
    const kept = immutable(stored.type, stored.inputs, inputs);
    if (kept !== undefined) throw new Error(`Failed to update ${id}: ${kept}`);
    const missing = referencedIds(revealedProperties(inputs)).find((one) => !this.#exists(one));
    if (missing !== undefined) throw new Error(`Failed to update ${id}: ${missing} does not exist.`);
    return this.#keep({ ...stored, inputs });
  }

  /**
   * Takes away a resource and what is in it; one that does not exist is no error, as with Azure. As
   * azure-native does it: a secret by a call to the vault's data plane, for which a deployer has no
   * role (custom_keyvault.go); the rules of a namespace by putting what it holds for their default
   * (defaultResourcesState.go), which closes it. A network whose subnet an app of Flex Consumption
   * has used stays, until Azure has freed the subnet (Azure-Functions issue 2605); a vault keeps
   * its name.
   */
  delete(id: string): void {
    this.#requireDeployer(id);
    const type = this.find(id)?.type;
    if (type === types.secret) {
      throw new Error(`Failed to delete ${id}: 403 Forbidden, the caller has no data role on the vault.`);
    }
    if (type === types.ruleSet) {
      const inputs = { ...this.find(id)?.inputs, ...closed };
      this.#keep({ id, type, inputs });
      return;
    }
    const below = `${id.toLowerCase()}/`;
    const gone = this.resources().filter((one) => `${one.id.toLowerCase()}/`.startsWith(below));
    const used = gone.find((one) => this.#marks.usedNetworks.includes(one.id.toLowerCase()));
    if (used !== undefined) {
      throw new Error(
        `Failed to delete ${used.id}: InUseSubnetCannotBeDeleted, …/serviceAssociationLinks/legionservicelink.`,
      );
    }
    const vaults = gone.filter((one) => one.type === types.vault).map((one) => one.id.toLowerCase());
    this.#mark({ deletedVaults: [...this.#marks.deletedVaults, ...vaults] });
    for (const one of gone) rmSync(this.#fileOf(one.id), { force: true });
  }

  /** Days pass, and Azure frees the subnets that apps have left. */
  freeSubnets(): void {
    this.#mark({ usedNetworks: [] });
  }

  /**
   * From now on who asks has the role of the previewing identity (bootstrap/template.json), or that
   * of the deploying one.
   */
  actAs(role: 'deployer' | 'previewer'): void {
    this.#mark({ role });
  }

  /** What a refresh reads. The settings of an app are read by POST, which is more than reading. */
  read(id: string): StoredResource | undefined {
    const stored = this.find(id);
    if (stored?.type === types.settings) this.#requireDeployer(`${id}/list`);
    return stored;
  }

  find(id: string): StoredResource | undefined {
    const file = this.#fileOf(id);
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as StoredResource) : undefined;
  }

  /** Everything that exists, in the order of ids. */
  resources(): readonly StoredResource[] {
    return readdirSync(this.#folder)
      .filter((file) => file !== marksFile)
      .map((file) => JSON.parse(readFileSync(join(this.#folder, file), 'utf8')) as StoredResource)
      .toSorted((one, other) => (one.id < other.id ? -1 : 1));
  }

  /** What a resource has beyond its inputs. */
  outputsOf({ id, type, inputs }: StoredResource): Values {
    const name = armNames(resourceOf(type), revealedProperties(inputs)).at(-1);
    return { ...inputs, name, ...azureOutputs(type, id) };
  }

  /** Answers a function of the provider, such as the one that lists keys. */
  answer(token: string, args: Values): Values {
    const id = this.#keysOf(token, revealedProperties(args));
    if (id !== undefined) this.#requireDeployer(`${id}/listKeys`);
    if (id !== undefined && !this.#exists(id)) throw new Error(`Failed to list keys: ${id} does not exist.`);
    return azureAnswer(token);
  }

  #keysOf(token: string, args: Values): string | undefined {
    if (token !== 'azure-native:eventhub:listEventHubKeys') return undefined;
    return this.idOf('azure-native:eventhub:EventHubAuthorizationRule', args);
  }

  get #marks(): Marks {
    const file = join(this.#folder, marksFile);
    const known = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Partial<Marks>) : {};
    return { role: 'deployer', deletedVaults: [], usedNetworks: [], ...known };
  }

  #mark(over: Partial<Marks>): void {
    writeFileSync(join(this.#folder, marksFile), JSON.stringify({ ...this.#marks, ...over }));
  }

  #requireDeployer(what: string): void {
    if (this.#marks.role === 'deployer') return;
    throw new Error(`Status=403 Code="AuthorizationFailed": the previewing identity may only read, not ${what}.`);
  }

  #keep(resource: StoredResource): StoredResource {
    const subnet = resource.type === types.app ? resource.inputs.virtualNetworkSubnetId : undefined;
    if (typeof subnet === 'string') {
      const network = subnet.replace(/\/subnets\/[^/]+$/, '').toLowerCase();
      this.#mark({ usedNetworks: [...new Set([...this.#marks.usedNetworks, network])] });
    }
    writeFileSync(this.#fileOf(resource.id), JSON.stringify(resource, undefined, 1));
    return resource;
  }

  #fileOf(id: string): string {
    return join(this.#folder, `${createHash('sha256').update(id.toLowerCase()).digest('hex')}.json`);
  }

  #exists(id: string): boolean {
    if (/^\/subscriptions\/[^/]+$/.test(id)) return true;
    if (this.find(id) !== undefined) return true;
    // A storage account has its services from the start, each called default.
    const service = /^(.+)\/(?:blob|queue|table|file)Services\/default$/.exec(id)?.[1];
    return service !== undefined && this.#exists(service);
  }
}

/**
 * What of a resource cannot be changed, in words; nothing where all that changes can. Partitions of
 * a Standard hub (learn.microsoft.com, event-hubs-scalability); zones of a namespace
 * (terraform-provider-azurerm issue 18542); a storage account's zones, which Azure converts on
 * request only (learn.microsoft.com, redundancy-migration).
 */
function immutable(type: string, olds: Values, news: Values): string | undefined {
  const zonesOf = ({ sku }: Values): boolean =>
    String((sku as { readonly name?: unknown } | undefined)?.name).endsWith('ZRS');
  if (type === types.hub && olds.partitionCount !== news.partitionCount) return 'partitionCount cannot be changed.';
  if (type === types.namespace && olds.zoneRedundant !== news.zoneRedundant) return 'zoneRedundant cannot be changed.';
  if (type === types.account && zonesOf(olds) !== zonesOf(news))
    return 'the zones of an account are converted on request.';
  return undefined;
}

function resourceOf(type: string): ArmResource {
  const resource = armResources[type];
  if (resource === undefined) throw new Error(`Failed to find ${type}: add it to arm-resources.ts.`);
  return resource;
}

/** What must exist before: the resource around it, the one it extends, or its group. */
function parentId(resource: ArmResource, id: string): string {
  const segments = id.split('/');
  if (resource.type === 'Microsoft.Resources/resourceGroups') return segments.slice(0, 3).join('/');
  const isChild = resource.names.length > 1;
  // The last two of an id are its type and name; before those of a top resource come `providers`
  // and the namespace.
  const parent = segments.slice(0, isChild ? -2 : -4).join('/');
  const isFixed = resource.names.at(-2)?.startsWith("'") === true;
  return isFixed ? segments.slice(0, -4).join('/') : parent;
}

/**
 * The ids of other resources in the inputs, without those of built-in roles; a subnet counts as its
 * network.
 */
function referencedIds(value: unknown): readonly string[] {
  if (typeof value === 'string') {
    const isId = value.startsWith(`/subscriptions/${subscriptionId}/resourceGroups/`) && !/\s/.test(value);
    return isId ? [value.replace(/\/subnets\/[^/]+$/, '')] : [];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(referencedIds);
}
