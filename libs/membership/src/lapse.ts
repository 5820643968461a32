import { hash } from 'node:crypto';
import { isLive, leaseLeftMaxMs } from './decide.ts';
import { ledgerKeyText, type LedgerKey, type LedgerRecord } from './ledger.ts';

const dayMs = 86_400_000;

/**
 * Over which part of a membership's life the members of one day are told again: from three to four
 * tenths. So each is told twice in a life, for a destination may accept a telling and not carry it
 * out, and a fifth of the life is left for nights in which nothing can be told.
 */
const renewedFrom = 0.3;
const renewedOver = 0.1;

/**
 * A night may fail, so a member who would not outlive the night after the next is told again in
 * this one.
 */
const nightsLeftMs = 2 * dayMs;

/** When a destination forgets a member, and when it is told again so that it does not. */
export interface Lapse {
  /** Epoch milliseconds. */
  readonly atMs: number;
  /**
   * Told again in the first night from then on, in epoch milliseconds: a moment that the key
   * decides, so that those who came together do not come together again.
   */
  readonly renewFromMs: number;
  /** From then on less than half of the life is left, in epoch milliseconds. */
  readonly lateFromMs: number;
}

/**
 * The lapse of a row whose destination keeps a member for `membershipDays`; `undefined` where the
 * destination does not have the person. A row that was told before its kind of destination said so
 * has no time of its telling, and one that says a time to come has it from a clock that is wrong:
 * both are taken for told when the event was enqueued, which was before.
 */
export function lapseOf(
  key: LedgerKey,
  record: LedgerRecord,
  membershipDays: number,
  nowMs: number,
): Lapse | undefined {
  const { delivered, deliveredAtMs: saidMs = Infinity } = record;
  if (delivered?.isMember !== true) return undefined;
  const deliveredAtMs = saidMs <= nowMs ? saidMs : delivered.enqueuedAtMs;
  const lifeMs = membershipDays * dayMs;
  const atMs = deliveredAtMs + lifeMs;
  const share = renewedFrom + renewedOver * shareOf(key);
  return {
    atMs,
    renewFromMs: Math.min(deliveredAtMs + share * lifeMs, atMs - nightsLeftMs),
    lateFromMs: deliveredAtMs + lifeMs / 2,
  };
}

/**
 * Whether the sweep tells the destination of a member again before the membership lapses. A live
 * lease, a deferred row and an exit are another's; what the destination rejected, or whom it does
 * not know, is told with the next change. A lease that no clock that is right can have given is
 * among those of the sweep, which cuts it, so that another night can tell the member.
 */
export function isToBeRenewed({ known, rowState }: LedgerRecord, nowMs: number): boolean {
  if (!known.isMember) return false;
  switch (rowState.is) {
    case 'delivered':
    case 'given-up':
    case 'paused':
    case 'leased':
      return !isLive(rowState, nowMs) || isLive(rowState, nowMs + leaseLeftMaxMs);
    case 'noted':
    case 'deferred':
    case 'rejected':
    case 'not-found':
      return false;
  }
}

/** From 0 to 1, the same for a key at all times. */
function shareOf(key: LedgerKey): number {
  return hash('sha256', ledgerKeyText(key), 'buffer').readUInt32BE(0) / 2 ** 32;
}
