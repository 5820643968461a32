import { headerTextOf, type HttpRequest, jsonRequests } from '@activation-hub/destination-kit';
import type { TiktokSettings } from './settings.ts';
import { type TiktokKind, tiktokKinds } from './takes.ts';

/** Ids of one person in TikTok's form. */
export type TiktokIds = Readonly<Partial<Record<TiktokKind, string>>>;

export type TiktokRequests = ReturnType<typeof tiktokRequests>;

/**
 * Describes the requests to TikTok. Throws `DestinationError` of class `set-up` when the token is
 * not ASCII on one line.
 */
export function tiktokRequests(settings: TiktokSettings) {
  const { advertiserId } = settings;
  const token = headerTextOf('accessToken', settings.accessToken);
  const request = jsonRequests(settings, `/open_api/${settings.apiVersion}`, { 'access-token': token });
  return {
    /** A page of all audiences, or the one with this id. */
    listAudiences: (page: string, id: string | undefined): HttpRequest =>
      request('GET', '/dmp/custom_audience/list/', {
        query: {
          advertiser_id: advertiserId,
          page,
          page_size: '100',
          custom_audience_ids: id === undefined ? undefined : JSON.stringify([id]),
        },
      }),
    createAudience: (name: string): HttpRequest =>
      request('POST', '/segment/audience/', {
        body: { advertiser_id: advertiserId, action: 'create', custom_audience_name: name },
      }),
    /**
     * Each row has a place for each kind of id that any of them has, empty where the person has
     * none of it.
     */
    mapIds: (action: 'add' | 'delete', audienceId: string, rows: readonly TiktokIds[]): HttpRequest => {
      const schema = tiktokKinds.filter((kind) => rows.some((ids) => ids[kind] !== undefined));
      const place = (id: string | undefined) => (id === undefined ? {} : { id, audience_ids: [audienceId] });
      return request('POST', '/segment/mapping/', {
        body: {
          advertiser_ids: [advertiserId],
          action,
          id_schema: schema,
          batch_data: rows.map((ids) => schema.map((kind) => place(ids[kind]))),
        },
      });
    },
  };
}
