import type { AdobeClient } from './adobe-client.ts';
import { AdobeError, isAdobeError } from './adobe-error.ts';
import { toggleParams } from './adobe-names.ts';
import { applyDeletions, applyPortion, idsOf, pauseMs, portionsOf } from './apply-steps.ts';
import { checkDesired, checkOwner, type AdobeNames, type DesiredDestination } from './desired-destination.ts';
import { DestinationPlan, sentenceOf, type PlanGoal } from './destination-plan.ts';
import { selectionOf } from './flow-selectors.ts';
import { adobeIds } from './flow-service-entities.ts';
import { observeDestination, type ObservedDestination, type Whose } from './observed-destination.ts';
import { keyFingerprintIn, ownerOf, plainDescription } from './ownership.ts';
import { planAbsence, planPresence } from './plan-destination.ts';

/** A destination as AEP has it. */
export interface DestinationState {
  readonly flowId: string;
  readonly targetConnectionId: string;
  readonly connectionId: string;
  readonly sourceConnectionId: string;
  readonly name: string;
  /** Without the marks of ownership. */
  readonly description: string;
  readonly enabled: boolean;
  readonly eventHubName: string | undefined;
  /** As far as Adobe shows them. */
  readonly namespace: string | undefined;
  readonly sasKeyName: string | undefined;
  /** Of the key that was last written by the owner; compare it with `fingerprintOf`. */
  readonly keyFingerprint: string | undefined;
  /**
   * Of the connection to the namespace: whose mark it has, and whether dataflows of others use it
   * too.
   */
  readonly connection: { readonly owner: string | undefined; readonly isShared: boolean };
  readonly audiences: readonly { readonly id: string; readonly name?: string }[];
  readonly attributes: readonly string[];
  /** All parameters of the target connection, by Adobe's names. */
  readonly targetParams: Readonly<Record<string, unknown>>;
}

export interface ApplyOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told before each portion of work, with the sentences of its steps. */
  readonly onProgress?: (sentences: readonly string[]) => void;
}

/** Destinations of AEP that export to Azure Event Hubs, kept as they are described. */
export interface EventHubsDestinations {
  /**
   * What AEP has of an owner's destination, or of the dataflow to adopt; `undefined` when there is
   * no whole one.
   */
  read(whose: Whose, signal?: AbortSignal): Promise<DestinationState | undefined>;
  /**
   * The smallest list of steps to what is wanted. Changes nothing. Throws `RangeError` for what
   * cannot be a destination.
   */
  plan(desired: DesiredDestination, signal?: AbortSignal): Promise<DestinationPlan>;
  /**
   * The steps that leave nothing of the owner behind and touch nothing else: a dataflow that was to
   * be adopted and never was stays, and so does a connection that was only lent. Changes nothing.
   */
  planRemoval(whose: Omit<Whose, 'adoptFlowId'>, signal?: AbortSignal): Promise<DestinationPlan>;
  /**
   * Brings AEP to what the plan wants. It looks again, does step by step what is missing, and does
   * so until nothing is: at most six rounds, of which more than one is needed only when a part
   * vanished meanwhile or two runs met. Resolves with the state then; with `undefined` after a
   * removal. Stopped at any point, another run goes on where this one ended. Throws `AdobeError`,
   * or the reason of an abort.
   */
  apply(plan: DestinationPlan, options?: ApplyOptions): Promise<DestinationState | undefined>;
}

const roundsMax = 6;
/**
 * So often the same step may fail in a row: a part that is being deleted can still be seen for a
 * while.
 */
const sameFailuresMax = 3;

interface Look {
  readonly observed: ObservedDestination;
  readonly toggles: Readonly<Record<string, boolean>>;
  readonly plan: DestinationPlan;
}

interface FailedPortion {
  readonly sentences: readonly string[];
  readonly error: AdobeError;
}

export function createEventHubsDestinations(client: AdobeClient, names: AdobeNames = {}): EventHubsDestinations {
  const { flowService, clock } = client;

  const togglesFor = async (desired: DesiredDestination, observed: ObservedDestination, signal?: AbortSignal) => {
    const wanted = Object.keys(desired.toggles ?? {}) as ('segmentNames' | 'segmentTimestamps')[];
    const isConfigured = wanted.every((toggle) => names.toggles?.[toggle] !== undefined);
    const spec = isConfigured ? undefined : await flowService.connectionSpec(adobeIds.eventHubsConnectionSpec, signal);
    return toggleParams(desired.toggles, names.toggles, spec, observed.target);
  };

  const lookAndPlan = async (goal: PlanGoal, signal: AbortSignal | undefined): Promise<Look> => {
    if (goal.kind === 'absent') {
      const observed = await observeWhatIsThere(goal.whose, signal);
      return { observed, toggles: {}, plan: planAbsence(goal.whose, observed) };
    }
    const observed = await observeDestination(flowService, goal.desired, signal);
    const toggles = await togglesFor(goal.desired, observed, signal);
    return { observed, toggles, plan: planPresence(goal.desired, observed, toggles) };
  };

  /** What was adopted or lent may be gone by now, which is no error here. */
  const observeWhatIsThere = async (whose: Whose, signal: AbortSignal | undefined): Promise<ObservedDestination> => {
    const { adoptFlowId, connectionId } = whose;
    const adopted = adoptFlowId === undefined ? undefined : await flowService.flows.find(adoptFlowId, signal);
    const lent = connectionId === undefined ? undefined : await flowService.connections.find(connectionId, signal);
    const there = { owner: whose.owner, adoptFlowId: adopted?.id, connectionId: lent?.id };
    return await observeDestination(flowService, there, signal);
  };

  const applyRound = async (
    goal: PlanGoal,
    { observed, toggles, plan }: Look,
    { signal, onProgress }: ApplyOptions,
  ): Promise<FailedPortion | undefined> => {
    const ids = idsOf(observed);
    const leftovers = new Set(observed.leftovers.map(({ id }) => id));
    for (const portion of portionsOf(plan.steps)) {
      const sentences = portion.map(sentenceOf);
      onProgress?.(sentences);
      try {
        if (goal.kind === 'absent') await applyDeletions(flowService, portion, signal);
        else {
          const { desired } = goal;
          const context = { flowService, clock, desired, names, toggles, signal, leftovers, ids };
          await applyPortion(context, portion);
        }
      } catch (error) {
        // Where the world may have changed under the plan, a new plan may do; anything else stops
        // here.
        if (isAdobeError(error, 'not-found', 'invalid', 'conflict')) return { sentences, error };
        throw error;
      }
    }
    return undefined;
  };

  const apply = async (plan: DestinationPlan, options: ApplyOptions = {}): Promise<DestinationState | undefined> => {
    const goal = DestinationPlan.goalOf(plan);
    const failures: FailedPortion[] = [];
    for (let round = 1; round <= roundsMax; round++) {
      const look = await lookAndPlan(goal, options.signal);
      if (look.plan.isEmpty) return stateOf(look.observed);
      const failed = await applyRound(goal, look, options);
      if (failed === undefined) continue;
      failures.push(failed);
      const same = failures.filter(({ sentences }) => sentences.join(' ') === failed.sentences.join(' '));
      if (same.length >= sameFailuresMax) throw failed.error;
      await clock.sleep(pauseMs(round + 2, clock), options.signal);
    }
    const look = await lookAndPlan(goal, options.signal);
    if (look.plan.isEmpty) return stateOf(look.observed);
    const missing = look.plan.sentences().join(' ');
    throw (
      failures.at(-1)?.error ??
      new AdobeError(
        `Failed to bring the destination to its plan in ${roundsMax} rounds: somebody or something else keeps changing it. Still to do: ${missing} Run again once that has stopped.`,
        { kind: 'conflict' },
      )
    );
  };

  return {
    read: async (whose, signal) => {
      checkOwner(whose.owner);
      return stateOf(await observeWhatIsThere(whose, signal));
    },
    plan: async (desired, signal) => {
      checkDesired(desired);
      return (await lookAndPlan({ kind: 'present', desired }, signal)).plan;
    },
    planRemoval: async ({ owner, connectionId }, signal) => {
      checkOwner(owner);
      return (await lookAndPlan({ kind: 'absent', whose: { owner, connectionId } }, signal)).plan;
    },
    apply,
  };
}

function stateOf(observed: ObservedDestination): DestinationState | undefined {
  const { flow, target, source, targetBase } = observed;
  if (flow === undefined || target === undefined || source === undefined || targetBase === undefined) return undefined;
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  const { audiences, attributes } = selectionOf(flow);
  const auth = targetBase.auth?.params ?? {};
  return {
    flowId: flow.id,
    targetConnectionId: target.id,
    connectionId: targetBase.id,
    sourceConnectionId: source.id,
    name: flow.name ?? '',
    description: plainDescription(flow),
    enabled: flow.state === 'enabled',
    eventHubName: text(target.params?.eventHubName),
    namespace: text(auth.namespace),
    sasKeyName: text(auth.sasKeyName),
    keyFingerprint: keyFingerprintIn(targetBase),
    connection: { owner: ownerOf(targetBase), isShared: observed.targetBaseIsShared },
    audiences,
    attributes,
    targetParams: target.params ?? {},
  };
}
