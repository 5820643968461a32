import {
  afterPart,
  type Connector,
  createReasonGuard,
  type Delivery,
  exitsOf,
  inParts,
  optionsOf,
  resultsInOrder,
  secretsIn,
  tellKnown,
  type Verdict,
  type VendorApi,
} from '@activation-hub/destination-kit';
import type { marketoLists } from './lists.ts';
import type { MarketoRequests } from './request.ts';
import { type Judged, judgeRecords, recordsSchema } from './response.ts';
import type { MarketoOptions, MarketoSettings } from './settings.ts';

type Deliveries = readonly Delivery<MarketoOptions>[];

/**
 * Writes persons, and brings them into a list or out of it. A list knows persons by the ids that
 * Marketo has given them.
 */
export function marketoMembers(
  api: VendorApi,
  requests: MarketoRequests,
  lists: ReturnType<typeof marketoLists>,
  settings: MarketoSettings,
): Connector<MarketoOptions>['enter'] {
  const { identifiers, createPersons } = settings;
  const secrets = secretsIn(settings);
  /**
   * Finds the person of each change, and writes the attributes unless it is an exit. Only an entry
   * makes a person.
   */
  const sync = async (deliveries: Deliveries, signal: AbortSignal): Promise<ReadonlyMap<string, Judged>> => {
    const fieldOf = ({ change }: Delivery) => identifiers[change.identity.namespace] ?? '';
    // One request finds persons by one field.
    const judged = await inParts(Map.groupBy(deliveries, fieldOf), async ([field, part]) => {
      const input = part.map(({ change: { kind, attributes, identity } }) => ({
        ...(kind === 'exited' ? {} : attributes),
        [field]: identity.value,
      }));
      const isEntry = part.every(({ change }) => change.kind === 'entered');
      const request = requests.syncPersons(isEntry && createPersons ? 'createOrUpdate' : 'updateOnly', field, input);
      const records = judgeRecords(await api.ask(request, recordsSchema, signal));
      const inOrder = resultsInOrder(records, part.length, 'Marketo');
      return inOrder.map((record, place) => [part[place]?.change.id ?? '', record] as const);
    });
    return new Map(judged.flat());
  };
  const changeMembers = async (isExit: boolean, list: number, ids: readonly number[], signal: AbortSignal) =>
    judgeRecords(await api.ask(requests.changeMembers(isExit, list, ids), recordsSchema, signal));

  const tell = async (deliveries: Deliveries, signal: AbortSignal): Promise<readonly Verdict[]> => {
    const options = optionsOf(deliveries);
    const kind = deliveries[0]?.change.kind;
    // Before the persons: without its list no request about them is of use.
    if (kind !== 'updated') await lists.get(options, signal);
    const synced = await sync(deliveries, signal);
    const found = [...synced.values()].filter(({ refusal }) => refusal === undefined);
    const ids = [...new Set(found.flatMap(({ personId }) => personId ?? []))];
    const change = () => lists.use(options, (list) => changeMembers(kind === 'exited', list, ids, signal), signal);
    const changed = kind === 'updated' || ids.length === 0 ? [] : await afterPart(change());
    const byPerson = new Map(changed.map((each) => [each.personId, each]));
    const guard = createReasonGuard(deliveries, secrets);
    const verdicts = [...synced].map(([id, { personId, refusal }]): Verdict => {
      const why = refusal ?? byPerson.get(personId)?.refusal;
      if (why !== undefined) return why(id, guard);
      const isSilent = personId === undefined || (kind !== 'updated' && !byPerson.has(personId));
      if (!isSilent) return { id, status: 'delivered' };
      return { id, status: 'retry', reason: 'Marketo says nothing of this person', doubt: 'answered' };
    });
    // Who is not there, or not in the list, has left.
    return kind === 'exited' ? exitsOf(verdicts) : verdicts;
  };
  return (deliveries, signal) => tellKnown(identifiers, deliveries, (known) => tell(known, signal));
}
