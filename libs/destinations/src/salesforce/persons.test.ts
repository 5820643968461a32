import {
  createHttpClient,
  type Delivery,
  refusalOfAttribute,
  Secret,
  type Verdict,
} from '@activation-hub/destination-kit';
import { afterEach, expect, test } from 'vitest';
import { salesforce } from './destination.ts';
import { personObjects } from './request.ts';
import { salesforceOptions, salesforceSettings } from './settings.ts';
import { companyRecordType, startSalesforceVendor } from './vendor.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});
const never = new AbortController().signal;
const written = (origin: string, more: object = {}) => ({
  myDomainUrl: origin,
  clientId: '3MVG9example',
  clientSecret: new Secret('of-the-stand-in'),
  identifiers: { email: 'Activation_Email__c', crmid: 'Id' },
  personType: 'person-account',
  ...more,
});

/** An org with person accounts. */
async function start(more: object = {}) {
  const vendor = await startSalesforceVendor({ person: personObjects['person-account'] });
  const http = createHttpClient({ allowPrivateAddresses: true });
  cleanups.push(
    () => http.close(),
    () => vendor.close(),
  );
  const settings = salesforceSettings.parse(written(vendor.origin, more));
  return { vendor, connector: salesforce.connect(settings, { http, now: Date.now, print: () => undefined }) };
}

const options = salesforceOptions.parse({ campaign: 'Sports Fans' });
const email = (number: number) => `ann-${number}@example.com`;
const delivery = (number: number, namespace = 'email', value = email(number)): Delivery<typeof options> => ({
  change: {
    id: `change-${number}`,
    kind: 'entered',
    audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1' },
    identity: { namespace, value },
    qualifiedAt: '2026-11-22T12:00:00.000Z',
    attributes: { LastName: 'Quinn', PersonEmail: value, Interests__pc: ['ski', 'golf'] },
  },
  options,
});
const outcomes = (verdicts: readonly Verdict[]) =>
  Object.fromEntries(verdicts.map((verdict) => [verdict.id, 'reason' in verdict ? verdict.reason : verdict.status]));

test('a person account is written as an account, and its contact is the campaign member', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery(1)], never);
  const bodies = vendor.requests.map(({ method, url, body }) => `${method} ${url} ${decodeURIComponent(body)}`);
  expect(bodies.find((line) => line.includes('/sobjects/Account/Activation_Email__c'))).toContain(
    '"Interests__pc":"ski;golf"',
  );
  expect(bodies.find((line) => line.includes('PersonContactId'))).toContain(
    'SELECT Id, PersonContactId FROM Account WHERE Id IN (',
  );
  expect(bodies.find((line) => line.includes('"CampaignMember"'))).toMatch(/"ContactId":"003/);
  vendor.forgetRequests();
  await connector.exit([delivery(1)], never);
  expect(decodeURIComponent(vendor.requests[0]?.body ?? '')).toMatch(
    /SELECT Id, Contact\.Account\.Activation_Email__c FROM CampaignMember .* AND Contact\.IsPersonAccount = true/,
  );
  expect(vendor.member(email(1))).toBeUndefined();
});

test('a person account is known by the id of the account, and a company is no person', async () => {
  const { vendor, connector } = await start();
  const person = vendor.addPerson({ LastName: 'Quinn' });
  const company = vendor.addPerson({ Name: 'Contoso', RecordTypeId: companyRecordType });
  const batch = [delivery(1, 'crmid', person), delivery(2, 'crmid', company)];
  expect(outcomes(await connector.enter(batch, never))).toEqual({
    'change-1': 'delivered',
    'change-2': 'the account is of a company: set recordTypeId to a type of persons',
  });
  expect(vendor.member(person)).toMatchObject({ LastName: 'Quinn' });
  expect(outcomes(await connector.exit(batch.slice(0, 1), never))).toEqual({ 'change-1': 'delivered' });
  expect(vendor.member(person)).toBeUndefined();
});

test('who is created gets the record type, and who is there keeps his own', async () => {
  const { vendor, connector } = await start({ recordTypeId: '0125g000000AbCdAAK' });
  vendor.addPerson({ Activation_Email__c: email(1), RecordTypeId: '0125g000000OtherAA' });
  await connector.enter([delivery(1), delivery(2)], never);
  expect(vendor.contacts.map((fields) => fields.RecordTypeId)).toEqual(['0125g000000OtherAA', '0125g000000AbCdAAK']);
});

test('when the contacts cannot be looked up, the accounts are written already', async () => {
  const { vendor, connector } = await start();
  await connector.enter([delivery(1)], never);
  vendor.setReadFault({ kind: 'status', status: 503 });
  await expect(connector.enter([delivery(2)], never)).rejects.toMatchObject({ class: 'transient', doubt: 'answered' });
  vendor.setReadFault(undefined);
  expect(outcomes(await connector.enter([delivery(2)], never))).toEqual({ 'change-2': 'delivered' });
});

test('a field of the contact finds no account, and a person account has no name of its own', () => {
  const parse = (more: object) => salesforceSettings.safeParse(written('https://x.my.salesforce.com', more));
  expect(parse({ identifiers: { crmid: 'Number__pc' } }).error?.message).toContain('by a field of its contact');
  expect(parse({ identifiers: { crmid: 'Number__pc' }, personType: 'contact' }).success).toBe(true);
  const takes = (personType: string) => {
    const settings = parse({ personType }).data;
    if (settings === undefined) throw new Error('The settings of this test are wrong.');
    return salesforce.takes?.(settings, options) ?? { identities: {}, attributes: {} };
  };
  expect(refusalOfAttribute(takes('person-account'), 'Name')).toContain('FirstName and LastName');
  expect(refusalOfAttribute(takes('contact'), 'Name')).toBeUndefined();
});
