import { DestinationError } from '@activation-hub/destination-kit';
import { lease, settle } from '@activation-hub/membership';
import { expect, test } from 'vitest';
import { DisturbedLedger, eventOf, fansKey, noonMs, openActivation, personExport } from '../testing/index.ts';

const exitedLater = {
  status: 'exited',
  isMember: false,
  qualifiedAtMs: noonMs + 60_000,
  enqueuedAtMs: noonMs,
  sequenceNumber: 0,
  content: '',
} as const;

test('a deferred row that another process has written meanwhile is forgotten by the cache, and the next export is judged by the row', async () => {
  const ledger = new DisturbedLedger();
  const { activate, crm, outcomes } = openActivation({ ledger });
  const ada = (n: number) => eventOf(personExport({ identities: { crmid: ['p1'] }, firstName: 'Ada' }), n);
  const grace = eventOf(personExport({ identities: { crmid: ['p1'] }, firstName: 'Grace' }), 5);
  await activate(ada(1));
  crm.onRequest = () => {
    throw new DestinationError('transient', 'Not reached.');
  };
  for (const [n, person] of ['p2', 'p3', 'p4'].entries())
    await activate(eventOf(personExport({ person, identities: { crmid: [person] } }), 2 + n));
  // The circuit is open, so the change is deferred untold; another worker tells of the exit at the same moment.
  ledger.beforeWrite = async () => {
    const taken = lease(
      undefined,
      { state: exitedLater, attributes: {} },
      { holder: 'another worker', expiresAtMs: 0 },
    );
    await ledger.overwrite(fansKey(), settle(taken, 'delivered'));
  };
  await activate(grace);
  ledger.beforeWrite = () => undefined;
  await activate(ada(6));
  expect(outcomes()).toEqual({ 'crm delivered': 1, 'crm deferred': 4, 'crm superseded': 1 });
});
