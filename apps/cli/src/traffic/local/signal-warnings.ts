import type { Signal } from './signals.ts';

/** What a person should know of a signal, as a warning; undefined where it is none. */
export function warningOf(signal: Signal): string | undefined {
  switch (signal.name) {
    case 'event-unreadable':
      return `An event could not be read (${signal.code}). It is kept as a dead letter.`;
    case 'request-failed':
      return `${signal.destination} was not told (${signal.class}): ${signal.reason}`;
    case 'changes-rejected':
      return `${signal.destination} rejected changes: ${signal.reason} They are kept as dead letters.`;
    case 'changes-deferred':
      return `${signal.destination}: changes are tried again later (${signal.class}): ${signal.reason}`;
    case 'changes-given-up':
      return `${signal.destination} was tried long enough: ${signal.reason} The changes are kept as dead letters.`;
    case 'destination-stalled':
      return `${signal.destination} rejects nearly everything, so its changes are held back: ${signal.reason}`;
    case 'memberships-delayed':
      return `Memberships at ${signal.destination} lapse, and a night is not enough to tell them again.`;
    case 'retry-message-refused':
      return 'A message of another origin was in the retry queue, and was dropped.';
    case 'retry-unreadable':
      return `The retry in ${signal.document} cannot be read, and stays where it is.`;
    case 'rows-unreadable':
      return `The ledger cannot be read: ${signal.row} is not what this release writes. What concerns the row waits.`;
    case 'retry-removal-failed':
      return `A settled retry for ${signal.destination} could not be removed.`;
    case 'activation-file-warned':
      return signal.problem;
    case 'destination-paused':
      return `${signal.destination} is paused by an operator: its changes wait.`;
    case 'destination-shadowed':
      return `${signal.destination} is in shadow by an operator: its changes wait and can be looked at.`;
    case 'controls-unreadable':
      return `The controls of operators cannot be read, so the last ones count: ${signal.reason}`;
    case 'telemetry-not-started':
      return `OpenTelemetry does not start: ${signal.reason}`;
    case 'telemetry-refused':
      return `${signal.receiver} took no metrics or spans.`;
    case 'batch-settled':
    case 'retry-settled':
    case 'destination-resumed':
    case 'retry-asked':
    case 'handler-started':
    case 'changes-accepted':
    case 'changes-shadowed':
    case 'request-answered':
    case 'lag-measured':
    case 'backlog-measured':
    case 'ledger-exported':
    case 'ledger-swept':
    case 'memberships-renewed':
      return undefined;
  }
}
