import type { ObservedChange } from '@activation-hub/activation';
import type { Outcome } from '@activation-hub/telemetry';

/** What an outcome means when there is no reason of its own. */
const meanings: Readonly<Record<Outcome, string>> = {
  delivered: 'The destination took it.',
  unchanged: 'The destination knows this already.',
  superseded: 'Something newer is known.',
  withheld: 'Consent does not say yes.',
  unresolved: 'The profile has no identity that the route accepts.',
  shadowed: 'The route has mode: shadow. It is decided and recorded, not sent.',
  paused: 'The route is paused.',
  retired: 'The route is retired.',
  'not-found': 'The destination does not know the person.',
  deferred: 'It waits for another attempt.',
  rejected: 'The destination refuses this row.',
  'given-up': 'It was tried for long enough.',
};

const told = {
  entered: 'Told that the person entered.',
  updated: 'Told that attributes changed.',
  exited: 'Told that the person left.',
};

/** Why a change ended as it did, in a sentence. */
export function whyOf({ outcome, reason, kind, status }: ObservedChange): string {
  if (reason !== undefined && reason !== '') return sentence(reason);
  if (outcome === 'delivered' && kind !== undefined) return told[kind];
  if (outcome === 'unchanged' && status === 'exited') return 'The destination has nothing to take back.';
  return meanings[outcome];
}

function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}
