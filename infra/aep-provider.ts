import { isDeepStrictEqual } from 'node:util';
import {
  checkDesired,
  createAdobeClient,
  createEventHubsDestinations,
  isAdobeError,
  type AdobeClient,
  type DestinationState,
  type EventHubsDestinations,
  type PlatformOptions,
} from '@activation-hub/flow-service';
import type { CheckFailure, CheckResult, CreateResult } from '@pulumi/pulumi/provider/provider.js';
import type { DiffResult, Provider, ReadResult, UpdateResult } from '@pulumi/pulumi/provider/provider.js';
import { z } from 'zod';
import { adobeNamesOf, desiredOf, destinationInputs, platformOptionsOf, secretInputs } from './aep-inputs.ts';
import type { DestinationInputs } from './aep-inputs.ts';
import { hasUnknown, unwrapped, withSecrets, type Values } from './aep-values.ts';

/**
 * What the state keeps: the inputs that were last applied, and what AEP had when it was last looked
 * at.
 */
const destinationOutputs = destinationInputs.extend({
  /** Empty while there is no whole dataflow. */
  flowId: z.string(),
  /** As `DestinationState`; absent while there is no whole dataflow. */
  live: z.record(z.string(), z.unknown()).exactOptional(),
  /** What AEP has otherwise than it was applied, as the sentences that would put it right. */
  drift: z.array(z.string()),
  /** What an operator should know, and no update changes. */
  notes: z.array(z.string()),
});

/** The inputs that identify the destination: a change of one of them replaces it. */
const identity = ['organisation', 'sandbox', 'owner'] as const;

/** A resource provider of Pulumi, with the calls that a resource needs. */
export interface AepProvider extends Provider {
  check(urn: string, olds: Values, news: Values): Promise<CheckResult>;
  diff(id: string, urn: string, olds: Values, news: Values): Promise<DiffResult>;
  create(urn: string, inputs: Values): Promise<CreateResult>;
  read(id: string, urn: string, props: Values): Promise<ReadResult>;
  update(id: string, urn: string, olds: Values, news: Values): Promise<UpdateResult>;
  delete(id: string, urn: string, props: Values): Promise<void>;
}

/**
 * The provider of `aep:index:Destination`: a dataflow of Adobe Experience Platform to Azure Event
 * Hubs with its connections, kept as `createEventHubsDestinations` keeps it. The resource's id says
 * where it is and whose, not which dataflow: a dataflow that was deleted in AEP is made anew in the
 * same resource. `platform` replaces settings of the client, such as its clock.
 */
export function createAepProvider(platform: Partial<PlatformOptions> = {}): AepProvider {
  const clientOf = (inputs: DestinationInputs): AdobeClient =>
    createAdobeClient({ ...platformOptionsOf(inputs), ...platform });
  const destinationsOf = (inputs: DestinationInputs): EventHubsDestinations =>
    createEventHubsDestinations(clientOf(inputs), adobeNamesOf(inputs));

  /**
   * Brings AEP to the inputs. What was adopted once is known by its mark, and must not be there for
   * ever.
   */
  const apply = async (inputs: DestinationInputs, olds: Partial<DestinationInputs>): Promise<Values> => {
    await requireAudiences(clientOf(inputs), inputs, olds);
    const destinations = destinationsOf(inputs);
    const desired = desiredOf(inputs.adoptFlowId === olds.adoptFlowId ? withoutAdoption(inputs) : inputs);
    const plan = await destinations.plan(desired);
    return outputsOf(inputs, { live: await destinations.apply(plan), drift: [], notes: plan.notes });
  };

  return {
    version: '0.1.0',

    check: (_urn, _olds, news) =>
      Promise.resolve({ inputs: news, failures: hasUnknown(news) ? [] : failuresOf(unwrapped(news)) }),

    diff: (_id, _urn, olds, news) => Promise.resolve(difference(unwrapped(olds), unwrapped(news))),

    create: async (_urn, props) => {
      const inputs = destinationInputs.parse(unwrapped(props));
      try {
        return { id: idOf(inputs), outs: await apply(inputs, {}) };
      } catch (error) {
        throw await creationFailure(destinationsOf(inputs), inputs, error);
      }
    },

    read: async (id, _urn, props) => {
      const state = destinationOutputs.safeParse(unwrapped(props));
      if (!state.success) {
        throw new Error(
          'Failed to import the destination: the stack does not know it. Leave it to pulumi up, and write which dataflow becomes it: pulumi config set aepDataflowId <id>',
        );
      }
      const inputs = inputsOf(state.data);
      const destinations = destinationsOf(inputs);
      const live = await destinations.read(whoseIs(inputs));
      if (live === undefined && (await destinations.planRemoval(whoseIs(inputs))).isEmpty) return { id: '', props: {} };
      const plan = await destinations.plan(desiredOf(withoutAdoption(inputs)));
      return { id, props: outputsOf(inputs, { live, drift: plan.sentences(), notes: plan.notes }) };
    },

    update: async (_id, _urn, olds, news) => {
      const applied = inputsOf(destinationOutputs.parse(unwrapped(olds)));
      return { outs: await apply(destinationInputs.parse(unwrapped(news)), applied) };
    },

    delete: async (_id, _urn, props) => {
      const inputs = inputsOf(destinationOutputs.parse(unwrapped(props)));
      const destinations = destinationsOf(inputs);
      await destinations.apply(await destinations.planRemoval(whoseIs(inputs)));
    },
  };
}

const idOf = ({ sandbox, owner }: DestinationInputs): string => `${sandbox}/${owner}`;

const whoseIs = ({ owner, connectionId }: DestinationInputs) => ({ owner, connectionId });

const plainInputs = z.object(destinationInputs.shape);
const inputsOf = (state: z.output<typeof destinationOutputs>): DestinationInputs => plainInputs.parse(state);

const unadopted = plainInputs.omit({ adoptFlowId: true });
const withoutAdoption = (inputs: DestinationInputs): DestinationInputs => unadopted.parse(inputs);

interface Look {
  readonly live: DestinationState | undefined;
  readonly drift: readonly string[];
  readonly notes: readonly string[];
}

function outputsOf(inputs: DestinationInputs, { live, drift, notes }: Look): Values {
  // As JSON, for what is undefined has no form on the way to the engine.
  const known = live === undefined ? {} : { live: JSON.parse(JSON.stringify(live)) as Values };
  return withSecrets({ ...inputs, flowId: live?.flowId ?? '', ...known, drift, notes }, secretInputs);
}

/** Everything that is wrong with the inputs, before anything is done. */
function failuresOf(news: Values): CheckFailure[] {
  const parsed = destinationInputs.safeParse(news);
  if (!parsed.success) {
    return parsed.error.issues.map(({ path, message }) => ({ property: path.join('.'), reason: message }));
  }
  try {
    createAdobeClient(platformOptionsOf(parsed.data));
    checkDesired(desiredOf(parsed.data));
    return [];
  } catch (error) {
    if (error instanceof RangeError) return [{ property: '', reason: error.message }];
    throw error;
  }
}

/**
 * What another name of an audience changes is not worth a call; everything else is. A key that is
 * not known is one that the previewing identity may not read, and no change: where the hub or its
 * rule is another one, other inputs say so.
 */
function difference(olds: Values, news: Values): DiffResult {
  const inputs = Object.keys(destinationInputs.shape).filter((key) => key !== 'sasKey' || !hasUnknown(news[key]));
  const changed = inputs.filter((key) => !isDeepStrictEqual(comparable(key, olds), comparable(key, news)));
  const hasDrifted = olds.flowId === '' || (Array.isArray(olds.drift) && olds.drift.length > 0);
  return {
    changes: changed.length > 0 || hasDrifted,
    replaces: changed.filter((key) => (identity as readonly string[]).includes(key)),
  };
}

function comparable(key: string, values: Values): unknown {
  const value = values[key];
  if (key !== 'audiences' || !Array.isArray(value)) return value;
  return (value as Values[]).map(({ id, namespace }) => ({ id, namespace }));
}

/**
 * Throws when AEP does not have an audience that is new to the destination: it would take any id
 * and export nothing. One from elsewhere may be known under another id there; one that was exported
 * so far and is gone must not keep a new key from AEP.
 */
async function requireAudiences(
  { audiences }: AdobeClient,
  inputs: DestinationInputs,
  olds: Partial<DestinationInputs>,
): Promise<void> {
  const added = inputs.audiences.filter(
    ({ id, namespace }) => namespace === undefined && olds.audiences?.some((old) => old.id === id) !== true,
  );
  const known = await audiences.get(added.map(({ id }) => id));
  const missing = added.filter(({ id }) => !known.has(id)).map(({ id, name }) => `${name ?? 'audience'} (${id})`);
  if (missing.length === 0) return;
  throw new Error(
    `Failed to export audiences: the sandbox ${inputs.sandbox} does not have ${missing.join(', ')}. Look for the id with activation aep audiences, and correct the activation file or aepSandbox.`,
  );
}

/**
 * A creation that stopped half-way and left something is kept in the state, so that a removal finds
 * it.
 */
async function creationFailure(
  destinations: EventHubsDestinations,
  inputs: DestinationInputs,
  error: unknown,
): Promise<Error> {
  const failure = error instanceof Error ? error : new Error(String(error));
  const left = await destinations.planRemoval(whoseIs(inputs)).catch((obstacle: unknown) => {
    // What broke the creation stands in the way of a look as well; a next run finds what is left
    // all the same.
    if (isAdobeError(obstacle)) return undefined;
    throw obstacle;
  });
  if (left === undefined || left.isEmpty) return failure;
  const properties = outputsOf(withoutAdoption(inputs), { live: undefined, drift: [], notes: [] });
  return Object.assign(new Error(failure.message), { id: idOf(inputs), properties, reasons: [failure.message] });
}
