import { withTimeLimit } from '@activation-hub/delivery';
import type { Timing } from './activation-context.ts';

/** When a call stops to tell, and when it stops to settle what it told. */
export interface Deadlines {
  readonly deadline: AbortSignal;
  /**
   * Later than `deadline`: what was sent by then must still be settled after it, while the leases
   * live.
   */
  readonly settleBy: AbortSignal;
}

/** Does the work with both deadlines, and leaves no timer behind. */
export async function withDeadlines<Result>(
  { deadlineMs, settleByMs }: Pick<Timing, 'deadlineMs' | 'settleByMs'>,
  work: (deadlines: Deadlines) => Promise<Result>,
): Promise<Result> {
  return withTimeLimit(deadlineMs, (deadline) => withTimeLimit(settleByMs, (settleBy) => work({ deadline, settleBy })));
}
