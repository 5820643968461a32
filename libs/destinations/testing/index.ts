export { startWebhookVendor } from '../src/webhook/vendor.ts';
