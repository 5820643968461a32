import { createMatcher, parseActivationFile } from '@activation-hub/activation-file';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { eventOf, fansId, openActivation, personExport, RecordingDestination, travellersId } from '../testing/index.ts';
import { fill, planFile, retire } from './index.ts';

const { signal } = new AbortController();
const parse = (text: string) =>
  parseActivationFile(text, {
    fileName: 'test.yaml',
    destinations: new Map([['recording', { settings: z.strictObject({}), options: z.strictObject({}) }]]),
  });
const header = 'version: 1\ndestinations:\n  crm: { type: recording }\n  ads: { type: recording }\naudiences:\n';
const fans = (...routes: readonly string[]): string =>
  `  sports-fans:\n    id: ${fansId}\n    activate:\n${routes.map((route) => `      - { ${route} }\n`).join('')}`;
const crmRoute =
  'destination: crm, identity: crmid, attributes: { firstname: person.name.firstName, city: homeAddress.city }';

/** Three fans of whom one has left, told to `crm` by the file. */
async function openTold(text = `${header}${fans(crmRoute)}`) {
  const destinations = { crm: new RecordingDestination(), ads: new RecordingDestination() };
  const opened = openActivation({ file: text, destinations });
  await opened.activate(
    ...['p1', 'p2', 'p3'].map((person, number) =>
      eventOf(personExport({ person, firstName: `Name ${number}` }), number),
    ),
  );
  await opened.activate(eventOf(personExport({ person: 'p3', status: 'exited', at: 60 }), 3));
  /** The same stores and destinations under another file. */
  const under = (other: string) => {
    const file = parse(other);
    const context = { ...opened.context, matcher: createMatcher(file) };
    return {
      context,
      file,
      plan: () => planFile({ file, matcher: context.matcher, ledger: context.ledger }, signal),
    };
  };
  return { ...opened, under };
}

test('a file that has not changed leaves no person behind', async () => {
  const { under } = await openTold();
  expect(await under(`${header}${fans(crmRoute)}`).plan()).toEqual({
    routes: [
      {
        audience: 'sports-fans',
        destination: 'crm',
        mode: 'live',
        members: 2,
        isNew: false,
        fillFrom: [],
        otherNamespaces: {},
      },
    ],
    leftBehind: [],
    unreadable: { rows: 0, names: [] },
  });
});

test('a new route is new, and says from where it can be filled', async () => {
  const { under } = await openTold();
  const { routes } = await under(`${header}${fans(crmRoute, 'destination: ads, identity: crmid')}`).plan();
  expect(routes[1]).toMatchObject({ isNew: true, members: 0, fillFrom: [{ destination: 'crm', members: 2 }] });
});

test('a route, an audience and a destination that are gone leave members behind, who are counted', async () => {
  const { under } = await openTold();
  const audience = { namespace: 'ups', id: fansId };
  const adsOnly = `${header}${fans('destination: ads, identity: crmid')}`;
  expect((await under(adsOnly).plan()).leftBehind).toEqual([
    { destination: 'crm', audience, members: 2, because: 'no-route', perhapsNow: [] },
  ]);
  const otherId = `${header}${fans(crmRoute).replace(fansId, travellersId)}`;
  expect((await under(otherId).plan()).leftBehind).toEqual([
    { destination: 'crm', audience, members: 2, because: 'no-audience', perhapsNow: ['sports-fans'] },
  ]);
  const renamed = `${header}${fans(crmRoute)}`
    .replaceAll('crm:', 'crm-two:')
    .replaceAll('destination: crm,', 'destination: crm-two,');
  expect((await under(renamed).plan()).leftBehind).toEqual([
    { destination: 'crm', audience, members: 2, because: 'no-destination', perhapsNow: ['crm-two', 'ads'] },
  ]);
});

test('the rows follow a name and an id that the file says they had before', async () => {
  const { under } = await openTold();
  const renamed = `${header}${fans(crmRoute)}`
    .replace('crm: { type: recording }', 'crm-two: { type: recording, formerly: crm }')
    .replace('destination: crm,', 'destination: crm-two,')
    .replace(`id: ${fansId}`, `id: ${travellersId}\n    formerly: ${fansId}`);
  const plan = await under(renamed).plan();
  expect(plan.leftBehind).toEqual([]);
  expect(plan.routes[0]).toMatchObject({ destination: 'crm-two', members: 2, isNew: false });
});

test('members under identities that the route does not accept any more are counted by namespace', async () => {
  const { under } = await openTold();
  const { routes } = await under(`${header}${fans('destination: crm, identity: email')}`).plan();
  expect(routes[0]).toMatchObject({ members: 2, otherNamespaces: { crmid: 2 } });
});

test('a retired route takes everybody out, safe to start again, and enters no new one', async () => {
  const { under, crm } = await openTold();
  const { context } = under(`${header}${fans(`${crmRoute}, mode: retired`)}`);
  crm.answer = ({ id, identity }) =>
    identity.value === 'p1' ? { id, status: 'rejected', reason: 'locked' } : { id, status: 'delivered' };
  expect(await retire({ context, destination: 'crm' }, { signal })).toMatchObject({ rows: 2, delivered: 1, failed: 1 });
  crm.answer = ({ id }) => ({ id, status: 'delivered' });
  const progress: number[] = [];
  expect(
    await retire({ context, destination: 'crm' }, { signal, onProgress: ({ delivered }) => progress.push(delivered) }),
  ).toMatchObject({ rows: 1, delivered: 1 });
  expect(progress).toEqual([1]);
  expect(await retire({ context, destination: 'crm' }, { signal })).toMatchObject({ rows: 0, delivered: 0 });
  expect(crm.members.size).toBe(0);
});

test('under a retired route an export takes a member out, and enters no person', async () => {
  const { crm, activate, outcomes } = openActivation({ file: `${header}${fans(`${crmRoute}, mode: retired`)}` });
  await activate(eventOf(personExport({ person: 'p1' }), 1));
  expect(crm.requests).toBe(0);
  expect(outcomes()).toEqual({ 'crm retired': 1 });
});

test('a route that is live again enters people anew with their next export', async () => {
  const told = await openTold();
  const { context } = told.under(`${header}${fans(`${crmRoute}, mode: retired`)}`);
  await retire({ context, destination: 'crm' }, { signal });
  await told.activate(eventOf(personExport({ person: 'p1' }), 0, { enqueuedAtMs: told.clock.nowMs + 1_000 }));
  expect([...told.crm.members.keys()]).toEqual(['sports-fans p1']);
});

test('a new route is filled with what the ledger knows elsewhere, as far as identities and attributes allow', async () => {
  const { under, ads } = await openTold();
  const route = 'destination: ads, identity: crmid, attributes: { first: person.name.firstName }';
  const { context } = under(`${header}${fans(crmRoute, route)}`);
  const walk = { context, destination: 'ads', source: 'crm', audience: 'sports-fans' };
  expect(await fill(walk, { signal })).toMatchObject({ rows: 2, delivered: 2, unresolved: 0 });
  expect(Object.fromEntries([...ads.members].map(([key, { attributes }]) => [key, attributes]))).toEqual({
    'sports-fans p1': { first: 'Name 0' },
    'sports-fans p2': { first: 'Name 1' },
  });
  expect(await fill(walk, { signal })).toMatchObject({ rows: 0 });
});

test('people of whom nothing is known that a new route accepts are counted, and not told', async () => {
  const { under, ads } = await openTold();
  const { context } = under(`${header}${fans(crmRoute, 'destination: ads, identity: email')}`);
  const walk = { context, destination: 'ads', source: 'crm', audience: 'sports-fans' };
  expect(await fill(walk, { signal })).toMatchObject({ rows: 0, unresolved: 2 });
  expect(ads.requests).toBe(0);
});
