import type { ReceivedEvent } from '@activation-hub/delivery';
import type { DeliveredRow } from './deliver-rows.ts';
import type { ObservedSubject } from './observed-change.ts';
import type { DesiredMembership, RoutedPerson } from './resolve-memberships.ts';

/** What a membership that was not told, or not yet, is about. */
export function subjectOf(of: DesiredMembership | RoutedPerson): ObservedSubject {
  const { audience, state, event } = of;
  const identity = 'key' in of ? { identity: of.key.identity } : {};
  return { audience: audience.key, status: state.status, ...fromEvent(event), ...identity };
}

/** What a row that was told is about, with what the destination said. */
export function subjectOfTold({ audience, key, kind, state, changeId, event, result }: DeliveredRow): ObservedSubject {
  return {
    audience: audience.key,
    identity: key.identity,
    status: state.status,
    kind,
    changeId,
    ...('class' in result ? { class: result.class } : {}),
    ...('reason' in result ? { reason: result.reason } : {}),
    ...fromEvent(event),
  };
}

/** From which event a change comes, without its body. */
export function fromEvent(event: ReceivedEvent | undefined): Pick<ObservedSubject, 'event'> {
  if (event === undefined) return {};
  const { partitionId, sequenceNumber, enqueuedAtMs } = event;
  return { event: { partitionId, sequenceNumber, enqueuedAtMs } };
}
