import { armId, armResources } from './arm-resources.ts';
import type { PlannedResource } from './plan/planned-resource.ts';
import { roleDefinitions } from './roles.ts';

/**
 * Who may talk to whom in a stack: its components, those outside, and what allows each
 * conversation.
 */
export interface StackGraph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

export interface GraphNode {
  readonly name: string;
  /** `outside` is what the stack does not make. */
  readonly kind: 'component' | 'outside';
  /** What is in it, such as `ScheduledQueryRule × 6`. */
  readonly contents: readonly string[];
}

export interface GraphEdge {
  /** Who begins the conversation. */
  readonly from: string;
  readonly to: string;
  /** What allows it: roles, a key, a diagnostic setting. */
  readonly allowedBy: readonly string[];
  /** Through a private endpoint. */
  readonly isPrivate: boolean;
}

const adobe = 'Adobe Experience Platform';
const thirdParties = 'third parties';
const roleNames = new Map<string, string>(Object.entries(roleDefinitions).map(([name, id]) => [id, name]));

/**
 * Reads the graph off the resources of a stack; nothing in it is written by hand but the two
 * outside.
 */
export function stackGraph(resources: readonly PlannedResource[]): StackGraph {
  const components = resources.filter(isComponent);
  const inside = components.map(({ name }) => ({
    name,
    kind: 'component' as const,
    contents: contentsOf(resources.filter(({ parent, type }) => parent === name && !type.endsWith(':RoleAssignment'))),
  }));
  const outside = [adobe, thirdParties].map((name) => ({ name, kind: 'outside' as const, contents: [] }));
  const owners = new Map(
    resources.flatMap(({ type, inputs, parent }) => {
      const resource = armResources[type];
      const id = resource === undefined ? undefined : armId(resource, inputs, '');
      return id === undefined || parent === undefined ? [] : [[withinSubscription(id), parent] as const];
    }),
  );
  const found = resources.flatMap((resource) => conversations(resource, owners));
  const wayOut = components.some(({ name }) => name === 'network') ? 'HTTPS, from one fixed address' : 'HTTPS';
  const all = [...found, { from: 'handler', to: thirdParties, allowedBy: wayOut }];
  const privately = privateTargets(resources, owners);
  return {
    nodes: [...inside, ...outside],
    edges: [...Map.groupBy(all, ({ from, to }) => `${from}→${to}`).values()].flatMap((same) => {
      const [first] = same;
      if (first === undefined) return [];
      const { from, to } = first;
      const isPrivate = from === 'handler' && privately.has(to);
      return [{ from, to, allowedBy: [...new Set(same.map(({ allowedBy }) => allowedBy))], isPrivate }];
    }),
  };
}

const isComponent = ({ type }: PlannedResource): boolean => type.startsWith('activation-hub:infra:');

function contentsOf(children: readonly PlannedResource[]): readonly string[] {
  const types = children.filter((child) => !isComponent(child)).map(({ type }) => type.split(':').at(-1) ?? type);
  return [...Map.groupBy(types, (type) => type)].map(([type, same]) =>
    same.length === 1 ? type : `${type} × ${same.length}`,
  );
}

/** What one resource allows. */
function conversations(
  { type, name, parent, inputs }: PlannedResource,
  owners: ReadonlyMap<string, string>,
): readonly { from: string; to: string; allowedBy: string }[] {
  switch (type) {
    case 'azure-native:eventhub:EventHubAuthorizationRule':
      return [{ from: adobe, to: parent ?? name, allowedBy: `key with ${(inputs.rights as string[]).join(', ')}` }];
    case 'aep:index:Destination':
      return [{ from: parent ?? name, to: adobe, allowedBy: 'OAuth client secret' }];
    case 'azure-native:authorization:RoleAssignment': {
      const role = roleNames.get(String(inputs.roleDefinitionId).split('/').at(-1) ?? '') ?? 'unknown role';
      const to = ownerOf(inputs.scope, owners);
      // The archive's identity is Event Hubs' own: the stream writes with it.
      return [{ from: parent === to ? 'stream' : (parent ?? name), to, allowedBy: role }];
    }
    case 'azure-native:monitor:DiagnosticSetting':
      return [{ from: ownerOf(inputs.resourceUri, owners), to: parent ?? name, allowedBy: 'diagnostic setting' }];
    default:
      return [];
  }
}

/** Azure compares ids without case. A stack has one subscription, whose id is left out. */
const withinSubscription = (id: string): string => id.toLowerCase().replace(/^\/subscriptions\/[^/]*/, '');

/** The component of a resource, or of the one that it is in. */
function ownerOf(id: unknown, owners: ReadonlyMap<string, string>): string {
  let rest = withinSubscription(String(id));
  while (rest !== '') {
    const owner = owners.get(rest);
    if (owner !== undefined) return owner;
    rest = rest.slice(0, Math.max(0, rest.lastIndexOf('/')));
  }
  throw new Error(`Failed to draw the stack: no component has ${String(id)}.`);
}

function privateTargets(
  resources: readonly PlannedResource[],
  owners: ReadonlyMap<string, string>,
): ReadonlySet<string> {
  const endpoints = resources.filter(({ type }) => type === 'azure-native:network:PrivateEndpoint');
  const connections = endpoints.flatMap(
    ({ inputs }) => inputs.privateLinkServiceConnections as { privateLinkServiceId: string }[],
  );
  return new Set(connections.map(({ privateLinkServiceId }) => ownerOf(privateLinkServiceId, owners)));
}
