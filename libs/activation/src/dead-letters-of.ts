import type { DeadLetter, Failure, ReceivedEvent } from '@activation-hub/delivery';
import type { LedgerKey } from '@activation-hub/membership';
import type { ActivationContext } from './activation-context.ts';
import type { JudgedRow } from './judge-results.ts';
import type { Unreadable } from './read-events.ts';
import type { DesiredMembership } from './resolve-memberships.ts';
import type { Unfit } from './unfit-attributes.ts';
import type { Work } from './work.ts';

/** What a change ends in that is not sent again. */
interface Ending {
  readonly destination: string;
  readonly outcome: 'rejected' | 'given-up';
  readonly class: string;
  readonly reason: string;
}

/** A change that ends as a dead letter, without having been sent this time. */
export interface LostChange extends Ending {
  readonly event: ReceivedEvent;
  readonly audience: string;
  /** The rows that say so; absent when none was written. */
  readonly rows?: readonly LedgerKey[];
}

/** The change as one that is rejected before it is sent. */
export function unfitChange({ event, route, audience }: DesiredMembership, why: Unfit): LostChange {
  return { event, destination: route.destination, audience: audience.key, outcome: 'rejected', ...why };
}

/** Keeps what could not be read as dead letters, and says so. */
export async function keepUnreadable(
  unreadable: readonly Unreadable[],
  context: ActivationContext,
  signal: AbortSignal,
): Promise<void> {
  if (unreadable.length === 0) return;
  await context.deadLetters.put(lettersOfUnreadable(unreadable, context), signal);
  for (const { event, refusal } of unreadable) {
    const { partitionId, sequenceNumber } = event;
    const { code, path } = refusal;
    context.telemetry.emit('event-unreadable', { partitionId, sequenceNumber, code, path });
  }
}

/** Keeps changes that are not sent as dead letters, and says so. */
export async function keepLost(
  lost: readonly LostChange[],
  attempts: number,
  context: ActivationContext,
  signal: AbortSignal,
): Promise<void> {
  if (lost.length === 0) return;
  await context.deadLetters.put(lettersOf(lost, attempts, context), signal);
  announce(lost, context);
}

/** One letter per event and kind of refusal. */
function lettersOfUnreadable(unreadable: readonly Unreadable[], { clock }: ActivationContext): readonly DeadLetter[] {
  const byEvent = Map.groupBy(unreadable, ({ event }) => event);
  return [...byEvent].flatMap(([event, ofEvent]) =>
    [...Map.groupBy(ofEvent, ({ refusal }) => refusal.code)].map(([code, refusals]) => ({
      event,
      outcome: 'unreadable' as const,
      class: code,
      failures: refusals.map(({ refusal, audience }): Failure => ({
        path: refusal.path,
        reason: refusal.message,
        ...(audience === undefined ? {} : { audience }),
      })),
      attempts: 0,
      givenUpAtMs: clock.now(),
    })),
  );
}

/**
 * The letters of changes that a destination rejected or that are given up. A row that is sent from
 * the ledger alone, as in a resync, has no event and no letter: the state of the row is its
 * outcome.
 */
export function lettersOfRows(
  judged: readonly JudgedRow[],
  work: Work | undefined,
  context: ActivationContext,
): readonly DeadLetter[] {
  const lost = judged.flatMap((row) => {
    const { event, key, audience, changeId } = row;
    if (event === undefined) return [];
    return endingOf(row).map((ending) => ({ ...ending, event, audience: audience.key, rows: [key], changeId }));
  });
  return lettersOf(lost, (work?.retry?.attempts ?? 0) + 1, context);
}

/**
 * How a row ended that no retry sends again and its destination did not take; none for any other.
 */
function endingOf({ fate, result, route }: JudgedRow): readonly Ending[] {
  if ((fate !== 'rejected' && fate !== 'given-up') || !('class' in result)) return [];
  return [{ outcome: fate, destination: route.destination, class: result.class, reason: result.reason }];
}

/** One letter per event, destination, outcome and class. */
function lettersOf(
  lost: readonly (LostChange & { readonly changeId?: string })[],
  attempts: number,
  { clock }: ActivationContext,
): readonly DeadLetter[] {
  const letters = new Map<ReceivedEvent, Map<string, DeadLetter & { failures: Failure[] }>>();
  for (const { event, destination, audience, outcome, class: cause, reason, changeId, rows } of lost) {
    const ofEvent = letters.get(event) ?? new Map<string, DeadLetter & { failures: Failure[] }>();
    letters.set(event, ofEvent);
    const name = JSON.stringify([destination, outcome, cause]);
    const letter = ofEvent.get(name) ?? {
      event,
      outcome,
      destination,
      class: cause,
      failures: [],
      attempts,
      givenUpAtMs: clock.now(),
    };
    ofEvent.set(name, letter);
    letter.failures.push({
      audience,
      ...(changeId === undefined ? {} : { changeId }),
      ...(rows === undefined ? {} : { rows }),
      reason,
    });
  }
  return [...letters.values()].flatMap((ofEvent) => [...ofEvent.values()]);
}

/** Says what ended as a dead letter, once per destination and reason. */
export function announceRows(judged: readonly JudgedRow[], context: ActivationContext): void {
  announce(judged.flatMap(endingOf), context);
}

function announce(endings: readonly Ending[], { telemetry }: ActivationContext): void {
  const said = new Map<string, Pick<Ending, 'outcome' | 'destination' | 'reason'> & { readonly changes: number }>();
  for (const { outcome, destination, reason } of endings) {
    const name = JSON.stringify([outcome, destination, reason]);
    const { changes } = said.get(name) ?? { changes: 0 };
    said.set(name, { outcome, destination, reason, changes: changes + 1 });
  }
  for (const { outcome, ...fields } of said.values())
    telemetry.emit(outcome === 'rejected' ? 'changes-rejected' : 'changes-given-up', fields);
}
