import { ListsByName, type VendorApi } from '@activation-hub/destination-kit';
import type { TiktokRequests } from './request.ts';
import { audiencesSchema, createdSchema } from './response.ts';
import type { TiktokOptions } from './settings.ts';

/** The custom audiences that options name. */
export const tiktokAudiences = (api: VendorApi, requests: TiktokRequests) =>
  new ListsByName({
    vendor: 'TikTok',
    what: 'audience',
    page: async (from = '1', signal, options?: TiktokOptions) => {
      const { data } = await api.ask(requests.listAudiences(from, options?.listId), audiencesSchema, signal);
      const isLast = Number(from) >= data.page_info.total_page;
      return { lists: data.list, next: isLast ? undefined : String(Number(from) + 1) };
    },
    create: async (name, signal) => {
      const { data } = await api.ask(requests.createAudience(name), createdSchema, signal);
      return { id: data.audience_id, name, isExpired: false };
    },
    idsGrow: true,
    missing: 'Let the options create it by name (createList: true), or check the token.',
    unfit: ({ isExpired }) => (isExpired ? 'it has expired. Delete it, and make a new one.' : undefined),
  });
