import type { Route } from '@activation-hub/activation-file';
import { isInDoubt, isLive, type LedgerRecord, type Transition } from '@activation-hub/membership';
import type { StoryState } from './person-story.ts';

/** Where a row stands, in a word and in a sentence without times. */
export interface Standing {
  readonly state: StoryState;
  readonly says: string;
}

/**
 * What a row says of the person (docs/specs/ledger.md, section 2), with what is known of its retry.
 */
export function standingOf(
  record: LedgerRecord,
  of: {
    readonly mode: Route['mode'] | 'gone';
    readonly isShadow: boolean;
    readonly hasRetry: boolean;
    readonly nowMs: number;
  },
  last: Transition | undefined,
): Standing {
  const { rowState, known } = record;
  if (of.isShadow)
    return { state: 'shadowed', says: 'The route was in shadow mode: decided and recorded, and not sent.' };
  const why = whyWords(last);
  switch (rowState.is) {
    case 'delivered':
      if (isInDoubt(record)) return perhapsTold;
      return known.isMember
        ? { state: 'told', says: 'The destination has the person.' }
        : outStanding(record, of.mode, last);
    case 'noted':
      return neverStanding(record, of.mode, last);
    case 'leased':
      return isLive(rowState, of.nowMs)
        ? { state: 'being-told', says: 'A process is telling the destination.' }
        : perhapsTold;
    case 'deferred':
      return of.hasRetry
        ? { state: 'waiting', says: `Not taken yet; a retry tells it${why}.` }
        : { state: 'waiting-for-nothing', says: `Not taken yet, and no retry of it is in the queue${why}.` };
    case 'paused':
      return { state: 'paused', says: 'Not told, because the route was paused.' };
    case 'rejected':
      return { state: 'rejected', says: `The destination rejected it${why}.` };
    case 'not-found':
      return { state: 'not-found', says: `The destination does not know the person${why}.` };
    case 'given-up':
      return { state: 'given-up', says: `Given up${why}.` };
  }
}

const perhapsTold: Standing = {
  state: 'perhaps-told',
  says: 'The destination was perhaps told: no certain answer came.',
};

type Account = Pick<Transition, 'because'> | undefined;

/** A person whom the destination was told to take out. */
function outStanding({ known: { status } }: LedgerRecord, mode: Route['mode'] | 'gone', last: Account): Standing {
  const left = 'The destination was told that the person left';
  if (last?.because === 'former-identity')
    return { state: 'told', says: `${left} under this identity: the route knows the person by another one.` };
  if (last?.because === 'erasure') return { state: 'told', says: `${left}, because the person was to be erased.` };
  if (status === 'exited') return { state: 'told', says: `${left}.` };
  if (mode === 'retired' || last?.because === 'retirement')
    return { state: 'retired', says: `${left}, because the route is retired.` };
  return { state: 'withheld', says: `${left}, although AEP says member: consent does not say yes.` };
}

/** A person of whom the destination was never told. */
function neverStanding({ known: { status } }: LedgerRecord, mode: Route['mode'] | 'gone', last: Account): Standing {
  if (last?.because === 'former-identity')
    return {
      state: 'nothing-to-tell',
      says: 'Never told under this identity: the route knows the person by another one.',
    };
  if (status === 'exited')
    return {
      state: 'nothing-to-tell',
      says: 'Nothing to tell: the destination never knew the person, who is no member.',
    };
  return mode === 'retired'
    ? { state: 'retired', says: 'Never told, because the route is retired.' }
    : { state: 'withheld', says: 'Never told: the consent attribute does not say yes.' };
}

/** A route of which the person has no row. */
export function unknownStanding(
  { mode, identityNamespaces }: Pick<Route, 'mode' | 'identityNamespaces'>,
  namespaces: ReadonlySet<string>,
): Standing {
  const accepted = identityNamespaces.join(' or ');
  if (!identityNamespaces.some((namespace) => namespaces.has(namespace)))
    return {
      state: 'unknown',
      says: `No identity that this route accepts was given or is linked: ask by ${accepted} too.`,
    };
  if (mode === 'paused' || mode === 'live')
    return {
      state: 'unknown',
      says: 'No export with this audience and identity has been decided, or its row was swept.',
    };
  return { state: 'unknown', says: `No row: the route is ${mode === 'shadow' ? 'in shadow mode' : 'retired'}.` };
}

/** A route without a row of the person, where the destination has one that cannot be read. */
export const unreadStanding: Standing = {
  state: 'unknown',
  says: 'A row of the person at this destination cannot be read, so that nothing can be said of the route.',
};

const accountWords: Readonly<Record<Transition['because'], string>> = {
  export: '',
  retry: ' by a retry',
  replay: ' by a replay of dead letters',
  resync: ' by a resync',
  renewal: ' again, before the membership lapses',
  fill: ' to fill the route',
  repair: ' again, because another process wrote the row meanwhile',
  retirement: ' because the route is retired',
  erasure: ' because the person was to be erased',
  'former-identity': ' because the identity is the person’s no more',
};

const kindWords = { entered: 'the person entered', updated: 'attributes changed', exited: 'the person left' } as const;

const outcomeWords = {
  delivered: 'the destination took it',
  rejected: 'the destination rejected it',
  'not-found': 'the destination does not know the person',
  deferred: 'not taken, to be tried again',
  'given-up': 'not taken, and given up',
} as const;

/** What happened, in a sentence without times. */
export function transitionWords(transition: Transition, isShadow: boolean): string {
  const { did, because, outcome, inDoubt, times, isWithheld } = transition;
  const why = whyWords(transition);
  const account = accountWords[because];
  const count = times === 1 ? '' : ` (${times} times)`;
  switch (did) {
    case 'entered':
    case 'updated':
    case 'exited': {
      if (isShadow) return `Would have told that ${kindWords[did]}${account}; the route was in shadow mode.`;
      const withheld = did === 'exited' && isWithheld && (because === 'export' || because === 'retry');
      const told = `Told that ${kindWords[did]}${account}${withheld ? ', because consent does not say yes' : ''}`;
      if (outcome === undefined) return `${told}: no answer is known.`;
      return `${told}: ${outcomeWords[outcome]}${inDoubt ? ', or perhaps taken' : ''}${why}${count}.`;
    }
    case 'delivered':
      return `Nothing to tell${account}: the destination has this state already${count}.`;
    case 'noted':
      if (because === 'former-identity') return `Not told: the route knows the person by another identity${count}.`;
      return isWithheld
        ? `Not told${account}: consent does not say yes, and the destination never knew the person${count}.`
        : `Nothing to tell${account}: the destination never knew the person${count}.`;
    case 'paused':
      return `Not told${account}: the route is paused${count}.`;
    case 'deferred':
      return `Not sent${account}, to be tried by a retry${why}${count}.`;
    case 'given-up':
      return `Given up without another attempt${why}${count}.`;
    case 'overtaken':
      return `A newer state came${account} while a process was telling the destination, which tells it then${count}.`;
  }
}

/** ` (throttled: 429 Too Many Requests)`; empty when there is no reason. */
function whyWords(why: Pick<Transition, 'class' | 'reason'> | undefined): string {
  const words = [why?.class, why?.reason].filter((word) => word !== undefined).join(': ');
  return words === '' ? '' : ` (${words})`;
}
