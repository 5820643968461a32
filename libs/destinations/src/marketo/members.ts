import {
  afterPart,
  createReasonGuard,
  type Delivery,
  type HttpSender,
  type Secret,
  type Verdict,
} from '@activation-hub/destination-kit';
import type { MarketoRequests } from './request.ts';
import { type Judged, readRecords, readSynced } from './response.ts';
import type { MarketoOptions, MarketoSettings } from './settings.ts';

type Deliveries = readonly Delivery<MarketoOptions>[];

/**
 * Writes persons, and brings them into a list or out of it. A list knows persons by the ids that
 * Marketo has given them.
 */
export function marketoMembers(
  http: HttpSender,
  requests: MarketoRequests,
  { identifiers, createPersons }: MarketoSettings,
  secrets: readonly Secret[],
  now: () => number,
) {
  /**
   * Finds the person of each change, and writes the attributes unless it is an exit. Only an entry
   * makes a person.
   */
  const sync = async (deliveries: Deliveries, signal: AbortSignal): Promise<ReadonlyMap<string, Judged>> => {
    const changes = deliveries.map(({ change }) => change);
    const judged = new Map<string, Judged>();
    // One request finds persons by one field.
    for (const [field, part] of Map.groupBy(changes, ({ identity }) => identifiers[identity.namespace] ?? '')) {
      const input = part.map(({ kind, attributes, identity }) => ({
        ...(kind === 'exited' ? {} : attributes),
        [field]: identity.value,
      }));
      const isEntry = part.every(({ kind }) => kind === 'entered');
      const request = requests.syncPersons(isEntry && createPersons ? 'createOrUpdate' : 'updateOnly', field, input);
      const ask = async () => readSynced(await http.send(request, signal), part.length, now());
      const records = await (judged.size === 0 ? ask() : afterPart(ask()));
      part.forEach(({ id }, place) => judged.set(id, records[place] ?? { personId: undefined }));
    }
    return judged;
  };

  return async (
    deliveries: Deliveries,
    list: { readonly direction: 'add' | 'remove'; readonly id: number } | undefined,
    signal: AbortSignal,
  ): Promise<Verdict[]> => {
    const guard = createReasonGuard(deliveries, secrets);
    const synced = await sync(deliveries, signal);
    const found = [...synced.values()].flatMap(({ personId, refusal }) =>
      refusal === undefined && personId !== undefined ? [personId] : [],
    );
    const ids = [...new Set(found)];
    const change = async (direction: 'add' | 'remove', listId: number) =>
      readRecords(await http.send(requests.changeMembers(direction, listId, ids), signal), now());
    const changed = list === undefined || ids.length === 0 ? [] : await afterPart(change(list.direction, list.id));
    const byPerson = new Map(changed.map((each) => [each.personId, each]));
    return [...synced].map(([id, { personId, refusal }]): Verdict => {
      const why = refusal ?? byPerson.get(personId)?.refusal;
      const isSilent = personId === undefined || (list !== undefined && !byPerson.has(personId));
      if (why === undefined && isSilent)
        return { id, status: 'retry', reason: 'Marketo says nothing of this person', doubt: 'answered' };
      const verdict: Verdict = why?.(id, guard) ?? { id, status: 'delivered' };
      // Who is not there, or not in the list, has left.
      return verdict.status === 'not-found' && list?.direction === 'remove' ? { id, status: 'delivered' } : verdict;
    });
  };
}
