import { buildProfileExport, encodeProfileExport } from '@activation-hub/audience-events/testing';
import type { DeadLetters, ReceivedEvent, RetryQueue } from '@activation-hub/delivery';
import { lease, settle, type Ledger, type LedgerKey, type LedgerRecord } from '@activation-hub/membership';

export const vipId = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a09';
export const newsId = '5c8e1d34-2f60-4b5e-8a3c-7d9e0f1a2b3c';

/** So many people are at the CRM in the one audience and in the other. */
export const vipMembers = 40;
export const newsMembers = 25;
/** So many wait for the ads, which do not answer. */
export const adsWaiting = 6;

const minuteMs = 60_000;
const why = { class: 'transient', reason: 'it answered 503 Service Unavailable' };

/**
 * Fills stores with what a function app leaves there: a CRM that takes everything, ads that are
 * down, and two dead letters.
 */
export async function seedEnvironment(
  stores: {
    readonly ledger: Pick<Ledger, 'write'>;
    readonly deadLetters: Pick<DeadLetters, 'put'>;
    readonly retryQueue: Pick<RetryQueue, 'put'>;
  },
  nowMs: number,
): Promise<void> {
  const signal = AbortSignal.timeout(240_000);
  const told = [
    ...people(vipMembers).map((number) => ({ key: keyOf('crm', vipId, number), atMs: nowMs - number * minuteMs })),
    ...people(newsMembers).map((number) => ({ key: keyOf('crm', newsId, number), atMs: nowMs - number * minuteMs })),
  ].map(({ key, atMs }) => ({ key, record: toldRecord(atMs), expected: undefined }));
  const waiting = people(adsWaiting).map((number) => ({
    key: keyOf('ads', vipId, number),
    record: waitingRecord(nowMs - 2 * minuteMs, `retry-${number}`),
    expected: undefined,
  }));
  await stores.ledger.write([...told, ...waiting], signal);
  for (const number of people(adsWaiting)) {
    const event = eventOf(number, nowMs - 2 * minuteMs);
    const rows = [keyOf('ads', vipId, number)];
    await stores.retryQueue.put(
      {
        id: `retry-${number}`,
        destination: 'ads',
        events: [{ event, audiences: ['vip'], rows }],
        attempts: 1,
        firstDeferredAtMs: nowMs - 2 * minuteMs,
        ...why,
        rows: [],
        isReplay: false,
      },
      nowMs + 60 * minuteMs,
      signal,
    );
  }
  const letters = [101, 102].map((number) => ({
    event: eventOf(number, nowMs - 30 * minuteMs),
    outcome: 'rejected' as const,
    destination: 'crm',
    class: 'invalid',
    failures: [{ audience: 'vip', reason: 'the list is full' }],
    attempts: 1,
    givenUpAtMs: nowMs - 29 * minuteMs,
  }));
  await stores.deadLetters.put(letters, signal);
}

/** Numbers from 1; person 1 is `crmid:C-1`. */
function people(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

function keyOf(destination: 'crm' | 'ads', audienceId: string, number: number): LedgerKey {
  const identity =
    destination === 'crm'
      ? { namespace: 'crmid', value: `C-${number}` }
      : { namespace: 'email', value: `person.${number}@example.com` };
  return { destination, identity, audience: { namespace: 'ups', id: audienceId } };
}

function eventOf(number: number, enqueuedAtMs: number): ReceivedEvent {
  const identities = { crmid: [`C-${number}`], email: [`person.${number}@example.com`] };
  const body = encodeProfileExport(
    buildProfileExport({ memberships: [{ audienceId: vipId, qualifiedAtMs: enqueuedAtMs }], identities }),
  );
  return { body, partitionId: '0', sequenceNumber: number, enqueuedAtMs };
}

function leasedRecord(atMs: number): LedgerRecord {
  const enqueuedAtMs = atMs - 700;
  const state = {
    status: 'realized',
    isMember: true,
    qualifiedAtMs: enqueuedAtMs - 1_000,
    enqueuedAtMs,
    sequenceNumber: 1,
    content: '',
  } as const;
  const desired = { state, attributes: { firstName: 'Ada' } };
  const by = { holder: 'worker', expiresAtMs: atMs + minuteMs };
  return lease(undefined, desired, by, { atMs: atMs - 200, because: 'export', kind: 'entered' });
}

/** Taken at once. */
function toldRecord(atMs: number): LedgerRecord {
  return settle(leasedRecord(atMs), 'delivered', false, { atMs });
}

/** Refused, and to be tried again. */
function waitingRecord(atMs: number, chainId: string): LedgerRecord {
  return settle(leasedRecord(atMs), { is: 'deferred', chainId }, false, { atMs, ...why });
}
