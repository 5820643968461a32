import { inspect } from '@activation-hub/activation';
import { createMatcher, loadActivationFile } from '@activation-hub/activation-file';
import { systemClock } from '@activation-hub/delivery';
import { destinationTypes, loadDestinations } from '@activation-hub/destinations';
import { silentTelemetry } from '@activation-hub/telemetry';
import { expect, test } from 'vitest';
import { exampleFile } from '../traffic/local/example.ts';
import { Tenant } from './played-tenant.ts';

const file = await loadActivationFile(exampleFile, { destinations: await loadDestinations(destinationTypes) });

function openTenant(): Tenant {
  let nowMs = Date.UTC(2026, 0, 31, 12);
  return new Tenant(file, () => (nowMs += 1_000));
}

/** What the journey would decide about an export, by audience and destination. */
async function decisionsOf(body: Buffer): Promise<Readonly<Record<string, string>>> {
  const { decisions, unreadable } = await inspect(body, {
    matcher: createMatcher(file),
    targets: new Map(),
    telemetry: silentTelemetry,
    clock: systemClock,
    signal: new AbortController().signal,
  });
  expect(unreadable).toEqual([]);
  return Object.fromEntries(decisions.map((each) => [`${each.audience} ${each.destination}`, each.decision]));
}

test('who enters and leaves is exported as AEP would, and is described as they are', async () => {
  const tenant = openTenant();
  expect(await decisionsOf(tenant.play(0, { does: 'enter', audience: 'sports-fans' }))).toEqual({
    'sports-fans receiver': 'entered',
    'sports-fans trial': 'entered',
  });
  expect(tenant.describe().people[0]).toMatchObject({ isKnown: true, audiences: ['sports-fans'], hasConsent: true });
  expect(await decisionsOf(tenant.play(0, { does: 'leave', audience: 'sports-fans' }))).toMatchObject({
    'sports-fans receiver': 'not-told',
  });
  expect(tenant.describe().people[0]?.audiences).toEqual([]);
});

test('withdrawn consent keeps the person out', async () => {
  const tenant = openTenant();
  tenant.play(0, { does: 'enter', audience: 'sports-fans' });
  const decisions = await decisionsOf(tenant.play(0, { does: 'withdraw-consent' }));
  expect(decisions).toMatchObject({ 'sports-fans receiver': 'withheld' });
  expect(tenant.describe()).toMatchObject({ asksConsent: true, people: { 0: { hasConsent: false } } });
});

test('who was never known has no identity that asks for one, and has it after logging in', async () => {
  const tenant = openTenant();
  const anonymous = tenant.describe().people.findIndex(({ isKnown }) => !isKnown);
  const before = await decisionsOf(tenant.play(anonymous, { does: 'enter', audience: 'newsletter-readers' }));
  expect(before).toEqual({ 'newsletter-readers receiver': 'unresolved' });
  expect(await decisionsOf(tenant.play(anonymous, { does: 'log-in' }))).toEqual({
    'newsletter-readers receiver': 'entered',
  });
});

test('an e-mail address changes to one that the person never had', () => {
  const tenant = openTenant();
  tenant.play(0, { does: 'enter', audience: 'newsletter-readers' });
  const before = tenant.describe().people[0]?.email;
  tenant.play(0, { does: 'change-email' });
  expect(tenant.describe().people[0]?.email).not.toBe(before);
});

test('no person is exported who was in no audience yet', () => {
  expect(() => openTenant().play(0, { does: 'change-email' })).toThrow('let the person enter one first');
});
