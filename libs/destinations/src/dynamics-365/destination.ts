import {
  type Change,
  type Connector,
  defineDestination,
  type Delivery,
  DestinationError,
  formed,
  formField,
  formId,
  identityBy,
  optionsOf,
  plainProfile,
  reading,
  refused,
  type Verdict,
} from '@activation-hub/destination-kit';
import { ListMembers } from './members-list.ts';
import type { Members, Row } from './members.ts';
import { type LocatedChanges, Records } from './persons.ts';
import { dynamics365Requests, memberTables } from './request.ts';
import { dynamicsError, readActiveKeys } from './response.ts';
import { SegmentMembers } from './members-segment.ts';
import {
  type Dynamics365Settings,
  dynamics365Settings,
  type Dynamics365Options,
  dynamics365Options,
  namesSegment,
} from './settings.ts';
import { signedIn } from './sign-in.ts';
import { dynamics365Takes } from './takes.ts';

type Identifier = Dynamics365Settings['identifiers'][string];

/**
 * Contacts, leads or accounts of Dynamics 365, and their memberships in static marketing lists or
 * segments.
 */
export const dynamics365 = defineDestination({
  type: 'dynamics-365',
  title: 'Microsoft Dynamics 365',
  description:
    'Keeps contacts, leads or accounts of Dataverse and their memberships in static marketing lists, or in segments of Customer Insights - Journeys.',
  settings: dynamics365Settings,
  options: dynamics365Options,
  // A batch takes two or three requests. Service protection allows 6000 in five minutes to one
  // application user.
  limits: ({ batchSize }) => ({
    batchCount: batchSize,
    batchBytes: 1024 * 1024,
    requestsPerSecond: 4,
    concurrency: 6,
  }),
  batchBy: 'route',
  identity: identityBy(({ column }: Identifier, value, { memberType }: Dynamics365Settings, namespace) => {
    const text = value.trim();
    if (column === memberTables[memberType].id) {
      const isGuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
      return isGuid ? formed(text.toLowerCase()) : refused('not the id of a record');
    }
    return namespace === 'email' ? formField(plainProfile.email, text) : formId(text);
  }),
  takes: dynamics365Takes,
  comparison: {
    enters: 'is found or made, and joins a static list or segment',
    leaves: 'leaves it; the record stays',
    // The reference of `list` names no end of a membership, and no page was found that rules one
    // out. A segment itself ends:
    // learn.microsoft.com/dynamics365/customer-insights/journeys/auto-segment-management, "Refresh
    // intervals".
    lasting:
      'no page of Microsoft names an end for lists, and none was found that rules one out; a segment that no journey uses for 120 days expires',
    hashed: 'nothing',
    shownAfter: 'at once; a segment with its next refresh, after 15 minutes if it was made here',
    erasure: 'the membership is taken back; the record stays',
    untried: 'all of segments; the ways of removal from lists',
  },
  connect: (settings, { http, now, record }): Connector<Dynamics365Options> => {
    http.check(settings.environmentUrl);
    http.check(settings.signInUrl);
    const sender = signedIn(http, settings, record !== undefined, now);
    const requests = dynamics365Requests(settings);
    const { entity } = memberTables[settings.memberType];
    const records = new Records(sender, requests, settings, now);
    const lists = new ListMembers(sender, requests, { records, settings }, now);
    const segments = new SegmentMembers(sender, requests, settings, now);
    const membersOf = (options: Dynamics365Options): Members => {
      if (!namesSegment(options)) return lists;
      if (settings.memberType !== 'account') return segments;
      throw new DestinationError('set-up', 'Failed to use a segment: segments hold contacts or leads. Set memberType.');
    };

    return {
      enter: async (deliveries, signal) => {
        const options = optionsOf(deliveries);
        const members = membersOf(options);
        // Before the records: without its list no request about them is of use.
        await members.prepare(options, signal);
        const located = await records.write(changesOf(deliveries), signal, true);
        return [...endedOf(located, entity), ...(await members.add(recordsOf(located), options, signal))];
      },
      update: async (deliveries, signal) => {
        const located = await records.write(changesOf(deliveries), signal, false);
        const told = recordsOf(located).map(({ id }): Verdict => ({ id, status: 'delivered' }));
        return [...endedOf(located, entity), ...told];
      },
      exit: async (deliveries, signal) => {
        const options = optionsOf(deliveries);
        const members = membersOf(options);
        await members.prepare(options, signal);
        const found = await records.findEvery(changesOf(deliveries), signal);
        const rows = [...found].flatMap(([id, of]) =>
          'recordIds' in of ? of.recordIds.map((recordId) => ({ id, recordId })) : [],
        );
        const verdicts = new Map(
          [...found].map(([id, of]): [string, Verdict] => [
            id,
            'verdict' in of ? of.verdict : { id, status: 'delivered' },
          ]),
        );
        // What fails for one record of a person fails the change.
        for (const verdict of await members.remove(rows, options, signal)) {
          if (verdict.status !== 'delivered') verdicts.set(verdict.id, verdict);
        }
        return [...verdicts.values()];
      },
      probe: async (routes, signal) => {
        const whoAmI = await reading(sender.send(requests.whoAmI(), signal));
        if (whoAmI.status !== 200) throw dynamicsError(whoAmI, now());
        const problems: string[] = [];
        const keyed = Object.values(settings.identifiers).filter(({ alternateKey }) => alternateKey);
        if (keyed.length > 0) {
          const active = readActiveKeys(await reading(sender.send(requests.alternateKeys(), signal)), now());
          for (const { column } of keyed.filter(({ column: name }) => !active.includes(name))) {
            const why = `it is not an active alternate key of ${entity}. Add the key, or set alternateKey to false.`;
            problems.push(`Failed to use the column ${column}: ${why}`);
          }
        }
        for (const options of routes) {
          const problem = await membersOf(options).problem(options, signal);
          if (problem !== undefined) problems.push(problem);
        }
        return problems;
      },
    };
  },
});

const changesOf = (deliveries: readonly Delivery[]): readonly Change[] => deliveries.map(({ change }) => change);

function recordsOf(located: LocatedChanges): readonly Row[] {
  return [...located].flatMap(([id, of]) => ('recordId' in of ? [{ id, recordId: of.recordId }] : []));
}

/** The verdicts of changes that came to no record. */
function endedOf(located: LocatedChanges, entity: string): readonly Verdict[] {
  return [...located].flatMap(([id, of]): readonly Verdict[] => {
    if ('recordId' in of) return [];
    return 'verdict' in of ? [of.verdict] : [{ id, status: 'not-found', reason: `no ${entity} has this identity` }];
  });
}
