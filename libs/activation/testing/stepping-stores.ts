import type { DeadLetters, RetryQueue } from '@activation-hub/delivery';
import {
  DestinationError,
  type Change,
  type Connector,
  type Delivery,
  type Verdict,
} from '@activation-hub/destination-kit';
import type { Ledger } from '@activation-hub/membership';
import type { RecordingDestination } from './recording-destination.ts';
import type { RequestFault } from './world-options.ts';

/** A step at something shared; `do` is what happens there, all at once. */
export type Step = <Result>(
  label: string,
  access: { readonly of: 'store' | 'destination'; readonly do: () => Promise<Result> },
) => Promise<Result>;

/** A ledger of which each read and write is a step. */
export function steppingLedger(ledger: Ledger, step: Step): Ledger {
  return {
    read: (keys, signal) => step('reads', { of: 'store', do: () => ledger.read(keys, signal) }),
    write: (writes, signal) =>
      writes.length === 0
        ? Promise.resolve([])
        : step('writes', { of: 'store', do: () => ledger.write(writes, signal) }),
    remove: (key, expected, signal) => step('removes', { of: 'store', do: () => ledger.remove(key, expected, signal) }),
    rows: (of, signal) => ledger.rows(of, signal),
  };
}

/** A retry queue of which each call is a step. */
export function steppingRetryQueue(queue: RetryQueue, step: Step): RetryQueue {
  return {
    put: (retry, dueAtMs, signal) => step('defers', { of: 'store', do: () => queue.put(retry, dueAtMs, signal) }),
    read: (message, ...how) => step('reads a retry', { of: 'store', do: () => queue.read(message, ...how) }),
    postpone: (pointer, dueAtMs, signal) =>
      step('postpones a retry', { of: 'store', do: () => queue.postpone(pointer, dueAtMs, signal) }),
    giveBack: (pointer, dueAtMs, signal) =>
      step('gives a retry back', { of: 'store', do: () => queue.giveBack(pointer, dueAtMs, signal) }),
    wake: (destination, options) =>
      step('wakes a destination', { of: 'store', do: () => queue.wake(destination, options) }),
    remove: (id, signal) => step('removes a retry', { of: 'store', do: () => queue.remove(id, signal) }),
    waiting: (signal) => queue.waiting(signal),
    edit: (id, edited, signal) => step('edits a retry', { of: 'store', do: () => queue.edit(id, edited, signal) }),
    reschedule: (id, dueAtMs, signal) =>
      step('makes a retry due', { of: 'store', do: () => queue.reschedule(id, dueAtMs, signal) }),
  };
}

/** Dead letters of which each writing is a step. */
export function steppingDeadLetters(letters: DeadLetters, step: Step): DeadLetters {
  return {
    put: (put, signal) => step('gives up', { of: 'store', do: () => letters.put(put, signal) }),
    names: (prefix, signal) => letters.names(prefix, signal),
    read: (name, signal) => step('reads a letter', { of: 'store', do: () => letters.read(name, signal) }),
    remove: (name, signal) => step('removes a letter', { of: 'store', do: () => letters.remove(name, signal) }),
    edit: (name, edited, signal) =>
      step('edits a letter', { of: 'store', do: () => letters.edit(name, edited, signal) }),
  };
}

/** After these faults the destination has taken nothing, and never will. */
const takesNothing: ReadonlySet<RequestFault> = new Set(['refused', 'rejected']);

function takenOf(changes: readonly Change[], fault: RequestFault): readonly Change[] {
  if (takesNothing.has(fault)) return [];
  if (fault === 'not-found') return changes.filter(({ kind }) => kind === 'exited');
  return fault === 'partly' ? changes.slice(0, 1) : changes;
}

/**
 * How many steps a late request is on its way: about as many as a worker needs to tell something
 * else in between.
 */
const lateHops = 15;

/**
 * A connector whose requests arrive at the destination in a step, and whose replies come back in
 * another. A request that is not answered arrives whether or not its worker still waits for it, or
 * lives.
 */
export function steppingConnector(
  destination: RecordingDestination,
  step: Step,
  requests: { readonly fault: () => RequestFault; readonly arrives: (label: string) => Promise<void> },
): Connector {
  const tell = async (deliveries: readonly Delivery[]): Promise<readonly Verdict[]> => {
    const changes = deliveries.map(({ change }) => change);
    const fault = requests.fault();
    const taken = takenOf(changes, fault);
    const said = changes.map(({ kind, qualifiedAt }) => `${kind} ${qualifiedAt.slice(14, 19)}`).join();
    const arrive = async (): Promise<void> => {
      if (takesNothing.has(fault)) return;
      for (let hops = fault === 'late' ? lateHops : 0; hops > 0; hops -= 1)
        await requests.arrives(`${said} is on its way`);
      await requests.arrives(`${said} arrives`);
      for (const change of taken) destination.take(change);
    };
    const { promise: arrived, resolve } = Promise.withResolvers<undefined>();
    await step('sends', {
      of: 'destination',
      do: () => {
        void arrive().then(() => resolve(undefined));
        return Promise.resolve();
      },
    });
    if (fault === 'unanswered' || fault === 'late')
      throw new DestinationError('transient', 'No answer.', { doubt: 'unanswered' });
    await step('waits for the reply', { of: 'destination', do: () => arrived });
    if (fault === 'unheard') throw new DestinationError('transient', 'No answer.', { doubt: 'unanswered' });
    if (fault === 'refused') throw new DestinationError('transient', 'Not reached.');
    if (fault === 'answered') throw new DestinationError('transient', 'In doubt.', { doubt: 'answered' });
    if (fault === 'rejected' || fault === 'not-found')
      return changes.map(({ id, kind }) => {
        // Whom a destination does not know is out of it: an exit of them is taken.
        if (fault === 'not-found' && kind === 'exited') return { id, status: 'delivered' };
        return { id, status: fault, reason: 'the row is at fault' };
      });
    return changes.map((change) =>
      taken.includes(change)
        ? { id: change.id, status: 'delivered' }
        : { id: change.id, status: 'retry', reason: 'locked' },
    );
  };
  return { enter: tell, update: tell, exit: tell };
}
