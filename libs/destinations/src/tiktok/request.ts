import { type Change, formFields, headerTextOf, type HttpRequest, jsonRequest } from '@activation-hub/destination-kit';
import type { TiktokSettings } from './settings.ts';
import { tiktokFields, type TiktokKey, tiktokKeys } from './takes.ts';

/** Ids of one person in TikTok's form, and the change of which they are told. */
export interface TiktokRow {
  readonly id: string;
  readonly ids: Readonly<Partial<Record<TiktokKey, string>>>;
}

export type TiktokRequests = ReturnType<typeof tiktokRequests>;

/**
 * Describes the requests to TikTok. Throws `DestinationError` of class `set-up` when the token is
 * not ASCII on one line.
 */
export function tiktokRequests({ baseUrl, apiVersion, accessToken, advertiserId, timeoutMs }: TiktokSettings) {
  const root = `${baseUrl.replace(/\/+$/, '')}/open_api/${apiVersion}`;
  const token = headerTextOf('accessToken', accessToken);
  const request = (method: 'GET' | 'POST', path: string, body?: unknown): HttpRequest => {
    const described = jsonRequest(method, `${root}/${path}`, timeoutMs, body);
    return { ...described, headers: { ...described.headers, 'access-token': token } };
  };

  return {
    /** A page of all audiences, or the one with this id. */
    listAudiences: (page: number, id: string | undefined): HttpRequest => {
      const wanted = id === undefined ? {} : { custom_audience_ids: JSON.stringify([id]) };
      const query = { advertiser_id: advertiserId, page: String(page), page_size: '100', ...wanted };
      return request('GET', `dmp/custom_audience/list/?${new URLSearchParams(query).toString()}`);
    },
    createAudience: (name: string): HttpRequest =>
      request('POST', 'segment/audience/', {
        advertiser_id: advertiserId,
        action: 'create',
        custom_audience_name: name,
      }),
    /**
     * Each row has a place for each kind of id that any of them has, empty where the person has
     * none of it.
     */
    mapIds: (action: 'add' | 'delete', audienceId: string, rows: readonly TiktokRow[]): HttpRequest => {
      const schema = tiktokKeys.filter((key) => rows.some(({ ids }) => ids[key] !== undefined));
      return request('POST', 'segment/mapping/', {
        advertiser_ids: [advertiserId],
        action,
        id_schema: schema,
        batch_data: rows.map(({ ids }) =>
          schema.map((key) => (ids[key] === undefined ? {} : { id: ids[key], audience_ids: [audienceId] })),
        ),
      });
    },
  };
}

/**
 * What TikTok is told of a change: its identity, and the attributes that have a value in TikTok's
 * form; `undefined` where no key is set for the namespace.
 */
export function rowOf({ id, identity, attributes }: Change, settings: TiktokSettings): TiktokRow | undefined {
  const key = settings.keys[identity.namespace];
  return key === undefined ? undefined : { id, ids: { ...idsOf(attributes, settings), [key]: identity.value } };
}

/** The ids by which TikTok knows the person from earlier, and which are theirs no longer. */
export function vanishedRowsOf(
  { identity, previousAttributes = {} }: Change,
  { id, ids }: TiktokRow,
  settings: TiktokSettings,
): readonly TiktokRow[] {
  const earlier = Object.entries({
    ...idsOf(previousAttributes, settings),
    [settings.keys[identity.namespace] ?? '']: '',
  });
  const vanished = earlier.filter(([, value]) => value !== '' && !Object.values(ids).includes(value));
  return vanished.length === 0 ? [] : [{ id, ids: Object.fromEntries(vanished) }];
}

const idsOf = (attributes: Change['attributes'], { defaultCountry }: TiktokSettings): TiktokRow['ids'] =>
  formFields(tiktokFields, attributes, defaultCountry === undefined ? {} : { defaultCountry }).fields;
