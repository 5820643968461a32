export { startWebhookVendor } from '../src/webhook/vendor.ts';
export { type HubspotVendor, startHubspotVendor } from '../src/hubspot/vendor.ts';
