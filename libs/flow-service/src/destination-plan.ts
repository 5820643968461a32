import type { DesiredAudience, DesiredDestination } from './desired-destination.ts';
import type { Leftover, Whose } from './observed-destination.ts';

/** One thing to do. No step holds a secret: what it needs of one is looked up as it is done. */
export type DestinationStep =
  | { readonly kind: 'create-source-connection' }
  | { readonly kind: 'connect-profile-service' }
  | { readonly kind: 'connect-namespace'; readonly namespace: string; readonly sasKeyName: string }
  | { readonly kind: 'create-target-connection'; readonly eventHubName: string }
  | { readonly kind: 'create-flow'; readonly name: string }
  | {
      readonly kind: 'patch-credentials';
      readonly connectionId: string;
      readonly namespace: string;
      readonly sasKeyName: string;
    }
  | {
      readonly kind: 'patch-target';
      readonly targetConnectionId: string;
      /** Parameters of the target connection that change. */
      readonly params: Readonly<Record<string, string | boolean>>;
    }
  | { readonly kind: 'rename'; readonly name: string }
  | { readonly kind: 'describe'; readonly description: string }
  | { readonly kind: 'add-attribute' | 'remove-attribute'; readonly path: string }
  | { readonly kind: 'add-audience'; readonly audience: DesiredAudience }
  | { readonly kind: 'remove-audience'; readonly audience: { readonly id: string; readonly name?: string } }
  | { readonly kind: 'remove-repeated'; readonly what: 'audience' | 'attribute'; readonly key: string }
  | { readonly kind: 'enable' | 'disable' }
  | { readonly kind: 'delete'; readonly part: Leftover };

/** Steps that change the dataflow's own document, and can share one request. */
export type FlowPatchStep = Extract<
  DestinationStep,
  {
    kind:
      | 'rename'
      | 'describe'
      | 'add-attribute'
      | 'remove-attribute'
      | 'add-audience'
      | 'remove-audience'
      | 'remove-repeated';
  }
>;

/**
 * The steps of a change, and nothing of what must not be shown: it can be printed, logged and sent
 * as JSON.
 */
export class DestinationPlan {
  readonly steps: readonly DestinationStep[];
  /** What a person should know and no step does. */
  readonly notes: readonly string[];
  readonly #goal: PlanGoal;

  constructor(steps: readonly DestinationStep[], notes: readonly string[], goal: PlanGoal) {
    this.steps = steps;
    this.notes = notes;
    this.#goal = goal;
  }

  get isEmpty(): boolean {
    return this.steps.length === 0;
  }

  /** One sentence per step. */
  sentences(): string[] {
    return this.steps.map(sentenceOf);
  }

  /** What the plan is to reach. It holds the key: not for printing. */
  static goalOf(plan: DestinationPlan): PlanGoal {
    return plan.#goal;
  }
}

export type PlanGoal =
  | { readonly kind: 'present'; readonly desired: DesiredDestination }
  | { readonly kind: 'absent'; readonly whose: Whose };

const nouns: Readonly<Record<Leftover['collection'], string>> = {
  flows: 'dataflow',
  targetConnections: 'target connection',
  sourceConnections: 'source connection',
  connections: 'connection',
};

/** Says what a step does, for a person who is asked to approve it. */
export function sentenceOf(step: DestinationStep): string {
  switch (step.kind) {
    case 'connect-profile-service':
      return 'Connect to the Profile Service.';
    case 'create-source-connection':
      return 'Create the source connection to profiles.';
    case 'connect-namespace':
      return `Connect to the Event Hubs namespace ${step.namespace} with the key named ${step.sasKeyName}.`;
    case 'create-target-connection':
      return `Create the target connection to the event hub ${step.eventHubName}.`;
    case 'create-flow':
      return `Create the dataflow "${step.name}".`;
    case 'patch-credentials':
      return `Replace the credentials of the connection ${step.connectionId}: namespace ${step.namespace}, key named ${step.sasKeyName}.`;
    case 'patch-target': {
      const values = Object.entries(step.params).map(([name, value]) => `${name} to ${value}`);
      return `Set ${values.join(', ')} in the target connection ${step.targetConnectionId}.`;
    }
    case 'rename':
      return `Rename the dataflow to "${step.name}".`;
    case 'describe':
      return `Describe the dataflow as "${step.description}".`;
    case 'add-attribute':
      return `Export the attribute ${step.path}.`;
    case 'remove-attribute':
      return `Stop exporting the attribute ${step.path}.`;
    case 'add-audience':
      return `Export the audience ${audienceWords(step.audience)}.`;
    case 'remove-audience':
      return `Stop exporting the audience ${audienceWords(step.audience)}.`;
    case 'remove-repeated':
      return `Name the ${step.what} ${step.key} once instead of several times.`;
    case 'enable':
      return 'Enable the dataflow.';
    case 'disable':
      return 'Disable the dataflow.';
    case 'delete':
      return `Delete the ${nouns[step.part.collection]} ${step.part.id}.`;
  }
}

function audienceWords({ id, name }: { readonly id: string; readonly name?: string }): string {
  return name === undefined ? id : `"${name}" (${id})`;
}
