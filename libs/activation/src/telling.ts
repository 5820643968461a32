import type { ActivationContext } from './activation-context.ts';
import type { Tally } from './tally.ts';
import type { Work } from './work.ts';

/** On whose account rows are told, and until when. */
export interface Telling {
  readonly context: ActivationContext;
  /** Absent when nothing but the ledger asks for it, as in a resync. */
  readonly work?: Work;
  /** After it no destination is waited for. */
  readonly deadline: AbortSignal;
  /** After it nothing is written. */
  readonly settleBy: AbortSignal;
  readonly tally: Tally;
}
