import { createHttpClient, type Delivery, Secret } from '@activation-hub/destination-kit';
import { afterEach, expect, test } from 'vitest';
import { salesforce } from './destination.ts';
import { type SalesforceOptions, salesforceOptions, salesforceSettings } from './settings.ts';
import { startSalesforceVendor } from './vendor.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
const never = new AbortController().signal;

async function start() {
  const vendor = await startSalesforceVendor();
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(
    () => http.close(),
    () => vendor.close(),
  );
  const settings = salesforceSettings.parse({
    myDomainUrl: vendor.origin,
    clientId: '3MVG9example',
    clientSecret: new Secret('of-the-stand-in'),
    identifiers: { email: 'Activation_Email__c' },
  });
  const connect = () => salesforce.connect(settings, { http, now: Date.now, print: () => undefined });
  return { vendor, connect };
}

const email = (number: number) => `person-${number}@example.com`;
const delivery = (number: number, of: SalesforceOptions): Delivery<SalesforceOptions> => ({
  change: {
    id: `change-${number}`,
    kind: 'entered',
    audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1' },
    identity: { namespace: 'email', value: email(number) },
    qualifiedAt: '2026-11-22T12:00:00.000Z',
    attributes: {},
  },
  options: of,
});

test('processes that create a campaign at the same time tell the oldest, and so does every later one', async () => {
  const { vendor, connect } = await start();
  const of = salesforceOptions.parse({ campaign: 'New', createCampaign: true, status: 'In', exitStatus: 'Out' });
  const both = [connect(), connect()];
  vendor.meet(2, ({ url, body }) => url.endsWith('/composite/sobjects') && body.includes('Campaign'));
  const enter = async (each: (typeof both)[number], number: number) => {
    expect(await each.enter([delivery(number, of)], never)).toEqual([{ id: `change-${number}`, status: 'delivered' }]);
  };
  await Promise.all(both.map(enter));
  expect(vendor.campaigns).toEqual(['Sports Fans', 'New', 'New']);
  await enter(connect(), 2);
  expect(vendor.members('New', ['Activation_Email__c'])).toEqual([0, 1, 2].map(email));
  expect(await connect().probe?.([of, salesforceOptions.parse({ campaign: 'New' })], never)).toEqual([
    expect.stringContaining('the oldest is used'),
    expect.stringContaining('several campaigns have this name'),
  ]);
});

test('processes that create a status at the same time are content with that of another', async () => {
  const { vendor, connect } = await start();
  const id = vendor.addCampaign('Ski Fans');
  const of = salesforceOptions.parse({ campaign: 'Ski Fans', createCampaign: true, status: 'In', exitStatus: 'Out' });
  await Promise.all([connect(), connect()].map((each, number) => each.enter([delivery(number, of)], never)));
  expect(vendor.statusesOf(id)).toEqual(['In', 'Out']);
});
