import { NamedLists, type VendorApi } from '@activation-hub/destination-kit';
import type { MarketingCloudRequests } from './request.ts';
import { type Column, readColumns } from './response.ts';
import type { MarketingCloudOptions } from './settings.ts';

/**
 * The data extensions that options name, by their columns: whether there is one, and whether its
 * primary key is that of the options.
 */
export function dataExtensions(
  api: VendorApi,
  requests: MarketingCloudRequests,
): NamedLists<MarketingCloudOptions, Column, true> {
  return new NamedLists({
    find: async (options, signal) => readColumns(await api.send(requests.readColumns(options), signal)),
    mayCreate: () => false,
    create: () => Promise.resolve([]),
    choose: (columns, { dataExtension, keyColumn }) => {
      const refuse = (why: string) => ({
        refuse: `Failed to use the data extension with the external key ${JSON.stringify(dataExtension)}: ${why}`,
      });
      if (columns.length === 0) return refuse('there is none. Create it, and let its primary key be keyColumn.');
      const keys = columns.filter(({ isKey }) => isKey).map(({ name }) => name);
      if (keys.length === 1 && keys[0]?.toLowerCase() === keyColumn.toLowerCase()) return { use: true };
      return refuse(`its primary key is not ${keyColumn} alone. Name its one primary key in keyColumn.`);
    },
  });
}
