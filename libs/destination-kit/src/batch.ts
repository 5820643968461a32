import type { Change } from './change.ts';
import type { Delivery } from './destination.ts';
import { identifierOf, type Identifiers, noIdentifier } from './identifiers.ts';
import { DestinationError, type Verdict } from './verdict.ts';

/**
 * The options of a batch, which is of one route. Throws where the batch is empty, a defect of the
 * caller.
 */
export function optionsOf<Options>(deliveries: readonly Delivery<Options>[]): Options {
  const [first] = deliveries;
  if (first === undefined) throw new Error('Failed to deliver: the batch is empty. This is a defect of the caller.');
  return first.options;
}

/** Verdicts of changes that the vendor took as one. */
export const delivered = (changes: readonly Pick<Change, 'id'>[]): readonly Verdict[] =>
  changes.map(({ id }) => ({ id, status: 'delivered' }));

/** Verdicts of a batch of exits: a person whom the vendor does not know has left. */
export function exitsOf(verdicts: readonly Verdict[]): readonly Verdict[] {
  return verdicts.map((verdict) =>
    verdict.status === 'not-found' ? { id: verdict.id, status: 'delivered' } : verdict,
  );
}

/**
 * The error of a batch of which the vendor refuses some rows and does not name them: it is halved,
 * until they are alone.
 */
export function namelessRefusal(vendor: string, why = 'refuses persons and does not say which'): DestinationError {
  return new DestinationError('invalid', `Failed to deliver: ${vendor} ${why}. The batch is halved.`, {
    doubt: 'answered',
  });
}

/**
 * The rows of a batch that the vendor refuses, by their places in it, each with the reason. Throws
 * where a refusal names no place of the batch (`namelessRefusal`).
 */
export function refusedPlaces(
  count: number,
  refusals: readonly { readonly place: number | undefined; readonly reason: string | undefined }[],
  vendor: string,
): ReadonlyMap<number, string | undefined> {
  const places = new Set<number | undefined>(Array.from({ length: count }, (_, place) => place));
  if (!refusals.every(({ place }) => places.has(place))) throw namelessRefusal(vendor);
  return new Map(refusals.map(({ place = 0, reason }) => [place, reason]));
}

/**
 * The results of an answer that has one for each of `count` rows, in their order. Throws a
 * transient `DestinationError` where it has more or fewer, for then it gives a result for none.
 */
export function resultsInOrder<Result>(results: readonly Result[], count: number, vendor: string): readonly Result[] {
  if (results.length === count) return results;
  const why = `${vendor} answered with ${results.length} results for ${count} rows. It is tried again.`;
  throw new DestinationError('transient', `Failed to deliver: ${why}`, { doubt: 'answered' });
}

/**
 * Tells of those changes whose namespace has an identifier, where there are any. The others are
 * rejected: the setting has lost their namespace since the ledger got to know them.
 */
export async function tellKnown<Options>(
  identifiers: Identifiers<unknown>,
  deliveries: readonly Delivery<Options>[],
  tell: (known: readonly Delivery<Options>[]) => Promise<readonly Verdict[]>,
): Promise<readonly Verdict[]> {
  const isKnown = ({ change }: Delivery<Options>) => identifierOf(identifiers, change.identity.namespace) !== undefined;
  const strangers = deliveries.filter((each) => !isKnown(each));
  const rejected = strangers.map(({ change: { id } }): Verdict => ({ id, status: 'rejected', reason: noIdentifier }));
  const known = deliveries.filter(isKnown);
  return known.length === 0 ? rejected : [...rejected, ...(await tell(known))];
}
