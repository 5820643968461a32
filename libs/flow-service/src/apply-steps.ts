import { checkAuthSpecName, defaultAuthSpecName } from './adobe-names.ts';
import { AdobeError, isAdobeError } from './adobe-error.ts';
import type { AdobeNames, DesiredDestination } from './desired-destination.ts';
import type { DestinationStep, FlowPatchStep } from './destination-plan.ts';
import { attributeSelector, audienceSelector, emptyTransformations, selectorOperations } from './flow-selectors.ts';
import { adobeIds, type Connection, type Entity, type Flow, type PatchOperation } from './flow-service-entities.ts';
import type { Collection, FlowService } from './flow-service.ts';
import { destinationFlowFilter, type ObservedDestination } from './observed-destination.ts';
import { chosenAmong, fingerprintOf, ownedDescription, ownerOf } from './ownership.ts';
import { hasCredentials } from './plan-destination.ts';
import type { Clock } from './retry.ts';

/**
 * How often a change begins anew because another process was first, and a creation because its
 * answer was lost.
 */
const attemptsMax = 8;
/** So many changes of a dataflow share one request at most. */
const patchStepsMax = 100;

export interface StepContext {
  readonly flowService: FlowService;
  readonly clock: Clock;
  readonly desired: DesiredDestination;
  readonly names: AdobeNames;
  /** Parameters of the target connection by Adobe's names. */
  readonly toggles: Readonly<Record<string, boolean>>;
  readonly signal: AbortSignal | undefined;
  /**
   * Ids of what is the owner's but cannot be used, as a dataflow whose target connection is gone.
   */
  readonly leftovers: ReadonlySet<string>;
  readonly ids: {
    flow?: string | undefined;
    target?: string | undefined;
    targetBase?: string | undefined;
    source?: string | undefined;
    sourceBase?: string | undefined;
  };
}

export function idsOf(observed: ObservedDestination): StepContext['ids'] {
  return {
    flow: observed.flow?.id,
    target: observed.target?.id,
    targetBase: observed.targetBase?.id,
    source: observed.source?.id,
    sourceBase: observed.sourceBase?.id,
  };
}

/**
 * The steps in portions that are one piece of work each: consecutive changes of the dataflow's
 * document go together.
 */
export function portionsOf(steps: readonly DestinationStep[]): DestinationStep[][] {
  const portions: DestinationStep[][] = [];
  for (const step of steps) {
    const last = portions.at(-1);
    const fits = last !== undefined && last.length < patchStepsMax && last.every(isFlowPatch) && isFlowPatch(step);
    if (fits) last.push(step);
    else portions.push([step]);
  }
  return portions;
}

const flowPatchKinds: readonly DestinationStep['kind'][] = [
  'rename',
  'describe',
  'add-attribute',
  'remove-attribute',
  'add-audience',
  'remove-audience',
  'remove-repeated',
];

function isFlowPatch(step: DestinationStep): step is FlowPatchStep {
  return flowPatchKinds.includes(step.kind);
}

/** Does one portion. Doing it again, or after another process did it, changes nothing. */
export async function applyPortion(context: StepContext, portion: readonly DestinationStep[]): Promise<void> {
  const patches = portion.filter(isFlowPatch);
  if (patches.length > 0) await patchFlow(context, patches);
  else for (const step of portion) await applyStep(context, step);
}

/** Deletes what the steps name; what is gone already is no error. */
export async function applyDeletions(
  flowService: FlowService,
  steps: readonly DestinationStep[],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const step of steps) {
    if (step.kind === 'delete') await flowService[step.part.collection].delete(step.part.id, signal);
  }
}

async function applyStep(context: StepContext, step: DestinationStep): Promise<void> {
  const { flowService, ids, signal } = context;
  switch (step.kind) {
    case 'connect-profile-service':
      ids.sourceBase = await connectProfileService(context);
      return;
    case 'create-source-connection':
      ids.source = await createSource(context);
      return;
    case 'connect-namespace':
      ids.targetBase = await connectNamespace(context);
      return;
    case 'create-target-connection':
      ids.target = await createTarget(context);
      return;
    case 'create-flow':
      ids.flow = await createFlow(context);
      return;
    case 'patch-credentials': {
      await patchCredentials(context, step.connectionId);
      return;
    }
    case 'patch-target': {
      await patchTarget(context, step.targetConnectionId, step.params);
      return;
    }
    case 'enable':
    case 'disable': {
      await flowService.setEnabled(known(ids.flow), step.kind === 'enable', signal);
      return;
    }
    case 'delete': {
      await applyDeletions(flowService, [step], signal);
      return;
    }
    default: {
      await patchFlow(context, [step]);
      return;
    }
  }
}

async function connectProfileService(context: StepContext): Promise<string> {
  const { flowService, desired } = context;
  const connectionSpec = { id: adobeIds.profileConnectionSpec, version: '1.0' };
  const name = `${desired.name}: profiles`;
  return await createOnce(context, flowService.connections, connectionSpecFilter(connectionSpec.id), () => true, {
    name,
    description: ownedDescription(desired.description, desired.owner),
    connectionSpec,
  });
}

async function createSource(context: StepContext): Promise<string> {
  const { flowService, desired, ids } = context;
  const connectionSpec = { id: adobeIds.profileConnectionSpec, version: '1.0' };
  return await createOnce(context, flowService.sourceConnections, connectionSpecFilter(connectionSpec.id), () => true, {
    name: `${desired.name}: profiles`,
    description: ownedDescription(desired.description, desired.owner),
    connectionSpec,
    baseConnectionId: known(ids.sourceBase),
    data: { format: 'json' },
    params: {},
  });
}

async function connectNamespace(context: StepContext): Promise<string> {
  const { flowService, desired, names, signal } = context;
  const connectionSpec = { id: adobeIds.eventHubsConnectionSpec, version: '1.0' };
  const specName = names.authSpecName ?? defaultAuthSpecName;
  checkAuthSpecName(await flowService.connectionSpec(connectionSpec.id, signal), specName);
  return await createOnce(context, flowService.connections, connectionSpecFilter(connectionSpec.id), () => true, {
    name: desired.name,
    description: ownedDescription(desired.description, desired.owner, fingerprintOf(desired.eventHub)),
    connectionSpec,
    auth: { specName, params: authParams(context) },
  });
}

async function createTarget(context: StepContext): Promise<string> {
  const { flowService, desired, toggles } = context;
  const connectionSpec = { id: adobeIds.eventHubsConnectionSpec, version: '1.0' };
  const baseConnectionId = desired.connectionId ?? known(context.ids.targetBase);
  const isFitting = (end: { baseConnectionId?: string }) =>
    desired.connectionId === undefined || end.baseConnectionId === baseConnectionId;
  return await createOnce(context, flowService.targetConnections, connectionSpecFilter(connectionSpec.id), isFitting, {
    name: desired.name,
    description: ownedDescription(desired.description, desired.owner),
    connectionSpec,
    baseConnectionId,
    data: { format: 'json' },
    params: { eventHubName: desired.eventHub.eventHubName, ...toggles },
  });
}

async function createFlow(context: StepContext): Promise<string> {
  const { flowService, desired, ids } = context;
  return await createOnce(context, flowService.flows, destinationFlowFilter, () => true, {
    name: desired.name,
    description: ownedDescription(desired.description, desired.owner),
    flowSpec: { id: adobeIds.profileDestinationFlowSpec, version: '1.0' },
    sourceConnectionIds: [known(ids.source)],
    targetConnectionIds: [known(ids.target)],
    transformations: emptyTransformations,
  });
}

function connectionSpecFilter(id: string): string {
  return `connectionSpec.id==${id}`;
}

function authParams({ desired: { eventHub }, names }: StepContext): Record<string, string> {
  const { sasKeyName, sasKey, namespace, eventHubName } = eventHub;
  return { sasKeyName, sasKey, namespace, ...(names.hubScopedKey === true ? { eventHubName } : {}) };
}

/**
 * Creates what the owner does not have yet. Adobe takes the same creation twice: so it is looked
 * for before, looked for again after a lost answer, and when another run has created one at the
 * same time, both runs choose the same and the loser deletes its own.
 */
async function createOnce<Item extends Entity, New>(
  { desired, clock, leftovers, signal }: StepContext,
  collection: Collection<Item, New>,
  filter: string,
  isFitting: (item: Item) => boolean,
  item: New,
): Promise<string> {
  const find = async () => {
    const listed = await collection.list({ property: [filter], signal });
    return listed.filter(
      (entity) => ownerOf(entity) === desired.owner && !leftovers.has(entity.id) && isFitting(entity),
    );
  };
  for (let attempt = 1; ; attempt++) {
    const before = chosenAmong(await find());
    if (before !== undefined) return before.id;
    try {
      const { id } = await collection.create(item, signal);
      const chosen = chosenAmong(await find())?.id ?? id;
      if (chosen !== id) await collection.delete(id, signal);
      return chosen;
    } catch (error) {
      if (!isAdobeError(error) || !error.uncertain || error.kind !== 'unavailable' || attempt >= attemptsMax)
        throw error;
      await clock.sleep(pauseMs(attempt, clock), signal);
    }
  }
}

/** Reads, changes, and begins anew when it was changed in between. */
async function change<Item extends Entity>(
  { clock, signal }: StepContext,
  collection: Collection<Item, never>,
  id: string,
  operationsOf: (now: Item) => readonly PatchOperation[],
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const now = await collection.get(id, signal);
    const operations = operationsOf(now);
    if (operations.length === 0) return;
    if (now.etag === undefined) {
      throw new AdobeError(`Failed to change ${id}: Adobe gave no ETag with it. Try again later.`, {
        kind: 'unreadable',
      });
    }
    try {
      await collection.patch(id, now.etag, operations, signal);
      return;
    } catch (error) {
      if (!isAdobeError(error, 'conflict') || attempt >= attemptsMax) throw error;
      await clock.sleep(pauseMs(attempt, clock), signal);
    }
  }
}

async function patchCredentials(context: StepContext, connectionId: string): Promise<void> {
  const { desired } = context;
  const description = ownedDescription(desired.description, desired.owner, fingerprintOf(desired.eventHub));
  await change<Connection>(context, context.flowService.connections, connectionId, (now) => {
    if (hasCredentials(now, desired)) return [];
    return [
      // Replaces all of them (update guide, "Edit connection parameters").
      { op: now.auth?.params === undefined ? 'add' : 'replace', path: '/auth/params', value: authParams(context) },
      { op: now.description === undefined ? 'add' : 'replace', path: '/description', value: description },
    ];
  });
}

async function patchTarget(
  context: StepContext,
  targetConnectionId: string,
  changed: Readonly<Record<string, string | boolean>>,
): Promise<void> {
  await change(context, context.flowService.targetConnections, targetConnectionId, (now) => {
    const params = { ...now.params, ...changed };
    const isSame = Object.entries(changed).every(([name, value]) => now.params?.[name] === value);
    return isSame ? [] : [{ op: now.params === undefined ? 'add' : 'replace', path: '/params', value: params }];
  });
}

async function patchFlow(context: StepContext, steps: readonly FlowPatchStep[]): Promise<void> {
  await change<Flow>(context, context.flowService.flows, known(context.ids.flow), (flow) => [
    ...steps.flatMap((step) => wordsOperation(flow, step)),
    ...selectorOperations(flow, 'profileSelectors', {
      add: steps.flatMap((step) => (step.kind === 'add-attribute' ? [attributeSelector(step.path)] : [])),
      remove: steps.flatMap((step) => (step.kind === 'remove-attribute' ? [step.path] : [])),
    }),
    ...selectorOperations(flow, 'segmentSelectors', {
      add: steps.flatMap((step) => (step.kind === 'add-audience' ? [audienceSelector(step.audience)] : [])),
      remove: steps.flatMap((step) => (step.kind === 'remove-audience' ? [step.audience.id] : [])),
    }),
  ]);
}

function wordsOperation(flow: Flow, step: FlowPatchStep): PatchOperation[] {
  const [field, value] =
    step.kind === 'rename'
      ? (['name', step.name] as const)
      : step.kind === 'describe'
        ? (['description', step.description] as const)
        : [];
  if (field === undefined || flow[field] === value) return [];
  return [{ op: flow[field] === undefined ? 'add' : 'replace', path: `/${field}`, value }];
}

export function pauseMs(attempt: number, { random }: Clock): number {
  return (0.5 + random() / 2) * Math.min(20_000, 250 * 2 ** attempt);
}

/** A step that needs what an earlier one makes, in a plan without that: a defect of ours. */
function known(id: string | undefined): string {
  if (id === undefined)
    throw new Error('Failed to apply the plan: a step needs something that no step before it makes.');
  return id;
}
