import { createHash } from 'node:crypto';
import { encodeUrlText, type Change, type HttpRequest } from '@activation-hub/destination-kit';
import type { Dynamics365Settings, Dynamics365Options } from './settings.ts';

/** How Dataverse calls a kind of person. `createdFromCode` is what a list says that it holds. */
export interface MemberTable {
  readonly entity: string;
  readonly set: string;
  readonly id: string;
  readonly createdFromCode: number;
  /**
   * Which records are persons as they are now. A merge leaves the other record behind, inactive
   * (merge-entity-using-web-api). Of leads only open ones are active: a qualified one is still the
   * person, a disqualified one, as which a merge leaves it, is not.
   */
  readonly isCurrent: string;
}

export const memberTables: Readonly<Record<Dynamics365Settings['memberType'], MemberTable>> = {
  account: { entity: 'account', set: 'accounts', id: 'accountid', createdFromCode: 1, isCurrent: 'statecode eq 0' },
  contact: { entity: 'contact', set: 'contacts', id: 'contactid', createdFromCode: 2, isCurrent: 'statecode eq 0' },
  lead: { entity: 'lead', set: 'leads', id: 'leadid', createdFromCode: 4, isCurrent: 'statecode ne 2' },
};

/**
 * How a member is taken off a list: the action with the name of its parameter, or one of the ways
 * around it.
 */
export type Removal =
  | { readonly by: 'action'; readonly parameter: 'EntityId' | 'ListMember' }
  | { readonly by: 'list-member' }
  | { readonly by: 'association' };

/** One request inside a `$batch`. `path` is relative to the Web API's root. */
export interface Part {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export type Dynamics365Requests = ReturnType<typeof dynamics365Requests>;

type Get = (path: string) => HttpRequest;
type Post = (path: string, body: unknown) => HttpRequest;

/**
 * What adds to a segment and takes out of it: the segment and the group of static members in it.
 */
export interface SegmentGroup {
  readonly segmentId: string;
  readonly groupId: string;
}

/** `statuscode` of a segment that was deleted. */
const deletedStatus = 4;

/**
 * Requests about segments of Customer Insights – Journeys. All of them, their columns and codes are
 * of "Create a Customer Insights - Journeys segment using the Web API"
 * (learn.microsoft.com/dynamics365/customer-insights/journeys/real-time-marketing-api-segment).
 */
function segmentRequests(get: Get, post: Post, { entity }: MemberTable) {
  const columns =
    '$select=msdynmkt_segmentid,msdynmkt_baseentitylogicalname,msdynmkt_sourcesegmentuid&$orderby=createdon asc,msdynmkt_segmentid asc';
  const definition = '$select=msdynmkt_segmentdefinitionid,msdynmkt_staticlistmembers';
  return {
    findSegment: ({ segment, segmentId }: Dynamics365Options): HttpRequest => {
      const filter =
        segmentId === undefined
          ? `msdynmkt_displayname eq ${quoted(segment ?? '')}`
          : `msdynmkt_segmentid eq ${segmentId}`;
      const there = `${filter} and statuscode ne ${deletedStatus}`;
      return get(`msdynmkt_segments?${columns}&$filter=${encodeUrlText(there)}&$top=2`);
    },
    readDefinition: (definitionId: string): HttpRequest =>
      get(`msdynmkt_segmentdefinitions(${definitionId})?${definition}`),
    /** A draft without a query, which has one group of static members. */
    createDefinition: (groupId: string, groupName: string): HttpRequest =>
      post(`msdynmkt_segmentdefinitions?${definition}`, {
        msdynmkt_segmentquery: '',
        statecode: 0,
        statuscode: 723_270_001,
        msdynmkt_staticlistmembers: JSON.stringify([
          { groupId, includeType: 'Include', name: groupName, inputType: 'manualSelect' },
        ]),
        msdynmkt_disablesegmentrefresh: false,
        msdynmkt_segmentrefreshintervalminutes: 15,
      }),
    /** A static segment of Customer Insights – Journeys, not active before it is published. */
    createSegment: (name: string, definitionId: string): HttpRequest =>
      post('msdynmkt_segments?$select=msdynmkt_segmentid', {
        msdynmkt_displayname: name,
        msdynmkt_type: 10,
        msdynmkt_source: 12,
        msdynmkt_baseentitylogicalname: entity,
        statecode: 1,
        statuscode: 2,
        msdynmkt_sourcesegmentuid: definitionId,
      }),
    publishSegment: (segmentId: string): HttpRequest =>
      post('msdynmkt_PublishSegmentDefinition', { SegmentId: segmentId }),
    changeStaticMembers: (
      direction: 'add' | 'remove',
      { segmentId, groupId }: SegmentGroup,
      recordIds: readonly string[],
    ): HttpRequest =>
      post(direction === 'add' ? 'msdynmkt_AddStaticMembers' : 'msdynmkt_RemoveStaticMembers', {
        SegmentId: segmentId,
        GroupId: groupId,
        EntityIds: recordIds,
      }),
  };
}

/** The metadata of an environment with all apps are some ten megabytes. */
const metadataBytesMax = 64 * 1024 * 1024;

/**
 * Describes the requests to Dataverse; credentials are added on their way. Whatever names a person
 * is inside a `$batch`.
 */
export function dynamics365Requests({ environmentUrl, apiVersion, timeoutMs, memberType }: Dynamics365Settings) {
  const { origin } = new URL(environmentUrl);
  const root = `/api/data/${apiVersion}`;
  const table = memberTables[memberType];
  const headers = {
    accept: 'application/json',
    'odata-version': '4.0',
    'odata-maxversion': '4.0',
    'if-none-match': 'null',
  };
  const get: Get = (path) => ({ method: 'GET', url: `${origin}${root}/${path}`, headers, timeoutMs });
  const post: Post = (path, body) => ({
    ...get(path),
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', prefer: 'return=representation' },
    body: JSON.stringify(body),
  });
  const listColumns = '$select=listid,listname,createdfromcode,type,lockstatus,statecode';

  return {
    whoAmI: (): HttpRequest => get('WhoAmI'),
    metadata: (): HttpRequest => ({
      ...get('$metadata'),
      headers: { ...headers, accept: 'application/xml' },
      responseBytesMax: metadataBytesMax,
    }),
    alternateKeys: (): HttpRequest =>
      get(`EntityDefinitions(LogicalName='${table.entity}')/Keys?$select=KeyAttributes,EntityKeyIndexStatus`),
    findList: ({ list, listId }: Dynamics365Options): HttpRequest =>
      get(
        listId === undefined
          ? `lists?${listColumns}&$orderby=createdon asc,listid asc&$filter=${encodeUrlText(`listname eq ${quoted(list ?? '')}`)}&$top=2`
          : `lists(${listId})?${listColumns}`,
      ),
    createList: (name: string): HttpRequest =>
      post(`lists?${listColumns}`, { listname: name, createdfromcode: table.createdFromCode, type: false }),
    /**
     * Each part is answered on its own, in the order of the request, also after one of them failed.
     */
    batch: (parts: readonly Part[]): HttpRequest => {
      const boundary = `batch_${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)}`;
      return {
        method: 'POST',
        url: `${origin}${root}/$batch`,
        headers: {
          ...headers,
          'content-type': `multipart/mixed; boundary="${boundary}"`,
          prefer: 'odata.continue-on-error',
        },
        body: writeBatch(parts, boundary, root),
        timeoutMs,
      };
    },
    findCurrent: (column: string, value: string): Part => ({
      method: 'GET',
      path: `${table.set}?$select=${table.id}&$filter=${encodeUrlText(`${column} eq ${quoted(value)} and ${table.isCurrent}`)}&$top=2`,
    }),
    /** Finds every record, inactive ones too. */
    findEvery: (column: string, value: string): Part => ({
      method: 'GET',
      path: `${table.set}?$select=${table.id}&$filter=${encodeUrlText(`${column} eq ${quoted(value)}`)}`,
    }),
    /** Writes the attributes of a record that is there; 404 when it is not. */
    updateRecord: (recordId: string, change: Change, column: string): Part =>
      write(`${table.set}(${recordId})`, change, column, true),
    /**
     * Writes the attributes of the record with this alternate key; creates it unless `isThere` is
     * asked for.
     */
    upsertRecord: (change: Change, column: string, isThere: boolean): Part =>
      write(`${table.set}(${column}=${encodeUrlText(quoted(change.identity.value))})`, change, column, isThere),
    /** Creates a record; the alternate key keeps Dataverse from making a second one. */
    createRecord: (change: Change, column: string): Part => ({
      method: 'POST',
      path: `${table.set}?$select=${table.id}`,
      headers: { prefer: 'return=representation' },
      body: { ...attributesOf(change, column), [column]: change.identity.value },
    }),
    addMember: (listId: string, recordId: string): Part => ({
      method: 'POST',
      path: `lists(${listId})/Microsoft.Dynamics.CRM.AddMemberList`,
      body: { EntityId: recordId },
    }),
    removeMember: (listId: string, recordId: string, removal: Exclude<Removal, { by: 'list-member' }>): Part =>
      removal.by === 'association'
        ? { method: 'DELETE', path: `lists(${listId})/list${table.entity}_association(${recordId})/$ref` }
        : {
            method: 'POST',
            path: `lists(${listId})/Microsoft.Dynamics.CRM.RemoveMemberList`,
            // Where the parameter is a list member, clients in use put the record's own id into it,
            // not that of the row.
            body:
              removal.parameter === 'EntityId' ? { EntityId: recordId } : { ListMember: { listmemberid: recordId } },
          },
    findListMember: (listId: string, recordId: string): Part => ({
      method: 'GET',
      path: `listmembers?$select=listmemberid&$filter=${encodeUrlText(`_listid_value eq ${listId} and _entityid_value eq ${recordId}`)}`,
    }),
    deleteListMember: (rowId: string): Part => ({ method: 'DELETE', path: `listmembers(${rowId})` }),
    ...segmentRequests(get, post, table),
  };

  /** The identity says who it is; an attribute must not say otherwise. */
  function attributesOf({ attributes }: Change, column: string): Change['attributes'] {
    return Object.fromEntries(Object.entries(attributes).filter(([name]) => name !== column && name !== table.id));
  }

  function write(path: string, change: Change, column: string, isThere: boolean): Part {
    const body = attributesOf(change, column);
    const prefer = { prefer: 'return=representation' };
    return {
      method: 'PATCH',
      path: `${path}?$select=${table.id}`,
      headers: isThere ? { ...prefer, 'if-match': '*' } : prefer,
      body,
    };
  }
}

/** A text in OData: apostrophes are doubled. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function writeBatch(parts: readonly Part[], boundary: string, root: string): string {
  const lines: string[] = [];
  for (const { method, path, headers, body } of parts) {
    lines.push(
      `--${boundary}`,
      'Content-Type: application/http',
      'Content-Transfer-Encoding: binary',
      '',
      `${method} ${root}/${path} HTTP/1.1`,
      'Accept: application/json',
      ...Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${value}`),
      ...(body === undefined ? ['', ''] : ['Content-Type: application/json', '', JSON.stringify(body)]),
    );
  }
  return [...lines, `--${boundary}--`, ''].join('\r\n');
}
