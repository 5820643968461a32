import {
  activate,
  activateRetry,
  defaultTiming,
  LedgerCache,
  RetriesInWork,
  type ActivationContext,
} from '@activation-hub/activation';
import { createMatcher, parseActivationFile } from '@activation-hub/activation-file';
import { buildProfileExport, encodeProfileExport } from '@activation-hub/audience-events/testing';
import { tableClient, TableLedger } from '@activation-hub/azure-adapters';
import { startAzurite } from '@activation-hub/azurite';
import { InMemoryDeadLetters, InMemoryRetryQueue, type Clock } from '@activation-hub/delivery';
import { exampleRetry } from '@activation-hub/delivery/testing';
import { createHttpClient } from '@activation-hub/destination-kit';
import { loadDestinations, setUpTarget } from '@activation-hub/destinations';
import {
  standInServiceAccountKey,
  startGoogleCustomerMatchVendor,
  startMetaCustomAudiencesVendor,
} from '@activation-hub/destinations/testing';
import { InMemoryLedger, type Ledger } from '@activation-hub/membership';
import { readable, SpoilableLedger } from '@activation-hub/membership/testing';
import { Counters, createTelemetry } from '@activation-hub/telemetry';
import { expect, onTestFinished, test } from 'vitest';
import { sweep } from './sweep.ts';

const dayMs = 86_400_000;
const { signal } = new AbortController();
const fansId = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02';
const noonMs = Date.UTC(2026, 0, 15, 12);
const listId = '9876543210';
const people = ['p0', 'p1', 'p2', 'p3', 'p4', 'p5'];

const fileText = (google: string, meta: string): string => `
version: 1
destinations:
  google:
    type: google-customer-match
    settings:
      serviceAccountKey: { secret: google-key }
      accountId: '1234567890'
      customerMatchOptions: accepted
      baseUrl: ${google}
      tokenUrl: ${google}/token
      askAfterMs: 100
  meta:
    type: meta-custom-audiences
    settings:
      accessToken: { secret: meta-token }
      adAccountId: '1'
      identifiers: { crmid: EXTERN_ID, email: EMAIL }
      baseUrl: ${meta}
  log: { type: log, formerly: printer }
audiences:
  sports-fans:
    id: ${fansId}
    activate:
      - destination: google
        identity: [email]
        options: { userListId: '${listId}', consent: { adUserData: granted, adPersonalization: granted } }
      - { destination: meta, identity: [crmid], options: { audience: Sports Fans } }
      - { destination: log, identity: [crmid] }
`;

/** What AEP says of a person on a day after the first: a member, or not any more. */
function exportOf(person: string, day = 0, status: 'realized' | 'exited' = 'realized') {
  return encodeProfileExport(
    buildProfileExport({
      memberships: [{ audienceId: fansId, status, qualifiedAtMs: noonMs + day * dayMs }],
      identities: { crmid: [person], email: [`${person}@example.com`] },
    }),
  );
}

async function openInMemory(): Promise<Ledger> {
  return await Promise.resolve(new InMemoryLedger());
}

async function openInAzurite(): Promise<Ledger> {
  const azurite = await startAzurite();
  onTestFinished(() => azurite.stop());
  const ledger = new TableLedger(tableClient(azurite, 'ledger'));
  await ledger.createTable(signal);
  return ledger;
}

/** The real connectors with the stand-ins of Google and Meta, at a time that a test moves. */
async function open(openLedger: () => Promise<Ledger>) {
  const time = { nowMs: Date.UTC(2026, 0, 15, 13) };
  const clock: Clock = {
    now: () => time.nowMs,
    sleep: (durationMs) => {
      time.nowMs += durationMs;
      return Promise.resolve();
    },
    random: () => 0.5,
  };
  const google = await startGoogleCustomerMatchVendor(0, clock.now);
  const meta = await startMetaCustomAudiencesVendor(clock.now);
  const http = createHttpClient({ allowPrivateAddresses: true });
  for (const end of [() => http.close(), () => meta.close(), () => google.close()]) onTestFinished(end);
  google.addUserList(listId, { membershipDuration: '46656000s' });

  const text = fileText(google.origin, meta.origin);
  const destinations = await loadDestinations(['google-customer-match', 'meta-custom-audiences', 'log']);
  const file = parseActivationFile(text, { fileName: 'test.yaml', destinations });
  const readSecret = (name: string) => Promise.resolve(name === 'google-key' ? standInServiceAccountKey() : 'token');
  const setUp = { http, clock, print: () => undefined, readSecret };
  const targets = await Promise.all([...file.destinations.values()].map((entry) => setUpTarget(entry, setUp)));
  const retryQueue = new InMemoryRetryQueue();
  const lines: string[] = [];
  const context: ActivationContext = {
    matcher: createMatcher(file),
    targets: new Map(targets.map((target) => [target.key, target])),
    ledger: await openLedger(),
    ledgerCache: new LedgerCache({ bytesMax: 1_000_000, ageMaxMs: 300_000 }),
    deadLetters: new InMemoryDeadLetters(),
    retryQueue,
    retriesInWork: new RetriesInWork(),
    stall: file.stall,
    telemetry: createTelemetry({
      level: 'information',
      counters: new Counters(),
      write: (_, line) => lines.push(line),
    }),
    timing: defaultTiming,
    clock,
  };
  const settle = async (): Promise<void> => {
    for (let due = retryQueue.nextDueAtMs; due !== undefined; due = retryQueue.nextDueAtMs) {
      time.nowMs = Math.max(time.nowMs, due);
      for (const message of retryQueue.takeDue(time.nowMs)) await activateRetry(message, context);
    }
  };
  let sequenceNumber = 0;
  const give = async (...bodies: readonly Uint8Array[]): Promise<void> => {
    const events = bodies.map((body) => {
      sequenceNumber += 1;
      return { body, partitionId: '0', sequenceNumber, enqueuedAtMs: time.nowMs };
    });
    await activate({ events }, context);
    await settle();
  };
  const members = () => ({
    google: google.members(listId).length,
    meta: [...meta.members('Sports Fans', ['EXTERN_ID'])].sort(),
  });
  const said = (name: string) =>
    lines
      .map((line) => JSON.parse(line) as { signal: string; destination: string })
      .filter((each) => each.signal === name);
  return { time, context, google, meta, give, settle, members, said };
}

test('control: without nights, Meta forgets an id of our own after 90 days, and Google a member after 540', async () => {
  const { time, give, members } = await open(openInMemory);
  await give(...people.map((person) => exportOf(person)));
  expect(members()).toEqual({ google: people.length, meta: people });
  time.nowMs += 91 * dayMs;
  expect(members()).toEqual({ google: people.length, meta: [] });
  time.nowMs += 450 * dayMs;
  expect(members()).toEqual({ google: 0, meta: [] });
});

test.each([
  ['in memory', openInMemory, 1],
  // Where two nights of three do not run.
  ['in Azurite', openInAzurite, 3],
])(
  'over 540 days and more no member is missing at Google and Meta, and each person who leaves is out, with a ledger %s',
  { timeout: 300_000 },
  async (_, openLedger, every) => {
    const { time, context, give, members, said, google, meta } = await open(openLedger);
    await give(...people.map((person) => exportOf(person)));
    const [left = '', ...stay] = people;
    for (let day = 1; day <= 600; day += 1) {
      time.nowMs += dayMs;
      // Each is told again by the second month; then the first one leaves.
      if (day === 60) await give(exportOf(left, day, 'exited'));
      if (day % every === 0) await sweep(context);
      const there = day < 60 ? people : stay;
      expect([day, members()]).toEqual([day, { google: there.length, meta: there }]);
    }
    const tellings = (requests: readonly { url: string }[], path: string) =>
      requests.filter(({ url }) => url.includes(path)).length;
    // A life is told again in every third part of it: Google's people one to three times in 600
    // days, Meta's every 27 to 36 days.
    expect(tellings(google.requests, 'audienceMembers:ingest')).toBeLessThanOrEqual(1 + 4 * people.length);
    expect(tellings(meta.requests, '/users')).toBeLessThanOrEqual(2 + 23 * people.length);
    expect(said('memberships-renewed').filter(({ destination }) => destination === 'log')).toEqual([]);
    expect(said('memberships-renewed').filter(({ destination }) => destination === 'meta')).toHaveLength(600 / every);
    expect(said('memberships-delayed')).toEqual([]);
  },
);

test('what Google does not take in a night its retry tells, and the others are told as ever', async () => {
  const { time, context, google, give, settle, members, said } = await open(openInMemory);
  await give(...people.map((person) => exportOf(person)));
  time.nowMs += 300 * dayMs;
  google.setFault({ kind: 'answer', answer: () => ({ status: 503, headers: {}, body: '' }) });
  await sweep(context);
  expect(
    said('memberships-renewed').toSorted((left, right) => left.destination.localeCompare(right.destination)),
  ).toMatchObject([
    { destination: 'google', delivered: 0, deferred: people.length, left: 0 },
    { destination: 'meta', delivered: people.length, deferred: 0, left: 0 },
  ]);
  google.setFault(undefined);
  await settle();
  time.nowMs += 300 * dayMs;
  expect(members().google).toBe(people.length);
});

test('a row that cannot be read stops no night: the walks name it, and the others are told and swept', async () => {
  const ledger = new SpoilableLedger();
  const { time, context, give, said } = await open(() => Promise.resolve(ledger));
  await give(...people.map((person) => exportOf(person)));
  const [first] = await Array.fromAsync(readable(ledger).rows({ destination: 'meta' }, signal));
  if (first === undefined) throw new Error('Meta was told of no person.');
  const { unreadable: row } = await ledger.spoil(first.key);
  time.nowMs += 300 * dayMs;
  await sweep(context);
  const unreadable = { signal: 'rows-unreadable', rows: 1, row };
  expect(said('rows-unreadable')).toMatchObject([unreadable, unreadable]);
  expect(said('memberships-renewed').find(({ destination }) => destination === 'meta')).toMatchObject({
    delivered: people.length - 1,
    left: 0,
  });
  expect(said('ledger-swept')).toMatchObject([{ seen: 3 * people.length, isWhole: true }]);
});

test('a retry of a destination that has another name now is as old as one of it can be', async () => {
  const { time, context, said } = await open(openInMemory);
  const hourMs = 3_600_000;
  for (const [id, hours] of [
    ['young', 29],
    ['left', 31],
  ] as const) {
    const retry = exampleRetry({ id, destination: 'printer', firstDeferredAtMs: time.nowMs - hours * hourMs });
    await context.retryQueue.put(retry, time.nowMs + hourMs, signal);
  }
  await sweep(context);
  expect(said('ledger-swept')).toMatchObject([{ retriesMadeDue: 1 }]);
});

test('a night without time says that it was not enough', async () => {
  const { time, context, give, said } = await open(openInMemory);
  await give(...people.map((person) => exportOf(person)));
  time.nowMs += 300 * dayMs;
  // As long as the function may run, so that no batch could be settled in time.
  await sweep({ ...context, timing: { ...defaultTiming, settleByMs: 9 * 60_000 } });
  expect(said('memberships-delayed')).toMatchObject([
    { destination: 'google', memberships: 0, isWhole: false },
    { destination: 'meta', memberships: 0, isWhole: false },
  ]);
  expect(said('memberships-renewed')).toMatchObject([{ delivered: 0 }, { delivered: 0 }]);
});

test('when members cannot be told again the rest of the night is done all the same, and the night fails', async () => {
  const { time, context, give, said } = await open(openInMemory);
  await give(...people.map((person) => exportOf(person)));
  time.nowMs += 300 * dayMs;
  const { ledger } = context;
  const failing: Ledger = {
    read: (keys, of) => ledger.read(keys, of),
    write: () => Promise.reject(new Error('the store is away')),
    remove: (key, expected, of) => ledger.remove(key, expected, of),
    rows: (of, until) => ledger.rows(of, until),
  };
  await expect(sweep({ ...context, ledger: failing })).rejects.toThrow('the store is away');
  expect(said('ledger-swept')).toMatchObject([{ seen: 3 * people.length }]);
});

test('a night that has no time for every row says so, and does not fail', async () => {
  const { time, context, give, said } = await open(openInMemory);
  await give(...people.map((person) => exportOf(person)));
  const { ledger } = context;
  const slow: Ledger = {
    read: (keys, of) => ledger.read(keys, of),
    write: (writes, of) => ledger.write(writes, of),
    remove: (key, expected, of) => ledger.remove(key, expected, of),
    async *rows(of, until) {
      for await (const entry of ledger.rows(of, until)) {
        if ('startAt' in of) time.nowMs += 60_000;
        yield entry;
      }
    },
  };
  await sweep({ ...context, ledger: slow });
  expect(said('ledger-swept')).toMatchObject([{ seen: 8, isWhole: false }]);
});
