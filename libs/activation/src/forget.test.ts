import { buildProfileExport, encodeProfileExport } from '@activation-hub/audience-events/testing';
import type { DeadLetter, Retry } from '@activation-hub/delivery';
import { linkKey, linkRecord } from '@activation-hub/membership';
import { readable } from '@activation-hub/membership/testing';
import { hash } from 'node:crypto';
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
import { takeOut } from './tell-ledger.ts';
import { withoutPerson } from './without-person.ts';

const { signal } = new AbortController();
const p1 = { namespace: 'crmid', value: 'p1' };
const asItIs = ({ value }: { readonly value: string }) => [value];
const places = ['crm', 'ads'].map((ledgerName) => ({ ledgerName, forms: asItIs }));
const text = (body: Uint8Array | undefined): string | undefined => body && Buffer.from(body).toString();
const forgetIn = ({ context }: TestActivation, dryRun = false) => forget([p1], places, context, { dryRun, signal });

test('a body without the person stays byte for byte', () => {
  const body = Buffer.from(' [ {"identityMap":{"crmid":[{"id":"p2"}]}} ] ');
  expect(withoutPerson(body, [p1])).toBe(body);
  const other = encodeProfileExport(personExport({ identities: { crmid: ['p11'], email: ['p1'] } }));
  expect(withoutPerson(other, [p1])).toBe(other);
});

test('of a body with several people the others stay', () => {
  const [first, second] = [personExport(), personExport({ person: 'p2' })];
  expect(text(withoutPerson(encodeProfileExport([first, second]), [p1]))).toBe(JSON.stringify([second]));
  expect(withoutPerson(encodeProfileExport([first, first]), [p1])).toBeUndefined();
  expect(withoutPerson(encodeProfileExport(first), [p1])).toBeUndefined();
});

test('the namespace is found in any case', () => {
  const body = encodeProfileExport(buildProfileExport({ memberships: [], identities: { CRMID: ['p1'] } }));
  expect(withoutPerson(body, [p1])).toBeUndefined();
});

test.each([
  ['no JSON', '{"identityMap":{"crmid":[{"id":"p1"', undefined],
  ['no JSON, of another person', '{"identityMap":{"crmid":[{"id":"p12"', 'as it is'],
  ['no export', '{"who":"p1"}', undefined],
  ['no export, and others are named too', '{"who":"p1 or p2"}', undefined],
  ['no export, of another person', '{"who":"p12 or p2"}', 'as it is'],
  ['an array in which one element is no export', '[{"who":"p1"},{"who":"p2"}]', '[{"who":"p2"}]'],
  ['no bytes', '', 'as it is'],
])("what cannot be read is the person's when the value stands in it: %s", (_what, given, expected) => {
  const body = Buffer.from(given);
  expect(text(withoutPerson(body, [p1]))).toBe(expected === 'as it is' ? given : expected);
});

const retryOf = (id: string, ...people: readonly string[]): Retry => ({
  id,
  destination: 'crm',
  events: people.map((person, index) => ({
    event: eventOf(personExport({ person }), index),
    audiences: ['sports-fans'],
    rows: [],
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

test('of a letter of another export, the row under which a destination knows the person is erased', async () => {
  const opened = openActivation();
  const rowOf = (person: string) => ({ ...fansKey(), identity: { namespace: 'crmid', value: person } });
  const letter = letterOf(9, 'p2');
  const failures = [{ audience: 'sports-fans', reason: 'refused', rows: [rowOf('p1'), rowOf('p2')] }];
  await opened.context.deadLetters.put([{ ...letter, failures }], signal);
  expect(await forgetIn(opened, true)).toMatchObject({ deadLetters: { searched: 1, erased: 1 } });
  expect(opened.letters()).toHaveLength(1);
  expect(await forgetIn(opened)).toMatchObject({ deadLetters: { searched: 1, erased: 1 } });
  expect(opened.letters()).toEqual([{ ...letter, failures: [{ ...failures[0], rows: [rowOf('p2')] }] }]);
  expect(await forgetIn(opened)).toMatchObject({ deadLetters: { searched: 1, erased: 0 } });
});

test('a person is erased from ledger, retries and dead letters, other people stay, and a second run finds nothing', async () => {
  const opened = openActivation();
  await fill(opened);
  const expected = {
    retries: { searched: 3, erased: 3 },
    deadLetters: { searched: 3, erased: 2 },
    rows: { crm: 2, ads: 0 },
    linkedIdentities: [],
    unreadable: [],
    unreadableRows: { rows: 0, names: [] },
  };
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
  expect(await readable(opened.context.ledger).read([fansKey('p1')], signal)).toEqual([undefined]);
  expect((await readable(opened.context.ledger).read([fansKey('p2')], signal))[0]).toBeDefined();
  expect(await forgetIn(opened)).toMatchObject({
    retries: { erased: 0 },
    deadLetters: { erased: 0 },
    rows: { crm: 0, ads: 0 },
  });
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
  expect(await forgetIn(opened)).toMatchObject({ rows: { crm: 1 } });
  expect(await forgetIn(opened)).toMatchObject({ rows: { crm: 0 } });
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
      const [row] = await readable(ledger).read([key], signal);
      if (row !== undefined) await ledger.overwrite(key, row.record);
    }
    return remove(key, version, removal);
  };
  expect(await forgetIn(opened)).toMatchObject({ rows: { crm: 2 } });

  await opened.activate(eventOf(personExport({ at: 60 }), 60));
  disturbances = Infinity;
  const failure = forgetIn(opened);
  await expect(failure).rejects.toThrow('Run it again');
  await expect(failure).rejects.not.toThrow('p1');
});

const ada = { namespace: 'email', value: 'Ada@Example.com' };

test('a person is found in the form in which a destination stores them, hashed or in lower case', async () => {
  const opened = openActivation();
  const hashed = 'b1a9f5d0c4e2';
  const audience = { namespace: 'ups', id: fansId };
  const keyOf = (destination: string, value: string) => ({
    destination,
    identity: { namespace: 'email', value },
    audience,
  });
  const [row] = await storedRow();
  const keys = [keyOf('crm', 'ada@example.com'), keyOf('ads', hashed), keyOf('crm~shadow', 'Ada@Example.com')];
  await opened.context.ledger.write(
    keys.map((key) => ({ key, record: row, expected: undefined })),
    signal,
  );
  const forms = [
    { ledgerName: 'crm', forms: ({ value }: { readonly value: string }) => [value.toLowerCase()] },
    { ledgerName: 'ads', forms: () => ['another', hashed] },
  ];
  const run = () => forget([ada], forms, opened.context, { dryRun: false, signal });
  expect((await run()).rows).toEqual({ crm: 2, ads: 1 });
  expect((await run()).rows).toEqual({ crm: 0, ads: 0 });
});

test('what the links name belongs to the person, and is erased with them', async () => {
  const opened = openActivation({
    file: `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: email, follow: crmid }] }
`,
  });
  await opened.activate(eventOf(personExport({ identities: { email: ['a@example.com'], crmid: ['C-1'] } }), 1));
  const person = [{ namespace: 'crmid', value: 'C-1' }];
  const forgotten = await forget(person, places, opened.context, { dryRun: false, signal });
  expect(forgotten).toMatchObject({
    rows: { crm: 2 },
    linkedIdentities: [{ namespace: 'email', value: 'a@example.com' }],
  });
  expect(await Array.fromAsync(readable(opened.context.ledger).rows({}, signal))).toEqual([]);
});

/** A route that follows nothing, and a shadow route beside it. */
const sharedFile = `
version: 1
destinations: { crm: { type: recording }, ads: { type: recording } }
audiences:
  sports-fans:
    id: ${fansId}
    activate:
      - { destination: crm, identity: [crmid, email] }
      - { destination: ads, identity: [crmid, email], mode: shadow }
`;

/** Two customers who share an address. */
async function openShared() {
  const ledger = new DisturbedLedger();
  const opened = openActivation({ ledger, file: sharedFile });
  const email = ['home@example.com'];
  for (const [number, crmid] of ['C-1', 'C-2'].entries())
    await opened.activate(eventOf(personExport({ identities: { crmid: [crmid], email } }), number));
  const rows = async () =>
    (await Array.fromAsync(readable(ledger).rows({}, signal))).map(
      ({ key, record }) =>
        `${key.destination} ${key.identity.value} ${record.formerOf?.map((of) => of.value).join() ?? ''}`,
    );
  const forgetFirst = (dryRun = false) =>
    forget([{ namespace: 'crmid', value: 'C-1' }], places, opened.context, { dryRun, signal });
  return { opened, ledger, rows, forgetFirst };
}

test('rows of other identities remember no person who is erased, and no other person is looked for by them', async () => {
  const { rows, forgetFirst } = await openShared();
  expect(await rows()).toContain('crm home@example.com C-1,C-2');
  const counts = { rows: { crm: 2, ads: 2 }, linkedIdentities: [] };
  expect(await forgetFirst(true)).toMatchObject(counts);
  expect(await rows()).toContain('crm home@example.com C-1,C-2');
  expect(await forgetFirst()).toMatchObject(counts);
  expect((await rows()).toSorted()).toEqual([
    'ads~shadow C-2 ',
    'ads~shadow home@example.com C-2',
    'crm C-2 ',
    'crm home@example.com C-2',
  ]);
  expect(await forgetFirst()).toMatchObject({ rows: { crm: 0, ads: 0 } });
});

test('when an address is erased that others have too, each of them is looked at when it comes back', async () => {
  const { opened, ledger, rows } = await openShared();
  const home = [{ namespace: 'email', value: 'home@example.com' }];
  await forget(home, places, opened.context, { dryRun: false, signal });
  expect((await rows()).join()).not.toContain('home@');
  const later = openActivation({ ledger, file: sharedFile, destinations: opened });
  const email = ['home@example.com'];
  await later.activate(eventOf(personExport({ identities: { email } }), 2));
  for (const [number, crmid] of ['C-1', 'C-2'].entries())
    await later.activate(eventOf(personExport({ identities: { crmid: [crmid], email } }), 3 + number));
  expect([...later.crm.members.keys()]).toEqual(['sports-fans C-1', 'sports-fans C-2']);
});

test('a row that remembers the person and is written meanwhile is looked at again, five times', async () => {
  const { ledger, rows, forgetFirst } = await openShared();
  let times = 4;
  ledger.beforeWrite = async (_, [write]) => {
    if (write === undefined || times === 0) return;
    times -= 1;
    const beforeWrite = ledger.beforeWrite;
    ledger.beforeWrite = () => undefined;
    const [row] = await readable(ledger).read([write.key], signal);
    if (row !== undefined) await ledger.overwrite(write.key, row.record);
    ledger.beforeWrite = beforeWrite;
  };
  expect(await forgetFirst()).toMatchObject({ rows: { crm: 2, ads: 2 } });
  expect((await rows()).join()).not.toContain('C-1');

  const other = await openShared();
  let rounds = 0;
  other.ledger.beforeWrite = async (_, [write]) => {
    if (write === undefined) return;
    rounds += 1;
    const beforeWrite = other.ledger.beforeWrite;
    other.ledger.beforeWrite = () => undefined;
    const [row] = await readable(other.ledger).read([write.key], signal);
    if (row !== undefined) await other.ledger.overwrite(write.key, row.record);
    other.ledger.beforeWrite = beforeWrite;
  };
  // The error is compared as a whole: where `undefined` is thrown, `toThrow` compares nothing.
  await expect(other.forgetFirst()).rejects.toEqual(
    new Error('Failed to forget a person at crm: the function keeps writing a row of the ledger. Run it again.'),
  );
  expect(rounds).toBe(5);
});

test('links that name each other are followed to the end, and a row that is no link stops nothing', async () => {
  const { context } = openActivation();
  const audience = { namespace: 'ups', id: fansId };
  const linkAt = (value: string) => linkKey({ destination: 'crm', audience }, { namespace: 'ecid', value });
  const state = { status: 'realized', isMember: true, qualifiedAtMs: 0, enqueuedAtMs: 0, sequenceNumber: 0 } as const;
  const mail = { namespace: 'email', value: 'm@example.com' };
  const [row] = await storedRow();
  await context.ledger.write(
    [
      { key: linkAt('e0'), record: row, expected: undefined },
      { key: linkAt('e2'), record: linkRecord(state, { identities: [mail], leaving: [] }, ''), expected: undefined },
      { key: linkAt('e3'), record: linkRecord(state, { identities: [mail], leaving: [p1] }, ''), expected: undefined },
    ],
    signal,
  );
  const forgotten = await forget([p1], places, context, { dryRun: false, signal });
  expect(forgotten.linkedIdentities.map(({ value }) => value)).toEqual(['e3', 'm@example.com', 'e2']);
  expect(forgotten.rows).toEqual({ crm: 2, ads: 0 });
});

test("an address finds the rows of AEP's own hash of it", async () => {
  const { context } = openActivation();
  const value = hash('sha256', 'ada@example.com', 'hex');
  const audience = { namespace: 'ups', id: fansId };
  const [record] = await storedRow();
  const key = { destination: 'ads', identity: { namespace: 'email_lc_sha256', value }, audience };
  await context.ledger.write([{ key, record, expected: undefined }], signal);
  expect((await forget([ada], places, context, { dryRun: false, signal })).rows).toEqual({ crm: 0, ads: 1 });
});

test('a row of a retry that has no event of the person is erased, and the retry with it', async () => {
  const opened = openActivation();
  const row = { destination: 'crm', identity: p1, audience: { namespace: 'ups', id: fansId } };
  await opened.context.retryQueue.put({ ...retryOf('rows'), events: [], rows: [row] }, 0, signal);
  expect(await forgetIn(opened)).toMatchObject({ retries: { searched: 1, erased: 1 } });
  expect(await Array.fromAsync(opened.retryQueue.waiting(signal))).toEqual([]);
});

test('of a retry the rows that came with an event of the person go with it; a destination that is kept is still told', async () => {
  const opened = openActivation();
  const rowAt = (destination: string, identity = p1) => ({
    destination,
    identity,
    audience: { namespace: 'ups', id: fansId },
  });
  const other = { namespace: 'crmid', value: 'p2' };
  const { events, ...retry } = retryOf('rows', 'p1', 'p2');
  const rows = [
    [rowAt('crm'), rowAt('elsewhere')],
    [rowAt('crm', other), rowAt('crm')],
  ];
  const withRows = events.map((each, index) => ({ ...each, rows: rows[index] ?? [] }));
  await opened.context.retryQueue.put({ ...retry, events: withRows }, 0, signal);
  const kept = new Set(['elsewhere']);
  const forgotten = await forget([p1], places, opened.context, { dryRun: false, kept, signal });
  expect(forgotten).toMatchObject({ retries: { searched: 1, erased: 2 } });
  expect(await Array.fromAsync(opened.retryQueue.waiting(signal))).toMatchObject([
    { rows: [rowAt('elsewhere')], events: [{ event: { sequenceNumber: 1 }, rows: [rowAt('crm', other)] }] },
  ]);
});

test('a dead letter of bytes that are no text is reported, for no reader can say whether the person is in it', async () => {
  const opened = openActivation();
  const body = Uint8Array.of(0x1f, 0x8b, 8, 0, 0xff, 0xd8, 0xc3, 0x28, 1, 2, 0x80);
  await opened.activate({ ...eventOf(personExport()), body });
  const { unreadable, deadLetters } = await forgetIn(opened);
  expect(unreadable).toEqual(await Array.fromAsync(opened.context.deadLetters.names('', signal)));
  expect(deadLetters).toEqual({ searched: 0, erased: 0 });
});

test('an event of 20,000 nested brackets stops no erasure, also beside an export of the person', () => {
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  const person = JSON.stringify(personExport());
  expect(text(withoutPerson(Buffer.from(deep), [p1]))).toBe(deep);
  expect(text(withoutPerson(Buffer.from(`[${deep},${person}]`), [p1]))).toBe(`[${deep}]`);
  const named = `${'['.repeat(20_000)}"p1"${']'.repeat(20_000)}`;
  expect(withoutPerson(Buffer.from(named), [p1])).toBeUndefined();
});

test.each([
  ['with escapes', '{"who":"\\u0070\\u0031", broken'],
  ['as a key', '{"who":{"p1":1}}'],
  ['as a number', '{"who":{"crmid":11}}'],
])('what cannot be read is found in any JSON spelling: %s', (_spelling, given) => {
  const person = [p1, { namespace: 'crmid', value: '11' }];
  expect(withoutPerson(Buffer.from(given), person)).toBeUndefined();
});

test('an e-mail address is found in any case, and as plain text beside an identity that can be read', () => {
  const upper = encodeProfileExport(personExport({ identities: { email: ['ADA@example.com'] } }));
  expect(withoutPerson(upper, [ada])).toBeUndefined();
  const plain = { ...personExport(), identityMap: { email: 'ada@example.com', crmid: [{ id: 'p2' }] } };
  expect(withoutPerson(Buffer.from(JSON.stringify(plain)), [ada])).toBeUndefined();
  const otherCrmid = encodeProfileExport(personExport({ identities: { crmid: ['P1'] } }));
  expect(withoutPerson(otherCrmid, [p1])).toBe(otherCrmid);
});

test('a person is taken out of a destination before the rows are erased', async () => {
  const opened = openActivation();
  await opened.activate(eventOf(personExport()), eventOf(personExport({ person: 'p2' }), 1));
  const walk = { context: opened.context, destination: 'crm', identities: [p1] };
  expect(await takeOut(walk, { signal })).toMatchObject({ rows: 1, delivered: 1 });
  expect([...opened.crm.members.keys()]).toEqual(['sports-fans p2']);
  expect(await takeOut(walk, { signal })).toMatchObject({ rows: 0 });
});

/** The row of a delivered person; tests write it under other keys. */
async function storedRow() {
  const opened = openActivation();
  await opened.activate(eventOf(personExport()));
  const [row] = await readable(opened.context.ledger).read([fansKey()], signal);
  if (row === undefined) throw new Error('there is no row');
  return [row.record] as const;
}
