import { ListsByName, type VendorApi } from '@activation-hub/destination-kit';
import type { MarketoRequests } from './request.ts';
import { createdSchema, listsSchema } from './response.ts';
import type { MarketoOptions, MarketoSettings } from './settings.ts';

/** How Marketo says that it has found nothing, and that there is no such object. */
const absent = ['702', '1013'];

/**
 * The static lists that options name: a name is of one list in a program, and may be of several in
 * all.
 */
export const marketoLists = (api: VendorApi, requests: MarketoRequests, { folder }: MarketoSettings) =>
  new ListsByName({
    vendor: 'Marketo',
    what: 'static list',
    page: async (_from, signal, options?: MarketoOptions) => {
      const answer = await api.find(requests.readLists(options?.list ?? ''), listsSchema, absent, signal);
      return { lists: answer?.result ?? [] };
    },
    read: async (id, signal) => (await api.find(requests.readList(id), listsSchema, absent, signal))?.result[0],
    mayCreate: folder !== undefined,
    create: async (name, signal) => (await api.ask(requests.createList(name), createdSchema, signal)).result[0],
    idsGrow: true,
    missing: 'Create it, or let the options create it by name (createList: true) in the folder of the settings.',
  });
