import { AdobeError } from './adobe-error.ts';
import { adobeIds, type Connection, type Entity, type Flow, type FlowEnd } from './flow-service-entities.ts';
import type { FlowService } from './flow-service.ts';
import { chosenAmong, ownerOf } from './ownership.ts';

/**
 * All dataflows to destinations. Not only those to Event Hubs: a dataflow whose target connection
 * is gone is not known to lead there, and must be found all the same.
 */
export const destinationFlowFilter = 'inheritedAttributes.properties.isDestinationFlow==true';

export interface Whose {
  readonly owner: string;
  readonly adoptFlowId?: string | undefined;
  readonly connectionId?: string | undefined;
}

export interface Leftover {
  readonly collection: 'flows' | 'targetConnections' | 'sourceConnections' | 'connections';
  readonly id: string;
}

/** What there is of a destination. */
export interface ObservedDestination {
  readonly flow?: Flow;
  readonly target?: FlowEnd;
  readonly targetBase?: Connection;
  readonly source?: FlowEnd;
  readonly sourceBase?: Connection;
  /** Whether dataflows of others use the same connection to the hub. */
  readonly targetBaseIsShared: boolean;
  /**
   * What belongs to the owner and is not part of the destination: left by a run that stopped, or by
   * two at once. In the order to delete it.
   */
  readonly leftovers: readonly Leftover[];
  /** What a removal deletes with the destination, in that order. */
  readonly parts: readonly Leftover[];
}

interface Inventory {
  readonly flows: readonly Flow[];
  readonly targets: readonly FlowEnd[];
  readonly sources: readonly FlowEnd[];
  readonly connections: readonly Connection[];
}

/**
 * Looks for everything of an owner. Throws `AdobeError` when the dataflow to adopt is not there, or
 * belongs to another owner.
 */
export async function observeDestination(
  flowService: FlowService,
  whose: Whose,
  signal?: AbortSignal,
): Promise<ObservedDestination> {
  const inventory = await takeInventory(flowService, whose, signal);
  const isOurs = (entity: Entity) => ownerOf(entity) === whose.owner;
  const ourFlows = inventory.flows.filter((flow) => isOurFlow(flow, whose, inventory));
  const fitting = ourFlows.filter((flow) => isWhole(flow, whose, inventory));
  const chosen = fitting.find(({ id }) => id === whose.adoptFlowId) ?? chosenAmong(fitting);
  // The list may be behind, and its ETag old.
  const flow = chosen === undefined ? undefined : await flowService.flows.find(chosen.id, signal);
  const usedByOthers = (end: FlowEnd) => inventory.flows.some((other) => !ourFlows.includes(other) && uses(other, end));
  const freeTargets = inventory.targets.filter(
    (end) => isOurs(end) && !usedByOthers(end) && isOnConnection(end, whose) && hasBase(end, inventory),
  );
  const freeSources = inventory.sources.filter((end) => isOurs(end) && !usedByOthers(end) && hasBase(end, inventory));
  const target = flow === undefined ? chosenAmong(freeTargets) : inventory.targets.find((end) => uses(flow, end));
  const source = flow === undefined ? chosenAmong(freeSources) : inventory.sources.find((end) => uses(flow, end));
  const ourBases = (specId: string) =>
    inventory.connections.filter((base) => isOurs(base) && base.connectionSpec?.id === specId);
  const baseOf = (end: FlowEnd) => inventory.connections.find(({ id }) => id === end.baseConnectionId);
  const targetBase =
    target !== undefined
      ? baseOf(target)
      : whose.connectionId !== undefined
        ? inventory.connections.find(({ id }) => id === whose.connectionId)
        : chosenAmong(ourBases(adobeIds.eventHubsConnectionSpec));
  const sourceBase = source === undefined ? chosenAmong(ourBases(adobeIds.profileConnectionSpec)) : baseOf(source);
  const ourEnds = [...inventory.targets, ...inventory.sources].filter(
    (end) => !usedByOthers(end) && (isOurs(end) || ourFlows.some((ours) => uses(ours, end))),
  );
  const isFree = (base: Connection) =>
    [...inventory.targets, ...inventory.sources].every(
      (end) => end.baseConnectionId !== base.id || ourEnds.includes(end),
    );
  const parts: Leftover[] = [
    ...ourFlows.map(({ id }): Leftover => ({ collection: 'flows', id })),
    ...inventory.targets
      .filter((end) => ourEnds.includes(end))
      .map(({ id }): Leftover => ({ collection: 'targetConnections', id })),
    ...inventory.sources
      .filter((end) => ourEnds.includes(end))
      .map(({ id }): Leftover => ({ collection: 'sourceConnections', id })),
    ...inventory.connections
      .filter((base) => isOurs(base) && isFree(base) && base.id !== whose.connectionId)
      .map(({ id }): Leftover => ({ collection: 'connections', id })),
  ];
  const inUse = new Set([flow, target, source, targetBase, sourceBase].map((entity) => entity?.id));
  return {
    ...(flow === undefined ? {} : { flow }),
    ...(target === undefined ? {} : { target }),
    ...(source === undefined ? {} : { source }),
    ...(targetBase === undefined ? {} : { targetBase }),
    ...(sourceBase === undefined ? {} : { sourceBase }),
    targetBaseIsShared: targetBase !== undefined && !isFree(targetBase),
    leftovers: parts.filter(({ id }) => !inUse.has(id)),
    parts,
  };
}

async function takeInventory(flowService: FlowService, whose: Whose, signal?: AbortSignal): Promise<Inventory> {
  const { eventHubsConnectionSpec, profileConnectionSpec } = adobeIds;
  const ofSpec = (id: string) => ({ property: [`connectionSpec.id==${id}`], signal });
  const [flows, targets, sources, hubConnections, profileConnections] = await Promise.all([
    flowService.flows.list({ property: [destinationFlowFilter], signal }),
    flowService.targetConnections.list(ofSpec(eventHubsConnectionSpec)),
    flowService.sourceConnections.list(ofSpec(profileConnectionSpec)),
    flowService.connections.list(ofSpec(eventHubsConnectionSpec)),
    flowService.connections.list(ofSpec(profileConnectionSpec)),
  ]);
  const inventory = { flows, targets, sources, connections: [...hubConnections, ...profileConnections] };
  checkAdoption(whose, inventory);
  return inventory;
}

function checkAdoption({ owner, adoptFlowId, connectionId }: Whose, inventory: Inventory): void {
  const refuse = (what: string, why: string, doing: string) =>
    new AdobeError(`Failed to adopt the ${what}: ${why}. ${doing}`, { kind: 'not-found' });
  if (connectionId !== undefined && !inventory.connections.some(({ id }) => id === connectionId)) {
    throw refuse(
      `connection ${connectionId}`,
      'this sandbox has no such connection to Event Hubs',
      'Check the id and the sandbox.',
    );
  }
  if (adoptFlowId === undefined) return;
  const flow = inventory.flows.find(({ id }) => id === adoptFlowId);
  const what = `dataflow ${adoptFlowId}`;
  if (flow === undefined) {
    throw refuse(
      what,
      'this sandbox has no such dataflow to Event Hubs',
      'Check the id, or leave it out to make a new one.',
    );
  }
  const other = ownerOf(flow);
  if (other !== undefined && other !== owner) {
    throw refuse(what, `it belongs to ${other}`, 'Let that owner give it up, or make another one.');
  }
  if (!isWhole(flow, { owner, connectionId }, inventory)) {
    throw refuse(what, 'its connections are not those of an export to this hub', 'Leave the id out to make a new one.');
  }
}

/**
 * By its own mark, by the mark of its target connection (which no one else uses), or because the
 * caller adopts it.
 */
function isOurFlow(flow: Flow, { owner, adoptFlowId }: Whose, { targets }: Inventory): boolean {
  const marked = ownerOf(flow);
  if (marked !== undefined) return marked === owner;
  return flow.id === adoptFlowId || targets.some((end) => uses(flow, end) && ownerOf(end) === owner);
}

/**
 * Whether a dataflow has both its ends, these their connections, and it is on the one that is asked
 * for.
 */
function isWhole(flow: Flow, whose: Whose, inventory: Inventory): boolean {
  const target = inventory.targets.find((end) => uses(flow, end));
  const source = inventory.sources.find((end) => uses(flow, end));
  if (target === undefined || source === undefined) return false;
  return hasBase(target, inventory) && hasBase(source, inventory) && isOnConnection(target, whose);
}

function isOnConnection(target: FlowEnd, { connectionId }: Whose): boolean {
  return connectionId === undefined || target.baseConnectionId === connectionId;
}

function hasBase(end: FlowEnd, { connections }: Inventory): boolean {
  return connections.some(({ id }) => id === end.baseConnectionId);
}

function uses(flow: Flow, { id }: FlowEnd): boolean {
  return [...(flow.targetConnectionIds ?? []), ...(flow.sourceConnectionIds ?? [])].includes(id);
}
