import { optionsOf, tellKnown } from './batch.ts';
import type { Change } from './change.ts';
import type { Connector, Delivery } from './destination.ts';
import type { Identifiers } from './identifiers.ts';
import type { NamedLists } from './named-lists.ts';
import type { Verdict } from './verdict.ts';

/** A batch of one route, with the list of it. */
export interface ListBatch<Options, List> {
  readonly list: List;
  readonly deliveries: readonly Delivery<Options>[];
  readonly changes: readonly Change[];
  readonly options: Options;
  /** The persons leave the list; else they enter it, or stay in it with other attributes. */
  readonly isExit: boolean;
}

/**
 * A connector whose changes are entries into a list and exits from it, an update being an entry of
 * a person who is there. `tell` may be called a second time, with another list, where the first one
 * turned out to be gone. With `identifiers` it gets only persons whose namespace is set.
 */
export function listConnector<Options, List>(
  lists: Pick<NamedLists<Options, unknown, List>, 'use' | 'probe'>,
  tell: (batch: ListBatch<Options, List>, signal: AbortSignal) => Promise<readonly Verdict[]>,
  identifiers?: Identifiers<unknown>,
): Connector<Options> {
  const tellAll: Connector<Options>['enter'] = async (deliveries, signal) => {
    const options = optionsOf(deliveries);
    const changes = deliveries.map(({ change }) => change);
    const isExit = changes.every(({ kind }) => kind === 'exited');
    const call = (list: List) => tell({ list, deliveries, changes, options, isExit }, signal);
    return await lists.use(options, call, signal);
  };
  const told: Connector<Options>['enter'] = (deliveries, signal) =>
    identifiers === undefined
      ? tellAll(deliveries, signal)
      : tellKnown(identifiers, deliveries, (known) => tellAll(known, signal));
  return { enter: told, update: told, exit: told, probe: (routes, signal) => lists.probe(routes, signal) };
}
