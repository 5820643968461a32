export { localVendorOf, localVendors } from './local-vendors.ts';
export { type ArchiveLine, type BlobArchiveVendor, startBlobArchiveVendor } from '../src/blob-archive/vendor.ts';
export { type BrazeVendor, startBrazeVendor } from '../src/braze/vendor.ts';
export {
  type Dynamics365Vendor,
  type Dynamics365VendorOptions,
  startDynamics365Vendor,
} from '../src/dynamics-365/vendor.ts';
export {
  type GoogleVendor,
  standInServiceAccountKey,
  startGoogleCustomerMatchVendor,
} from '../src/google-customer-match/vendor.ts';
export { type EventHubsVendor, startEventHubsVendor } from '../src/event-hubs/vendor.ts';
export { type HubspotVendor, startHubspotVendor } from '../src/hubspot/vendor.ts';
export { type MetaVendor, startMetaCustomAudiencesVendor } from '../src/meta-custom-audiences/vendor.ts';
export {
  type SalesforceVendor,
  type SalesforceVendorOptions,
  startSalesforceVendor,
} from '../src/salesforce/vendor.ts';
export { type WebhookVendor, startWebhookVendor } from '../src/webhook/vendor.ts';
