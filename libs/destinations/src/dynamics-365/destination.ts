import {
  reading,
  type Change,
  type Connector,
  defineDestination,
  type Delivery,
  errorForResponse,
  formed,
  formField,
  type HttpResponse,
  plainProfile,
  refused,
  CachedLookup,
  type Verdict,
  withClientCredentials,
} from '@activation-hub/destination-kit';
import { MarketingLists } from './lists.ts';
import { type LocatedChanges, Records } from './records.ts';
import { dynamics365Requests, memberTables, type Removal } from './request.ts';
import { judgePart, readActiveKeys, readIds, readRemovalParameter } from './response.ts';
import { dynamics365Settings, type Dynamics365Options, dynamics365Options } from './settings.ts';
import { dynamics365Takes } from './takes.ts';

/** Contacts, leads or accounts of Dynamics 365, and their memberships in static marketing lists. */
export const dynamics365 = defineDestination({
  type: 'dynamics-365',
  title: 'Microsoft Dynamics 365',
  description: 'Keeps contacts, leads or accounts of Dataverse and their memberships in static marketing lists.',
  settings: dynamics365Settings,
  options: dynamics365Options,
  // A batch takes two or three requests. Service protection allows 6000 in five minutes to one application user.
  limits: ({ batchSize }) => ({
    batchCount: batchSize,
    batchBytes: 1024 * 1024,
    requestsPerSecond: 4,
    concurrency: 6,
  }),
  batchBy: 'route',
  identity: ({ namespace, value }, { identities, memberType }) => {
    const column = Object.hasOwn(identities, namespace) ? identities[namespace]?.column : undefined;
    if (column === undefined) return refused('no column is set for this namespace');
    const text = value.trim();
    if (column === memberTables[memberType].id) {
      const isGuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
      return isGuid ? formed(text.toLowerCase()) : refused('not the id of a record');
    }
    if (namespace === 'email') return formField(plainProfile.email, text);
    return text === '' ? refused('no value') : formed(text);
  },
  takes: dynamics365Takes,
  connect: (settings, { http, now }): Connector<Dynamics365Options> => {
    http.check(settings.environmentUrl);
    http.check(settings.signInUrl);
    const sender = withClientCredentials(
      http,
      {
        tokenUrl: `${new URL(settings.signInUrl).origin}/${settings.tenantId}/oauth2/v2.0/token`,
        clientId: settings.clientId,
        clientSecret: settings.clientSecret,
        scope: `${new URL(settings.environmentUrl).origin}/.default`,
      },
      now,
    );
    const requests = dynamics365Requests(settings);
    const table = memberTables[settings.memberType];
    const lists = new MarketingLists(sender, requests, table, now);
    const records = new Records(sender, requests, settings, now);
    const removals = new CachedLookup(async (_environment, signal): Promise<Removal> => {
      const strategy = settings.removalStrategy;
      if (strategy === 'list-member' || strategy === 'association') return { by: strategy };
      const metadata = reading(sender.send(requests.metadata(), signal));
      const parameter = await reading(metadata.then((response) => readRemovalParameter(response, now())));
      if (parameter !== undefined) return { by: 'action', parameter };
      return strategy === 'action' ? { by: 'action', parameter: 'EntityId' } : { by: 'list-member' };
    });

    const add = async (located: LocatedChanges, options: Dynamics365Options, listId: string, signal: AbortSignal) => {
      const rows = recordsOf(located);
      const answers = await records.send(
        rows.map(({ recordId }) => requests.addMember(listId, recordId)),
        signal,
      );
      const verdicts = rows.map(({ id }, index) => verdictOf(id, answers[index], now()));
      if (!verdicts.includes('not-found')) return verdicts.filter((verdict) => verdict !== 'not-found');
      // Either the list or the record is gone. When the list is as it was, it is the record.
      const isSameList = (await lists.currentIdOf(options, signal)) === listId;
      return verdicts.map((verdict, index): Verdict => {
        const id = rows[index]?.id ?? '';
        if (verdict !== 'not-found') return verdict;
        return isSameList ? nobody(id, table.entity) : { id, status: 'retry', reason: 'the list was made anew' };
      });
    };
    const remove = async (rows: readonly Row[], listId: string, signal: AbortSignal): Promise<Verdict[]> => {
      if (rows.length === 0) return [];
      const removal = await removals.get('', signal);
      if (removal.by !== 'list-member') {
        const parts = rows.map(({ recordId }) => requests.removeMember(listId, recordId, removal));
        const answers = await records.send(parts, signal);
        return rows.map(({ id }, index) => gone(id, verdictOf(id, answers[index], now())));
      }
      const found = await reading(
        records.send(
          rows.map(({ recordId }) => requests.findListMember(listId, recordId)),
          signal,
        ),
      );
      const memberships = rows.flatMap(({ id }, index) => {
        const answer = found[index];
        const rowIds = answer === undefined ? [] : readIds(answer, 'listmemberid', now());
        return rowIds.map((rowId) => ({ id, rowId }));
      });
      const answers = await records.send(
        memberships.map(({ rowId }) => requests.deleteListMember(rowId)),
        signal,
      );
      return memberships.map(({ id }, index) => gone(id, verdictOf(id, answers[index], now())));
    };

    return {
      enter: async (deliveries, signal) => {
        const options = termsOf(deliveries);
        // Before the records are told: without its list there is nothing to be told.
        const listId = await lists.idOf(options, signal);
        const located = await records.write(changesOf(deliveries), signal, true);
        return [
          ...endedOf(located, (id) => nobody(id, table.entity)),
          ...(await add(located, options, listId, signal)),
        ];
      },
      update: async (deliveries, signal) => {
        const located = await records.write(changesOf(deliveries), signal, false);
        const ended = endedOf(located, (id) => nobody(id, table.entity));
        return [...ended, ...recordsOf(located).map(({ id }): Verdict => ({ id, status: 'delivered' }))];
      },
      exit: async (deliveries, signal) => {
        const listId = await lists.idOf(termsOf(deliveries), signal);
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
        for (const verdict of await remove(rows, listId, signal)) {
          if (verdict.status !== 'delivered') verdicts.set(verdict.id, verdict);
        }
        return [...verdicts.values()];
      },
      prepare: async (routes, signal) => {
        for (const options of routes) await lists.idOf(options, signal);
      },
      probe: async (routes, signal) => {
        const whoAmI = await reading(sender.send(requests.whoAmI(), signal));
        if (whoAmI.status !== 200) throw errorForResponse(whoAmI, now());
        const problems: string[] = [];
        const keyed = Object.values(settings.identities).filter(({ alternateKey }) => alternateKey);
        if (keyed.length > 0) {
          const active = readActiveKeys(await reading(sender.send(requests.alternateKeys(), signal)), now());
          for (const { column } of keyed.filter(({ column: name }) => !active.includes(name))) {
            const why = `it is not an active alternate key of ${table.entity}. Add the key, or set alternateKey to false.`;
            problems.push(`Failed to use the column ${column}: ${why}`);
          }
        }
        for (const options of routes) {
          const problem = await lists.problem(options, signal);
          if (problem !== undefined) problems.push(problem);
        }
        return problems;
      },
    };
  },
});

const changesOf = (deliveries: readonly Delivery[]): readonly Change[] => deliveries.map(({ change }) => change);

/** The options of a batch, which is of one route. */
function termsOf(deliveries: readonly Delivery<Dynamics365Options>[]): Dynamics365Options {
  const [first] = deliveries;
  if (first === undefined) throw new Error('Failed to deliver: no batch is empty.');
  return first.options;
}

/** A record of the person of a change. */
interface Row {
  readonly id: string;
  readonly recordId: string;
}

function recordsOf(located: LocatedChanges): readonly Row[] {
  return [...located].flatMap(([id, of]) => ('recordId' in of ? [{ id, recordId: of.recordId }] : []));
}

/** The verdicts of changes that came to no record. */
function endedOf(located: LocatedChanges, ofMissing: (id: string) => Verdict): readonly Verdict[] {
  return [...located].flatMap(([id, of]) => {
    if ('recordId' in of) return [];
    return ['verdict' in of ? of.verdict : ofMissing(id)];
  });
}

function verdictOf(id: string, answer: HttpResponse | undefined, nowMs: number): Verdict | 'not-found' {
  if (answer === undefined) return { id, status: 'retry', reason: 'no answer', doubt: 'answered' };
  const outcome = judgePart(id, answer, nowMs);
  if (outcome.is === 'ended') return outcome.verdict;
  return outcome.is === 'done' ? { id, status: 'delivered' } : 'not-found';
}

/** Whoever is not there has left. */
function gone(id: string, verdict: Verdict | 'not-found'): Verdict {
  return verdict === 'not-found' ? { id, status: 'delivered' } : verdict;
}

function nobody(id: string, entity: string): Verdict {
  return { id, status: 'not-found', reason: `no ${entity} has this identity` };
}
