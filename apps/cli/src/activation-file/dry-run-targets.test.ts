import { parseActivationFile, createMatcher, type ActivationFile } from '@activation-hub/activation-file';
import { inspect } from '@activation-hub/activation';
import { buildProfileExport, encodeProfileExport } from '@activation-hub/audience-events/testing';
import { systemClock } from '@activation-hub/delivery';
import { silentTelemetry } from '@activation-hub/telemetry';
import { expect, test } from 'vitest';
import { audienceId, definitions, everyDestination, told } from '../../testing/every-destination.ts';
import { dryRunTargets, type RecordedRequest } from './dry-run-targets.ts';

const parsed = (file: object): ActivationFile =>
  parseActivationFile(JSON.stringify(file), { fileName: 'every.json', destinations: definitions });

/** What each destination would be sent for one person who entered. */
async function requestsFor(file: ActivationFile) {
  const dryRun = await dryRunTargets(file, systemClock);
  const event = buildProfileExport({
    memberships: [{ audienceId, status: 'realized', qualifiedAtMs: Date.UTC(2026, 10, 22) }],
    identities: { email: ['ann@example.com'], crmid: ['C-100001'] },
  });
  const options = { targets: dryRun.targets, telemetry: silentTelemetry, clock: systemClock };
  const signal = new AbortController().signal;
  const { decisions } = await inspect(encodeProfileExport(event), {
    ...options,
    matcher: createMatcher(file),
    signal,
  }).finally(() => dryRun.close());
  return { ...dryRun, decisions };
}

test('for an export, every kind of destination shows its requests, with the URLs of the file and without secrets', async () => {
  const { requests, printed, notShown, decisions } = await requestsFor(parsed(everyDestination()));
  expect(notShown).toEqual([]);
  expect(printed.map(({ destination }) => destination)).toEqual(['log']);
  expect(new Set(requests.map(({ destination }) => destination))).toEqual(new Set(told));
  for (const { destination, change, result } of decisions) {
    expect(change?.kind, destination).toBe('entered');
    expect(result?.status, destination).toMatch(/delivered|submitted|retry/);
  }
  const text = JSON.stringify(requests);
  expect(text).not.toMatch(/127\.0\.0\.1|localhost|stand-in|PRIVATE KEY/);
  expect(text).toContain('[secret]');
});

test('look-ups and sign-ins are answered, so that what follows them is shown too', async () => {
  const { requests } = await requestsFor(parsed(everyDestination()));
  const of = (type: string): readonly string[] =>
    requests
      .filter(({ destination }: RecordedRequest) => destination === type)
      .map(({ method, url }) => `${method} ${url}`);
  expect(of('dynamics-365')[0]).toMatch(/^POST https:\/\/login\.microsoftonline\.com\/[^/]+\/oauth2\/v2\.0\/token$/);
  expect(of('dynamics-365').at(-1)).toBe('POST https://contoso.crm4.dynamics.com/api/data/v9.2/$batch');
  expect(of('google-customer-match')).toEqual([
    'POST https://oauth2.googleapis.com/token',
    'POST https://datamanager.googleapis.com/v1/audienceMembers:ingest',
  ]);
  expect(of('hubspot')).toEqual([
    'GET https://api.hubapi.com/crm/lists/2026-03/object-type-id/0-1/name/Sports%20Fans',
    'POST https://api.hubapi.com/crm/objects/2026-03/contacts/batch/upsert',
    expect.stringMatching(/^PUT https:\/\/api\.hubapi\.com\/crm\/lists\/2026-03\/\d+\/memberships\/add$/),
  ]);
});

test('a destination without a stand-in is named, and the others are shown', async () => {
  const every = everyDestination() as {
    destinations: Record<string, { settings: object }>;
    audiences: Record<string, { activate: { destination: string; options: object }[] }>;
  };
  const crm = every.destinations['dynamics-365'];
  const route = every.audiences['sports-fans']?.activate.find(({ destination }) => destination === 'dynamics-365');
  if (crm !== undefined) crm.settings = { ...crm.settings, memberType: 'account' };
  if (route !== undefined) route.options = { segment: 'Sports Fans' };
  const { requests, notShown } = await requestsFor(parsed(every));
  expect(notShown).toEqual([
    {
      destination: 'dynamics-365',
      reason: expect.stringContaining('segments hold contacts or leads') as string,
    },
  ]);
  expect(requests.length).toBeGreaterThan(3);
});
