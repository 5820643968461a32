import type { StartLocalVendor } from '@activation-hub/destination-kit/testing';
import { isNotFound, ownConnector } from '../src/registry.ts';

/**
 * What starts the stand-in of each kind of destination in a whole run, by type; loaded only when it
 * is asked for.
 */
export const localVendors: Readonly<Record<string, (() => Promise<StartLocalVendor>) | 'calls nobody'>> = {
  'blob-archive': async () => (await import('../src/blob-archive/vendor.ts')).startLocalBlobArchiveVendor,
  braze: async () => (await import('../src/braze/vendor.ts')).startLocalBrazeVendor,
  'customer-io': async () => (await import('../src/customer-io/vendor.ts')).startLocalCustomerIoVendor,
  'dynamics-365': async () => (await import('../src/dynamics-365/vendor.ts')).startLocalDynamics365Vendor,
  'event-hubs': async () => (await import('../src/event-hubs/vendor.ts')).startLocalEventHubsVendor,
  'google-customer-match': async () =>
    (await import('../src/google-customer-match/vendor.ts')).startLocalGoogleCustomerMatchVendor,
  hubspot: async () => (await import('../src/hubspot/vendor.ts')).startLocalHubspotVendor,
  iterable: async () => (await import('../src/iterable/vendor.ts')).startLocalIterableVendor,
  linkedin: async () => (await import('../src/linkedin/vendor.ts')).startLocalLinkedinVendor,
  log: 'calls nobody',
  marketo: async () => (await import('../src/marketo/vendor.ts')).startLocalMarketoVendor,
  'meta-custom-audiences': async () =>
    (await import('../src/meta-custom-audiences/vendor.ts')).startLocalMetaCustomAudiencesVendor,
  pinterest: async () => (await import('../src/pinterest/vendor.ts')).startLocalPinterestVendor,
  salesforce: async () => (await import('../src/salesforce/vendor.ts')).startLocalSalesforceVendor,
  'salesforce-marketing-cloud': async () =>
    (await import('../src/salesforce-marketing-cloud/vendor.ts')).startLocalSalesforceMarketingCloudVendor,
  snapchat: async () => (await import('../src/snapchat/vendor.ts')).startLocalSnapchatVendor,
  tiktok: async () => (await import('../src/tiktok/vendor.ts')).startLocalTiktokVendor,
  webhook: async () => (await import('../src/webhook/vendor.ts')).startLocalWebhookVendor,
};

/** Gives the exports of the `vendor.ts` of a connector in `own/connectors`. */
export type ImportVendor = (name: string) => Promise<object>;

/**
 * What starts the stand-in of a kind of destination: one of `localVendors`, or that of a connector
 * of the company's own, which its `vendor.ts` exports as `startLocal…Vendor`. `undefined` where
 * there is none. Throws when that file fails as it is loaded.
 */
export async function localVendorOf(
  type: string,
  importVendor: ImportVendor = (name) => import(name) as Promise<object>,
): Promise<StartLocalVendor | 'calls nobody' | undefined> {
  const known = Object.hasOwn(localVendors, type) ? localVendors[type] : undefined;
  if (known !== undefined) return known === 'calls nobody' ? known : await known();
  const own = ownConnector(type);
  if (own === undefined) return undefined;
  const specifier = `@activation-hub/own/${own}/vendor`;
  let exports: object;
  try {
    exports = await importVendor(specifier);
  } catch (error) {
    if (isNotFound(error, [`/connectors/${own}/vendor.ts'`, `'${specifier}'`])) return undefined;
    const why = error instanceof Error ? error.message : 'no error';
    throw new Error(`own/connectors/${own}/vendor.ts fails as it is loaded: ${why}.`, { cause: error });
  }
  const start = Object.entries(exports).find(([name]) => /^startLocal\w*Vendor$/.test(name));
  return start?.[1] as StartLocalVendor | undefined;
}
