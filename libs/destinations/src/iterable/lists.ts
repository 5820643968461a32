import { ListsByName, type VendorApi } from '@activation-hub/destination-kit';
import type { IterableRequests } from './request.ts';
import { createdSchema, type IterableList, listsSchema } from './response.ts';
import type { IterableOptions } from './settings.ts';

/** The static lists that options name. */
export const iterableLists = (api: VendorApi, requests: IterableRequests) =>
  new ListsByName<IterableOptions, IterableList>({
    vendor: 'Iterable',
    what: 'list',
    page: (_from, signal) => api.ask(requests.readLists(), listsSchema, signal),
    create: async (name, signal) => {
      const { listId } = await api.ask(requests.createList(name), createdSchema, signal);
      return { id: listId, name, listType: 'Standard' };
    },
    idsGrow: true,
    unfit: ({ listType }) => (listType === 'Standard' ? undefined : 'it is no static list. Name a static one.'),
  });
