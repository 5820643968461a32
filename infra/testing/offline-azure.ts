import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { armId, armNames, armResources, type ArmResource } from './arm-resources.ts';
import { azureAnswer, azureOutputs, subscriptionId } from './azure-answers.ts';
import { armFaults } from './validate-arm.ts';
import { revealedProperties } from './wire-values.ts';

type Values = Readonly<Record<string, unknown>>;

const ruleSet = 'azure-native:eventhub:NamespaceNetworkRuleSet';
/** What azure-native puts in place of the rules of a namespace that are taken out of a stack. */
const closed = { defaultAction: 'Deny', publicNetworkAccess: 'Disabled', ipRules: [], virtualNetworkRules: [] };

/** A resource as Azure has it. */
export interface StoredResource {
  readonly id: string;
  /** As Pulumi calls it, such as `azure-native:eventhub:EventHub`. */
  readonly type: string;
  /** As they came over the wire, secrets marked. */
  readonly inputs: Values;
}

/**
 * Azure's Resource Manager in a folder, one file per resource, so that it outlives the processes that talk to it. It refuses
 * what Azure refuses: a body that its types do not have, a parent or another resource that does not exist, a name that is
 * taken. What is refused throws an error that says why.
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
    if (resource === undefined) return [`${type} is not known: add it to testing/arm-resources.ts`];
    return armFaults(resource, revealedProperties(inputs));
  }

  /** The id that a resource will have, or `undefined` before the names in it are known. */
  idOf(type: string, inputs: Values): string | undefined {
    return armId(resourceOf(type), revealedProperties(inputs), subscriptionId);
  }

  create(type: string, inputs: Values): StoredResource {
    const id = this.idOf(type, inputs);
    if (id === undefined) throw new Error(`Failed to create a ${type}: a part of its name is missing.`);
    // A namespace has rules from its beginning, so they are never made, only changed.
    if (type !== ruleSet && this.find(id) !== undefined) throw new Error(`Failed to create ${id}: it exists already.`);
    const needed = [parentId(resourceOf(type), id), ...referencedIds(revealedProperties(inputs))];
    const missing = needed.find((one) => !this.#exists(one));
    if (missing !== undefined) throw new Error(`Failed to create ${id}: ${missing} does not exist.`);
    return this.#keep({ id, type, inputs });
  }

  update(id: string, inputs: Values): StoredResource {
    const stored = this.find(id);
    if (stored === undefined) throw new Error(`Failed to update ${id}: it does not exist.`);
    const missing = referencedIds(revealedProperties(inputs)).find((one) => !this.#exists(one));
    if (missing !== undefined) throw new Error(`Failed to update ${id}: ${missing} does not exist.`);
    return this.#keep({ ...stored, inputs });
  }

  /**
   * Takes away a resource and what is in it; one that does not exist is no error, as with Azure. As azure-native does it: a secret by a
   * call to the vault's data plane, for which a deployer has no role (custom_keyvault.go); the rules of a namespace by putting what
   * it holds for their default (defaultResourcesState.go), which closes it.
   */
  delete(id: string): void {
    const type = this.find(id)?.type;
    if (type === 'azure-native:keyvault:Secret') {
      throw new Error(`Failed to delete ${id}: 403 Forbidden, the caller has no data role on the vault.`);
    }
    if (type === ruleSet) {
      const inputs = { ...this.find(id)?.inputs, ...closed };
      this.#keep({ id, type, inputs });
      return;
    }
    const below = `${id.toLowerCase()}/`;
    const gone = this.resources().filter((one) => `${one.id.toLowerCase()}/`.startsWith(below));
    for (const one of gone) rmSync(this.#fileOf(one.id), { force: true });
  }

  find(id: string): StoredResource | undefined {
    const file = this.#fileOf(id);
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as StoredResource) : undefined;
  }

  /** Everything that exists, in the order of ids. */
  resources(): readonly StoredResource[] {
    return readdirSync(this.#folder)
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
    if (id !== undefined && !this.#exists(id)) throw new Error(`Failed to list keys: ${id} does not exist.`);
    return azureAnswer(token);
  }

  #keysOf(token: string, args: Values): string | undefined {
    if (token !== 'azure-native:eventhub:listEventHubKeys') return undefined;
    return this.idOf('azure-native:eventhub:EventHubAuthorizationRule', args);
  }

  #keep(resource: StoredResource): StoredResource {
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

function resourceOf(type: string): ArmResource {
  const resource = armResources[type];
  if (resource === undefined) throw new Error(`Failed to find ${type}: add it to testing/arm-resources.ts.`);
  return resource;
}

/** What must exist before: the resource around it, the one it extends, or its group. */
function parentId(resource: ArmResource, id: string): string {
  const segments = id.split('/');
  if (resource.type === 'Microsoft.Resources/resourceGroups') return segments.slice(0, 3).join('/');
  const isChild = resource.names.length > 1;
  // The last two of an id are its type and name; before those of a top resource come `providers` and the namespace.
  const parent = segments.slice(0, isChild ? -2 : -4).join('/');
  const isFixed = resource.names.at(-2)?.startsWith("'") === true;
  return isFixed ? segments.slice(0, -4).join('/') : parent;
}

/** The ids of other resources in the inputs, without those of built-in roles; a subnet counts as its network. */
function referencedIds(value: unknown): readonly string[] {
  if (typeof value === 'string') {
    const isId = value.startsWith(`/subscriptions/${subscriptionId}/resourceGroups/`) && !/\s/.test(value);
    return isId ? [value.replace(/\/subnets\/[^/]+$/, '')] : [];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(referencedIds);
}
