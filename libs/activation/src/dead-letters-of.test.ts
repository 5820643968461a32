import { encodeProfileExport } from '@activation-hub/audience-events/testing';
import { InMemoryDeadLetters, type DeliveryResult } from '@activation-hub/delivery';
import { expect, test } from 'vitest';
import { eventOf, fansId, fansKey, openActivation, personExport, travellersId } from '../testing/index.ts';
import { announceRows, keepLost, keepUnreadable, lettersOfRows, type LostChange } from './dead-letters-of.ts';
import type { JudgedRow } from './judge-results.ts';
import type { Unreadable } from './read-events.ts';

const { signal } = new AbortController();

/** What is said of changes that ended as dead letters. */
function saidOf(lines: readonly string[]): readonly unknown[] {
  return lines
    .map((line) => JSON.parse(line) as { readonly signal: string; readonly message: string })
    .filter(({ signal: name }) => name === 'changes-rejected' || name === 'changes-given-up')
    .map((said) => ({ ...said, message: '' }));
}

const event = eventOf(personExport(), 1);
const lost: LostChange = {
  event,
  destination: 'crm',
  audience: 'sports-fans',
  outcome: 'rejected',
  class: 'too-large',
  reason: 'It is too large.',
};

test('what is lost is said once per outcome, destination and reason, with how many changes that were', async () => {
  const { context, lines } = openActivation();
  const changes = [
    lost,
    { ...lost, audience: 'travellers' },
    { ...lost, destination: 'ads' },
    { ...lost, outcome: 'given-up' as const },
    { ...lost, reason: 'It is unknown.' },
  ];
  await keepLost(changes, 3, context, signal);
  const { destination, reason } = lost;
  expect(saidOf(lines)).toEqual([
    { message: '', signal: 'changes-rejected', destination, reason, changes: 2 },
    { message: '', signal: 'changes-rejected', destination: 'ads', reason, changes: 1 },
    { message: '', signal: 'changes-given-up', destination, reason, changes: 1 },
    { message: '', signal: 'changes-rejected', destination, reason: 'It is unknown.', changes: 1 },
  ]);
});

test('what is lost is one letter per event, destination, outcome and class', async () => {
  const { context, letters, clock } = openActivation();
  const other = eventOf(personExport(), 2);
  await keepLost(
    [
      lost,
      { ...lost, audience: 'travellers', rows: [] },
      { ...lost, destination: 'ads' },
      { ...lost, outcome: 'given-up' },
      { ...lost, class: 'route-gone' },
      { ...lost, event: other },
    ],
    3,
    context,
    signal,
  );
  const { destination, outcome, class: cause, audience, reason } = lost;
  const of = { event, destination, outcome, class: cause };
  const alone = { ...of, attempts: 3, givenUpAtMs: clock.nowMs, failures: [{ audience, reason }] };
  // Neither a change id nor rows where there are none.
  expect(letters()).toStrictEqual([
    { ...alone, failures: [...alone.failures, { audience: 'travellers', rows: [], reason }] },
    { ...alone, destination: 'ads' },
    { ...alone, outcome: 'given-up' },
    { ...alone, class: 'route-gone' },
    { ...alone, event: other },
  ]);
});

test('where nothing is lost and all can be read, the store of dead letters is not asked and nothing is said', async () => {
  const deadLetters = new InMemoryDeadLetters();
  deadLetters.put = () => Promise.reject(new Error('The store of dead letters is down.'));
  const { context, lines } = openActivation({ deadLetters });
  await keepLost([], 1, context, signal);
  await keepUnreadable([], context, signal);
  expect(lines).toEqual([]);
});

/** A row of an event whose fate is known. */
function judged(fate: JudgedRow['fate'], result: DeliveryResult, over: object = {}): JudgedRow {
  const of = { key: fansKey(), audience: { key: 'sports-fans' }, route: { destination: 'crm' }, changeId: 'c1' };
  return { ...of, event, fate, result, ...over } as JudgedRow;
}

const busy = { status: 'retry', class: 'transient', reason: 'It is busy.', wasTried: true } as const;
const invalid = { status: 'rejected', class: 'invalid', reason: 'No such list.' } as const;

test('rows that a destination took, or that a retry sends again, are no dead letters', () => {
  const { context, lines } = openActivation();
  const rows = [
    judged('delivered', { status: 'delivered' }),
    judged('not-found', { status: 'not-found', reason: 'Unknown.' }),
    judged('deferred', busy),
    judged('deferred', invalid),
    judged('unanswered', { ...busy, doubt: 'unanswered' }),
  ];
  expect(lettersOfRows(rows, undefined, context)).toEqual([]);
  announceRows(rows, context);
  expect(lines).toEqual([]);
});

test('the letter of a row names the row and its change; a row that is sent from the ledger alone has no letter, but is said', () => {
  const { context, lines } = openActivation();
  const rows = [judged('rejected', invalid), judged('rejected', invalid, { event: undefined, key: fansKey('p2') })];
  const { reason } = invalid;
  expect(lettersOfRows(rows, undefined, context)).toMatchObject([
    { event, attempts: 1, failures: [{ audience: 'sports-fans', changeId: 'c1', rows: [fansKey()], reason }] },
  ]);
  announceRows(rows, context);
  expect(saidOf(lines)).toMatchObject([{ signal: 'changes-rejected', destination: 'crm', changes: 2 }]);
});

test('what cannot be read of an event is one letter for each kind of fault', async () => {
  const { context, letters } = openActivation();
  const refused = (code: Unreadable['refusal']['code'], path: string): Unreadable => ({
    event,
    refusal: { code, path, message: 'It cannot be read.' },
  });
  await keepUnreadable(
    [
      refused('invalid-segment-membership', 'a'),
      refused('invalid-segment-membership', 'b'),
      refused('invalid-qualification-time', 'c'),
    ],
    context,
    signal,
  );
  expect(letters().map(({ class: cause, failures }) => [cause, failures.map(({ path }) => path)])).toEqual([
    ['invalid-segment-membership', ['a', 'b']],
    ['invalid-qualification-time', ['c']],
  ]);
});

test('what two destinations reject is two letters, and what one gives up is said apart', async () => {
  const opened = openActivation({
    file: `
version: 1
destinations: { crm: { type: recording }, ads: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: crmid }, { destination: ads, identity: crmid }] }
  travellers: { id: ${travellersId}, activate: [{ destination: crm, identity: crmid }] }
`,
  });
  const { activate, retryDue, clock, crm, ads, lines, letters, retryQueue } = opened;
  ads.answer = ({ id }) => ({ id, status: 'rejected', reason: 'No such list.' });
  crm.answer = ({ id }) => ({ id, status: 'retry', reason: 'It is busy.' });
  await activate(event, eventOf(personExport({ audienceId: travellersId }), 2));
  clock.nowMs += 86_400_000;
  while (retryQueue.nextDueAtMs !== undefined && retryQueue.nextDueAtMs <= clock.nowMs) await retryDue();
  expect(letters()).toMatchObject([
    { destination: 'ads', outcome: 'rejected', attempts: 1, failures: [{ reason: 'No such list.' }] },
    { destination: 'crm', outcome: 'given-up', attempts: 2, failures: [{ audience: 'sports-fans' }] },
    { destination: 'crm', outcome: 'given-up', attempts: 2, failures: [{ audience: 'travellers' }] },
  ]);
  expect(saidOf(lines)).toEqual([
    { message: '', signal: 'changes-rejected', destination: 'ads', reason: 'No such list.', changes: 1 },
    { message: '', signal: 'changes-given-up', destination: 'crm', reason: 'It is busy.', changes: 2 },
  ]);
});

test('of what cannot be read it is said where it stands and what is wrong, and a failure names an audience only where it has one', async () => {
  const { activate, lines, letters } = openActivation();
  const items = { [fansId]: { status: 'realized', lastQualificationTime: 'soon' } };
  const membership = encodeProfileExport({ ...personExport(), segmentMembership: { ups: items } });
  await activate(
    { ...event, body: Buffer.from('{') },
    { ...eventOf(personExport(), 2), body: membership, partitionId: '7' },
  );
  const said = lines.map((line) => JSON.parse(line) as { readonly signal: string });
  expect(said.filter(({ signal: name }) => name === 'event-unreadable')).toMatchObject([
    { partitionId: '0', sequenceNumber: 1, code: 'invalid-json', path: '$' },
    {
      partitionId: '7',
      sequenceNumber: 2,
      code: 'invalid-qualification-time',
      path: expect.stringContaining(fansId) as string,
    },
  ]);
  const [whole, ofFans] = letters().map(({ failures }) => failures[0] ?? {});
  expect(whole).not.toHaveProperty('audience');
  expect(ofFans).toHaveProperty('audience', 'sports-fans');
});
