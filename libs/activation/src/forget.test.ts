import { buildProfileExport, encodeProfileExport } from '@activation-hub/audience-events/testing';
import type { DeadLetter, Retry } from '@activation-hub/delivery';
import { expect, test } from 'vitest';
import {
  DisturbedLedger,
  eventOf,
  fansId,
  fansKey,
  openActivation,
  personExport,
  type TestActivation,
} from '../testing/index.ts';
import { forget } from './forget.ts';
import { withoutPerson } from './without-person.ts';

const { signal } = new AbortController();
const p1 = { namespace: 'crmid', value: 'p1' };
const text = (body: Uint8Array | undefined): string | undefined => body && Buffer.from(body).toString();
const forgetIn = ({ context }: TestActivation, dryRun = false) =>
  forget(p1, ['crm', 'ads'], context, { dryRun, signal });

test('a body without the person stays byte for byte', () => {
  const body = Buffer.from(' [ {"identityMap":{"crmid":[{"id":"p2"}]}} ] ');
  expect(withoutPerson(body, p1)).toBe(body);
  const other = encodeProfileExport(personExport({ identities: { crmid: ['p11'], email: ['p1'] } }));
  expect(withoutPerson(other, p1)).toBe(other);
});

test('of a body with several people the others stay', () => {
  const [first, second] = [personExport(), personExport({ person: 'p2' })];
  expect(text(withoutPerson(encodeProfileExport([first, second]), p1))).toBe(JSON.stringify([second]));
  expect(withoutPerson(encodeProfileExport([first, first]), p1)).toBeUndefined();
  expect(withoutPerson(encodeProfileExport(first), p1)).toBeUndefined();
});

test('the namespace is found in any case', () => {
  const body = encodeProfileExport(buildProfileExport({ memberships: [], identities: { CRMID: ['p1'] } }));
  expect(withoutPerson(body, p1)).toBeUndefined();
});

test.each([
  ['no JSON', '{"identityMap":{"crmid":[{"id":"p1"', undefined],
  ['no JSON, of somebody else', '{"identityMap":{"crmid":[{"id":"p12"', 'as it is'],
  ['no export', '{"who":"p1"}', undefined],
  ['no export, of somebody else', '{"who":"p1 or p2"}', 'as it is'],
  ['an array in which one element is no export', '[{"who":"p1"},{"who":"p2"}]', '[{"who":"p2"}]'],
  ['no bytes', '', 'as it is'],
])("what cannot be read is the person's when the value stands in it: %s", (_what, given, expected) => {
  const body = Buffer.from(given);
  expect(text(withoutPerson(body, p1))).toBe(expected === 'as it is' ? given : expected);
});

const retryOf = (id: string, ...people: readonly string[]): Retry => ({
  id,
  destination: 'crm',
  events: people.map((person, index) => ({
    event: eventOf(personExport({ person }), index),
    audiences: ['sports-fans'],
  })),
  attempts: 3,
  firstDeferredAtMs: 0,
  class: 'transient',
  reason: 'it is down',
  rows: [],
  isReplay: false,
});

const letterOf = (sequenceNumber: number, ...people: readonly string[]): DeadLetter => ({
  event: eventOf(
    people.map((person) => personExport({ person })),
    sequenceNumber,
  ),
  outcome: 'rejected',
  destination: 'crm',
  class: 'invalid',
  failures: [{ audience: 'sports-fans', reason: 'refused' }],
  attempts: 1,
  givenUpAtMs: 0,
});

async function fill(opened: TestActivation): Promise<void> {
  await opened.activate(eventOf(personExport()), eventOf(personExport({ person: 'p2' }), 1));
  for (const retry of [retryOf('own', 'p1', 'p1'), retryOf('mixed', 'p1', 'p2'), retryOf('others', 'p2')])
    await opened.context.retryQueue.put(retry, 0, signal);
  await opened.context.deadLetters.put([letterOf(7, 'p1'), letterOf(8, 'p1', 'p2'), letterOf(9, 'p2')], signal);
}

test('a person is erased from ledger, retries and dead letters, other people stay, and a second run finds nothing', async () => {
  const opened = openActivation();
  await fill(opened);
  const expected = { retryEvents: 3, deadLetters: 2, ledgerRows: 1, unreadable: [] };
  expect(await forgetIn(opened, true)).toEqual(expected);
  expect(await forgetIn(opened)).toEqual(expected);

  const retries = await Array.fromAsync(opened.retryQueue.waiting(signal));
  expect(retries.map(({ id, attempts, events }) => [id, attempts, events.length])).toEqual([
    ['mixed', 3, 1],
    ['others', 3, 1],
  ]);
  expect(opened.letters().map(({ event }) => event.sequenceNumber)).toEqual([8, 9]);
  const left = [
    ...retries.flatMap(({ events }) => events.map(({ event }) => event)),
    ...opened.letters().map(({ event }) => event),
  ];
  for (const { body } of left) {
    expect(text(body)).not.toContain('"p1"');
    expect(text(body)).toContain('"p2"');
  }
  expect(await opened.context.ledger.read([fansKey('p1')], signal)).toEqual([undefined]);
  expect((await opened.context.ledger.read([fansKey('p2')], signal))[0]).toBeDefined();
  expect(await forgetIn(opened)).toEqual({ retryEvents: 0, deadLetters: 0, ledgerRows: 0, unreadable: [] });
});

test('rows of shadow routes are erased too', async () => {
  const opened = openActivation({
    file: `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: crmid, mode: shadow }] }
`,
  });
  await opened.activate(eventOf(personExport()));
  expect(await forgetIn(opened)).toMatchObject({ ledgerRows: 1 });
  expect(await forgetIn(opened)).toMatchObject({ ledgerRows: 0 });
});

test('a row that is written meanwhile is erased all the same, and one that never rests is an error without the identity', async () => {
  const ledger = new DisturbedLedger();
  const opened = openActivation({ ledger });
  await opened.activate(eventOf(personExport()));
  const remove = ledger.remove.bind(ledger);
  let disturbances = 1;
  ledger.remove = async (key, version, removal) => {
    if (disturbances > 0) {
      disturbances -= 1;
      const [row] = await ledger.read([key], signal);
      if (row !== undefined) await ledger.overwrite(key, row.record);
    }
    return remove(key, version, removal);
  };
  expect(await forgetIn(opened)).toMatchObject({ ledgerRows: 1 });

  await opened.activate(eventOf(personExport({ at: 60 }), 60));
  disturbances = Infinity;
  const failure = forgetIn(opened);
  await expect(failure).rejects.toThrow('Run it again');
  await expect(failure).rejects.not.toThrow('p1');
});
