import type { Change } from '@activation-hub/destination-kit';
import { expect, test } from 'vitest';
import { archiveBlobs } from './blob-archive/request.ts';
import { dynamics365Requests } from './dynamics-365/request.ts';
import { dynamics365Options, dynamics365Settings } from './dynamics-365/settings.ts';
import { hubspotRequests } from './hubspot/request.ts';
import { hubspotOptions, hubspotSettings } from './hubspot/settings.ts';
import { salesforceRequests } from './salesforce/request.ts';
import { salesforceSettings } from './salesforce/settings.ts';

const half = '\ud800';
const secretReference = { secret: 'key' };
const guid = '00000000-0000-0000-0000-000000000000';

test('half of a surrogate pair in a name of the file makes a request all the same', () => {
  const hubspot = hubspotRequests(hubspotSettings.parse({ accessToken: secretReference }));
  const salesforce = salesforceRequests(
    salesforceSettings.parse({
      myDomainUrl: 'https://contoso.my.salesforce.com',
      clientId: 'a',
      clientSecret: secretReference,
      identifiers: { crmid: 'Id' },
    }),
  );
  const dynamics = dynamics365Requests(
    dynamics365Settings.parse({
      environmentUrl: 'https://contoso.crm4.dynamics.com',
      tenantId: guid,
      clientId: guid,
      clientSecret: secretReference,
    }),
  );
  const asked = hubspot.findList({ list: `a${half}`, createList: false }).url;
  expect(asked).toMatch(/\/name\/a%EF%BF%BD$/);
  expect(dynamics.findList(dynamics365Options.parse({ list: half })).url).toContain('%EF%BF%BD');
  expect(salesforce.queries([`Name = '${half}'`]).body).toContain('%EF%BF%BD');
});

test('an id that a vendor gave stays one part of a URL', () => {
  const hubspot = hubspotRequests(hubspotSettings.parse({ accessToken: secretReference }));
  expect(hubspot.changeMembers('add', '1/../2?a#b', []).url).toMatch(/\/1%2F..%2F2%3Fa%23b\/memberships\/add$/);
});

test.each(['.', '..'])('a HubSpot list that is called %s is asked for by its id', (list) => {
  expect(hubspotOptions.safeParse({ list }).success).toBe(false);
  expect(hubspotOptions.safeParse({ list: `${list}a` }).success).toBe(true);
});

test('a blob is named by the whole day, also of a year with more than four digits', () => {
  const change: Change = {
    id: 'change-1',
    kind: 'entered',
    audience: { key: 'sports-fans', namespace: 'ups', id: 'a-1' },
    identity: { namespace: 'crmid', value: 'p1' },
    qualifiedAt: new Date(Date.UTC(12_345, 0, 2)).toISOString(),
    attributes: {},
  };
  expect(archiveBlobs([change])[0]?.name).toMatch(
    /^day=\+012345-01-02\/audience_key=sports-fans\/[0-9a-f]{64}\.ndjson$/,
  );
});
