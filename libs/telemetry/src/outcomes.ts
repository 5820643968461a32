/**
 * The one word in which a change ends; `deferred` on the way there. The last two are dead letters,
 * as an `unreadable` event is.
 */
export const outcomes = [
  'delivered',
  'unchanged',
  'superseded',
  'withheld',
  'unresolved',
  'shadowed',
  'paused',
  'retired',
  'not-found',
  'deferred',
  'rejected',
  'given-up',
] as const;
export type Outcome = (typeof outcomes)[number];

/**
 * How many changes of one destination ended in each outcome; outcomes that did not occur are
 * absent.
 */
export type OutcomesByDestination = Readonly<Record<string, Readonly<Partial<Record<Outcome, number>>>>>;
