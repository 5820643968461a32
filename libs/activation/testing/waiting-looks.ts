import type { LedgerKey, LedgerRecord, LedgerRow } from '@activation-hub/membership';
import type { ReceivedEvent } from '../src/index.ts';
import { DisturbedLedger } from './disturbed-ledger.ts';
import { eventOf, fansId, fansKey, personExport, type PersonContent } from './example-events.ts';
import { openActivation, type TestActivation } from './test-activation.ts';

const { signal } = new AbortController();

/** The row of an identity among the fans at `crm`. */
export function keyOf(namespace: string, value: string): LedgerKey {
  return { ...fansKey(), identity: { namespace, value } };
}

interface WaitingLooks extends TestActivation {
  readonly ledger: DisturbedLedger;
  /** The next event of the partition, with an export of each of these. */
  readonly next: (...contents: readonly PersonContent[]) => ReceivedEvent;
  /** Takes a batch of one event, which brings one export. */
  readonly give: (identities: Readonly<Record<string, readonly string[]>>, content?: PersonContent) => Promise<void>;
  readonly rowAt: (key: LedgerKey) => Promise<LedgerRow | undefined>;
  readonly recordAt: (key: LedgerKey) => Promise<LedgerRecord | undefined>;
  /** Writes a row as another process. */
  readonly putBy: (key: LedgerKey, change: (record: LedgerRecord) => LedgerRecord) => Promise<void>;
  /** The destination takes everyone from now on, and all retries come. */
  readonly recover: () => Promise<void>;
}

/**
 * A destination that takes no customer id, so that the looks at exports with one wait for a retry.
 *
 * @param more what the route has besides its identities
 */
export function openWaiting(more = '', cache: { readonly expectAfterKeys?: number } = {}): WaitingLooks {
  const ledger = new DisturbedLedger();
  const opened = openActivation({
    ledger,
    cache,
    file: `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: [crmid, email]${more} }] }
`,
  });
  const { crm, clock, retryQueue, retryDue, activate } = opened;
  crm.answer = ({ id, identity }) =>
    identity.namespace === 'crmid'
      ? { id, status: 'retry', reason: 'The customer is not known yet.' }
      : { id, status: 'delivered' };
  let sequenceNumber = 0;
  const next: WaitingLooks['next'] = (...contents) => eventOf(contents.map(personExport), (sequenceNumber += 1));
  const rowAt = async (key: LedgerKey): Promise<LedgerRow | undefined> => (await ledger.read([key], signal))[0];
  return {
    ...opened,
    ledger,
    next,
    give: (identities, content = {}) => activate(next({ ...content, identities })),
    rowAt,
    recordAt: async (key) => (await rowAt(key))?.record,
    putBy: async (key, change) => {
      const row = await rowAt(key);
      if (row === undefined) throw new Error('There is no row.');
      await ledger.overwrite(key, change(row.record));
    },
    recover: async () => {
      crm.answer = ({ id }) => ({ id, status: 'delivered' });
      while (retryQueue.nextDueAtMs !== undefined) {
        clock.nowMs = Math.max(clock.nowMs, retryQueue.nextDueAtMs);
        await retryDue();
      }
    },
  };
}
