import type { DesiredDestination } from './desired-destination.ts';
import { DestinationPlan, type DestinationStep } from './destination-plan.ts';
import { repeatedKeys, selectionOf } from './flow-selectors.ts';
import type { Connection, Flow } from './flow-service-entities.ts';
import type { ObservedDestination, Whose } from './observed-destination.ts';
import { fingerprintOf, keyFingerprintIn, ownedDescription, ownerOf } from './ownership.ts';

/**
 * The smallest list of steps from what there is to what is wanted. `toggles`: parameters of the
 * target connection by Adobe's names.
 */
export function planPresence(
  desired: DesiredDestination,
  observed: ObservedDestination,
  toggles: Readonly<Record<string, boolean>>,
): DestinationPlan {
  const notes: string[] = [];
  const steps = [
    ...planSource(observed),
    ...planTargetBase(desired, observed, notes),
    ...planTarget(desired, observed, toggles),
    ...planFlow(desired, observed.flow, notes),
    ...deletions(observed.leftovers),
  ];
  return new DestinationPlan(steps, notes, { kind: 'present', desired });
}

/** Everything of the owner goes; what others use, or was only lent, stays. */
export function planAbsence(whose: Whose, observed: ObservedDestination): DestinationPlan {
  const isDeleted = (id: string | undefined) => observed.parts.some((part) => part.id === id);
  const kept = [observed.targetBase, observed.sourceBase].filter((base) => base !== undefined && !isDeleted(base.id));
  const notes =
    observed.flow === undefined
      ? []
      : kept.map(
          (base) => `The connection ${base?.id ?? ''} stays: it was not made for this destination, or others use it.`,
        );
  return new DestinationPlan(deletions(observed.parts), notes, { kind: 'absent', whose });
}

function planSource({ source, sourceBase }: ObservedDestination): DestinationStep[] {
  if (source !== undefined) return [];
  const connect: DestinationStep[] = sourceBase === undefined ? [{ kind: 'connect-profile-service' }] : [];
  return [...connect, { kind: 'create-source-connection' }];
}

function planTargetBase(
  desired: DesiredDestination,
  { targetBase, targetBaseIsShared }: ObservedDestination,
  notes: string[],
): DestinationStep[] {
  const { namespace, sasKeyName } = desired.eventHub;
  if (targetBase === undefined) return [{ kind: 'connect-namespace', namespace, sasKeyName }];
  if (desired.connectionId !== undefined || hasCredentials(targetBase, desired)) return [];
  if (targetBaseIsShared && ownerOf(targetBase) !== desired.owner) {
    notes.push(
      `The connection ${targetBase.id} is used by other dataflows too, so its key is left as it is. Change it in AEP, or give its id as the connection to use.`,
    );
    return [];
  }
  return [{ kind: 'patch-credentials', connectionId: targetBase.id, namespace, sasKeyName }];
}

/**
 * By the fingerprint that was left with the last key, and by as much of the credentials as Adobe
 * shows.
 */
export function hasCredentials(connection: Connection, { owner, eventHub }: DesiredDestination): boolean {
  const params = connection.auth?.params ?? {};
  const agrees = (name: 'namespace' | 'sasKeyName') => params[name] === undefined || params[name] === eventHub[name];
  return (
    ownerOf(connection) === owner &&
    keyFingerprintIn(connection) === fingerprintOf(eventHub) &&
    agrees('namespace') &&
    agrees('sasKeyName')
  );
}

function planTarget(
  { eventHub: { eventHubName } }: DesiredDestination,
  { target }: ObservedDestination,
  toggles: Readonly<Record<string, boolean>>,
): DestinationStep[] {
  if (target === undefined) return [{ kind: 'create-target-connection', eventHubName }];
  const wanted = Object.entries({ eventHubName, ...toggles });
  const changed = wanted.filter(([name, value]) => target.params?.[name] !== value);
  if (changed.length === 0) return [];
  return [{ kind: 'patch-target', targetConnectionId: target.id, params: Object.fromEntries(changed) }];
}

function planFlow(desired: DesiredDestination, flow: Flow | undefined, notes: string[]): DestinationStep[] {
  const selection = flow === undefined ? undefined : selectionOf(flow);
  if (selection !== undefined && selection.unknownCount > 0) {
    notes.push(`The dataflow has ${selection.unknownCount} selectors of an unknown form; they are left as they are.`);
  }
  // A new dataflow starts to export as soon as it exists.
  const isEnabled = flow === undefined || flow.state === 'enabled';
  const audiences = selection?.audiences ?? [];
  const attributes = selection?.attributes ?? [];
  return [
    ...(flow === undefined ? [{ kind: 'create-flow', name: desired.name } as const] : planWords(desired, flow)),
    ...(isEnabled && !desired.enabled ? [{ kind: 'disable' } as const] : []),
    // Attributes first, so that no audience is exported without what belongs to it.
    ...desired.attributes
      .filter((path) => !attributes.includes(path))
      .map((path) => ({ kind: 'add-attribute', path }) as const),
    ...desired.audiences
      .filter(({ id }) => !audiences.some((present) => present.id === id))
      .map((audience) => ({ kind: 'add-audience', audience }) as const),
    ...unique(audiences, ({ id }) => id)
      .filter(({ id }) => !desired.audiences.some((wanted) => wanted.id === id))
      .map((audience) => ({ kind: 'remove-audience', audience }) as const),
    ...unique(attributes, (path) => path)
      .filter((path) => !desired.attributes.includes(path))
      .map((path) => ({ kind: 'remove-attribute', path }) as const),
    ...(flow === undefined ? [] : planRepeated(desired, flow)),
    ...(!isEnabled && desired.enabled ? [{ kind: 'enable' } as const] : []),
  ];
}

function planWords(desired: DesiredDestination, flow: Flow): DestinationStep[] {
  const description = ownedDescription(desired.description, desired.owner);
  return [
    ...(flow.name === desired.name ? [] : [{ kind: 'rename', name: desired.name } as const]),
    ...(flow.description === description ? [] : [{ kind: 'describe', description } as const]),
  ];
}

function planRepeated(desired: DesiredDestination, flow: Flow): DestinationStep[] {
  const audiences = repeatedKeys(flow, 'segmentSelectors').filter((key) =>
    desired.audiences.some(({ id }) => id === key),
  );
  const attributes = repeatedKeys(flow, 'profileSelectors').filter((key) => desired.attributes.includes(key));
  return [
    ...audiences.map((key) => ({ kind: 'remove-repeated', what: 'audience', key }) as const),
    ...attributes.map((key) => ({ kind: 'remove-repeated', what: 'attribute', key }) as const),
  ];
}

function deletions(parts: ObservedDestination['parts']): DestinationStep[] {
  return parts.map((part) => ({ kind: 'delete', part }) as const);
}

function unique<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}
