import type { StartLocalVendor } from '@activation-hub/destination-kit/testing';

/**
 * What starts the stand-in of each kind of destination in a whole run, by type; loaded only when it is asked for. A kind that calls
 * nobody has none.
 */
export const localVendors: Readonly<Record<string, () => Promise<StartLocalVendor>>> = {
  braze: async () => (await import('../src/braze/vendor.ts')).startLocalBrazeVendor,
  'dynamics-365': async () => (await import('../src/dynamics-365/vendor.ts')).startLocalDynamics365Vendor,
  hubspot: async () => (await import('../src/hubspot/vendor.ts')).startLocalHubspotVendor,
  salesforce: async () => (await import('../src/salesforce/vendor.ts')).startLocalSalesforceVendor,
  webhook: async () => (await import('../src/webhook/vendor.ts')).startLocalWebhookVendor,
};
