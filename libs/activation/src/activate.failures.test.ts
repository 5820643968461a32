import { DestinationError } from '@activation-hub/destination-kit';
import { claim, settle, type MembershipState } from '@activation-hub/membership';
import { expect, test } from 'vitest';
import { DisturbedLedger, eventOf, fansId, fansKey, noonMs, openHub, personExport } from '../testing/index.ts';
import { BatchHeldError } from './index.ts';

const { signal } = new AbortController();

const twoDestinations = `
version: 1
destinations:
  crm: { type: recording }
  ads: { type: recording }
audiences:
  sports-fans:
    id: ${fansId}
    activate:
      - { destination: crm, identity: [crmid] }
      - { destination: ads, identity: [email] }
`;

/** A state of the fans `at` seconds after noon, as another worker knows it. */
function stateAt(at: number, over: Partial<MembershipState> = {}): MembershipState {
  return {
    status: 'realized',
    isMember: true,
    qualifiedAtMs: noonMs + at * 1_000,
    enqueuedAtMs: noonMs,
    sequenceNumber: 0,
    content: 'what another worker told',
    ...over,
  };
}

const another = (expiresAtMs: number) => ({ claimant: 'another worker', expiresAtMs });
const toldAt = (at: number) => settle(claim(undefined, { state: stateAt(at), attributes: {} }, another(0)), 'told');

test('a destination that is down holds the batch after everything else was settled, and the repetition tells only what is missing', async () => {
  const { activate, crm, ads, outcomes, lines } = openHub({ file: twoDestinations });
  crm.onRequest = () => {
    throw new DestinationError('transient', 'Not reached.');
  };
  const events = [eventOf(personExport({ person: 'p1' }), 1), eventOf(personExport({ person: 'p2' }), 2)];
  const failure = await activate(...events).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(BatchHeldError);
  expect((failure as BatchHeldError).message).toBe(
    'Failed to settle 2 changes (2 × crm: Not reached.). Give the same events again.',
  );
  expect(ads.told).toHaveLength(2);
  expect(outcomes()).toEqual({ 'ads delivered': 2 });
  expect(lines.filter((line) => line.includes('"batch-held"'))).toHaveLength(1);

  crm.onRequest = () => undefined;
  await activate(...events);
  expect(crm.told).toHaveLength(2);
  expect(ads.told).toHaveLength(2);
  expect(outcomes()).toEqual({ 'ads delivered': 2, 'crm delivered': 2, 'ads unchanged': 2 });
});

test('of a request that is answered in part, the rest alone is told again', async () => {
  const { activate, crm } = openHub();
  crm.answer = ({ id, identity }) =>
    identity.value === 'p2' ? { id, status: 'retry', reason: 'locked' } : { id, status: 'delivered' };
  const events = ['p1', 'p2', 'p3'].map((person, n) => eventOf(personExport({ person }), n));
  await expect(activate(...events)).rejects.toThrow('1 × crm: locked');
  crm.answer = ({ id }) => ({ id, status: 'delivered' });
  await activate(...events);
  expect(crm.story).toEqual(['entered sports-fans p1', 'entered sports-fans p3', 'entered sports-fans p2']);
});

test('after an answer that leaves doubt the change can be told again at once', async () => {
  const { activate, crm } = openHub();
  crm.answer = ({ id }) => ({ id, status: 'retry', reason: 'error 500', doubt: 'answered' });
  await expect(activate(eventOf(personExport(), 1))).rejects.toThrow('error 500');
  crm.answer = ({ id }) => ({ id, status: 'delivered' });
  await activate(eventOf(personExport(), 1));
  expect(crm.handed.map(({ id }) => id)).toEqual([crm.told[0]?.id, crm.told[0]?.id]);
});

test('after no answer nothing is told about the person until the claim has expired', async () => {
  const { activate, crm, clock, hub } = openHub();
  const event = eventOf(personExport(), 1);
  crm.onRequest = (changes) => {
    changes.forEach((change) => crm.take(change));
    throw new DestinationError('transient', 'The reply was lost.', { doubt: 'unanswered' });
  };
  await expect(activate(event)).rejects.toThrow('the destination gave no answer');
  crm.onRequest = () => undefined;
  await expect(activate(event)).rejects.toThrow('somebody else is telling the destination');
  await expect(activate(eventOf(personExport({ status: 'exited', at: 60 }), 2))).rejects.toBeInstanceOf(BatchHeldError);
  expect(crm.requests).toBe(1);
  clock.nowMs += hub.timing.claimMs;
  await activate(event);
  expect(crm.story).toEqual(['entered sports-fans p1', 'entered sports-fans p1']);
  expect(new Set(crm.told.map(({ id }) => id)).size).toBe(1);
});

test('an exit after an entry in doubt is sent, for it may have arrived', async () => {
  for (const doubt of ['answered', 'unanswered'] as const) {
    const { activate, crm, clock, hub } = openHub();
    crm.answer = ({ id }) => ({ id, status: 'retry', reason: 'who knows', doubt });
    await expect(activate(eventOf(personExport(), 1))).rejects.toBeInstanceOf(BatchHeldError);
    clock.nowMs += hub.timing.claimMs;
    crm.answer = ({ id }) => ({ id, status: 'delivered' });
    await activate(eventOf(personExport({ status: 'exited', at: 60 }), 2));
    expect(crm.story).toEqual(['exited sports-fans p1']);
  }
});

test('a destination that hangs is left at the deadline, and the others are settled', async () => {
  const { activate, crm, ads, outcomes } = openHub({
    file: twoDestinations,
    timing: { patienceMs: 0, deadlineMs: 20, settleByMs: 20_000, claimMs: 30_000 },
  });
  crm.onRequest = () => Promise.withResolvers<never>().promise;
  await expect(activate(eventOf(personExport(), 1))).rejects.toThrow('1 × crm: the destination gave no answer');
  expect(ads.told).toHaveLength(1);
  expect(outcomes()).toEqual({ 'ads delivered': 1 });
});

test('the live claim of another worker is waited for, and the expired one of a dead worker is taken over', async () => {
  const ledger = new DisturbedLedger();
  const { activate, crm, clock } = openHub({ ledger });
  const expiresAtMs = clock.nowMs + 60_000;
  await ledger.overwrite(fansKey(), claim(undefined, { state: stateAt(0), attributes: {} }, another(expiresAtMs)));
  const newer = eventOf(personExport({ at: 60 }), 1);
  await expect(activate(newer)).rejects.toThrow('somebody else is telling the destination');
  expect(crm.requests).toBe(0);
  clock.nowMs = expiresAtMs;
  await activate(newer);
  expect(crm.story).toEqual(['entered sports-fans p1']);
});

test('what is older than the state that another worker is telling is superseded at once', async () => {
  const ledger = new DisturbedLedger();
  const { activate, crm, clock, outcomes } = openHub({ ledger });
  const by = another(clock.nowMs + 60_000);
  await ledger.overwrite(fansKey(), claim(undefined, { state: stateAt(60), attributes: {} }, by));
  await activate(eventOf(personExport({ at: 0 }), 1));
  expect(outcomes()).toEqual({ 'crm superseded': 1 });
  expect(crm.requests).toBe(0);
});

test('a race for the claim that is lost to a newer state supersedes the change', async () => {
  const ledger = new DisturbedLedger();
  const { activate, crm, outcomes } = openHub({ ledger });
  ledger.beforeWrite = (n) => (n === 1 ? ledger.overwrite(fansKey(), toldAt(60)) : undefined);
  await activate(eventOf(personExport({ at: 0 }), 1), eventOf(personExport({ person: 'p2' }), 2));
  expect(outcomes()).toEqual({ 'crm superseded': 1, 'crm delivered': 1 });
  expect(crm.story).toEqual(['entered sports-fans p2']);
});

test('a race for the claim that is lost to an older state is decided again, as what it now is', async () => {
  const ledger = new DisturbedLedger();
  const { activate, crm } = openHub({ ledger });
  ledger.beforeWrite = (n) => (n === 1 ? ledger.overwrite(fansKey(), toldAt(0)) : undefined);
  await activate(eventOf(personExport({ at: 60 }), 1));
  expect(crm.story).toEqual(['updated sports-fans p1']);
});

test('a row that others write all the time holds the batch instead of being tried for ever', async () => {
  const ledger = new DisturbedLedger();
  const { activate, crm } = openHub({ ledger });
  let writes = 0;
  ledger.beforeWrite = async () => {
    writes += 1;
    await ledger.overwrite(fansKey(), toldAt(0));
  };
  await expect(activate(eventOf(personExport({ at: 60 }), 1))).rejects.toThrow('written by others all the time');
  expect(writes).toBe(5);
  expect(crm.requests).toBe(0);
});

test('a claim that is lost before the answer is settled holds the batch, and the repetition finds the newer state', async () => {
  const ledger = new DisturbedLedger();
  const { activate, outcomes } = openHub({ ledger });
  ledger.beforeWrite = (n) => (n === 2 ? ledger.overwrite(fansKey(), toldAt(60)) : undefined);
  await expect(activate(eventOf(personExport({ at: 0 }), 1))).rejects.toThrow('the claim expired before');
  await activate(eventOf(personExport({ at: 0 }), 1));
  expect(outcomes()).toEqual({ 'crm superseded': 1 });
});

test('a ledger that cannot be read or claimed in ends the batch before anybody is told', async () => {
  for (const method of ['beforeRead', 'beforeWrite'] as const) {
    const ledger = new DisturbedLedger();
    const { activate, crm } = openHub({ ledger });
    ledger[method] = () => {
      throw new Error('the table is down');
    };
    await expect(activate(eventOf(personExport(), 1))).rejects.toThrow('the table is down');
    expect(crm.requests).toBe(0);
    ledger[method] = () => undefined;
    await activate(eventOf(personExport(), 1));
    expect(crm.story).toEqual(['entered sports-fans p1']);
  }
});

test('a ledger that fails before the answer is settled leads to one repetition under the same id, after the claim', async () => {
  const ledger = new DisturbedLedger();
  const { activate, crm, clock, hub } = openHub({ ledger });
  ledger.beforeWrite = (n) => {
    if (n === 2) throw new Error('the table is down');
  };
  const event = eventOf(personExport(), 1);
  await expect(activate(event)).rejects.toThrow('the table is down');
  await expect(activate(event)).rejects.toBeInstanceOf(BatchHeldError);
  clock.nowMs += hub.timing.claimMs;
  await activate(event);
  await activate(event);
  expect(crm.told).toHaveLength(2);
  expect(new Set(crm.told.map(({ id }) => id)).size).toBe(1);
  expect((await ledger.read([fansKey()], signal))[0]?.record).toMatchObject({
    standing: { is: 'told' },
    inDoubt: false,
  });
});
