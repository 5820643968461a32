import { DestinationError } from '@activation-hub/destination-kit';
import type { LedgerRecord } from '@activation-hub/membership';
import { expect, test } from 'vitest';
import { DisturbedLedger, eventOf, fansId, fansKey, openActivation, personExport } from '../testing/index.ts';

const { signal } = new AbortController();
const routes = {
  'follows nothing': 'identity: [crmid, email]',
  'follows the person': 'identity: [crmid, email], follow: ecid',
  'takes all identities': 'identity: [crmid, email], identities: all, follow: ecid',
} as const;

/**
 * Exports of one person within one qualification, given one after the other, of whom the
 * destination does not take some identities at first.
 */
function open(route: keyof typeof routes, { isRestarted }: { readonly isRestarted: boolean }) {
  const ledger = new DisturbedLedger();
  const file = `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, ${routes[route]} }] }
`;
  const first = openActivation({ ledger, file });
  const { crm, retryQueue, retryDue, clock } = first;
  let sequenceNumber = 0;
  const giveTogether = async (...exports: readonly Identities[]): Promise<void> => {
    const values = (text: string) => (text === '' ? [] : text.split(' '));
    const events = exports.map(([crmid, email = '']) => {
      const identities = { ecid: ['e'], crmid: values(crmid), email: values(email) };
      return eventOf(personExport({ identities }), (sequenceNumber += 1));
    });
    const worker = isRestarted ? openActivation({ ledger, file, destinations: first, retryQueue }) : first;
    await worker.activate(...events);
  };
  const give = (...identities: Identities): Promise<void> => giveTogether(identities);
  const outage = (...values: readonly string[]): void => {
    crm.onRequest = (changes) => {
      if (changes.some(({ identity }) => values.includes(identity.value)))
        throw new DestinationError('transient', 'Not reached.');
    };
  };
  const recover = async (): Promise<void> => {
    outage();
    for (let n = 0; n < 20 && retryQueue.nextDueAtMs !== undefined; n += 1) {
      clock.nowMs = Math.max(clock.nowMs, retryQueue.nextDueAtMs);
      await retryDue();
    }
    expect(retryQueue.nextDueAtMs).toBeUndefined();
  };
  const members = (): readonly string[] =>
    [...crm.members.keys()].map((key) => key.replace('sports-fans ', '')).toSorted();
  const rowOf = async (namespace: string, value: string): Promise<LedgerRecord | undefined> =>
    (await ledger.read([{ ...fansKey(), identity: { namespace, value } }], signal))[0]?.record;
  return { ...first, ledger, give, giveTogether, outage, recover, members, rowOf };
}

type Identities = readonly [crmid: string, email?: string];

test.each<[keyof typeof routes, string, readonly Identities[], readonly string[]]>([
  [
    'follows nothing',
    'c',
    [
      ['c', 'p'],
      ['', 'p'],
      ['c', 'p'],
    ],
    ['c'],
  ],
  [
    'follows nothing',
    'c p',
    [
      ['c', 'p'],
      ['', 'p'],
      ['c', 'p'],
    ],
    ['c'],
  ],
  [
    'follows nothing',
    'c',
    [
      ['', 'p'],
      ['c', 'p'],
      ['', 'p'],
    ],
    ['c', 'p'],
  ],
  ['follows the person', 'c', [['c'], ['', 'p'], ['c']], ['c']],
  ['follows the person', 'c', [['', 'p'], ['c'], ['', 'p']], ['p']],
  [
    'follows the person',
    'c',
    [
      ['', 'p'],
      ['c', 'p'],
      ['', 'p'],
    ],
    ['p'],
  ],
  ['follows the person', 'c d', [['c'], ['d'], ['c'], ['d']], ['d']],
  ['follows the person', 'c', [['c'], [''], ['c']], ['c']],
  ['takes all identities', 'd', [['c'], ['c d'], ['c']], ['c']],
  ['takes all identities', 'c', [['c d'], ['d'], ['c d']], ['c', 'd']],
])(
  'on a route that %s, a person who comes back while %s is not taken ends under the identities of the last export: %j',
  async (route, waiting, exports, expected) => {
    for (const isRestarted of [false, true]) {
      const opened = open(route, { isRestarted });
      opened.outage(...waiting.split(' '));
      for (const identities of exports) await opened.give(...identities);
      await opened.recover();
      expect([isRestarted, opened.members()]).toEqual([isRestarted, expected]);
    }
  },
);

test.each<[keyof typeof routes, Identities, Identities, readonly string[]]>([
  ['follows nothing', ['', 'p'], ['c', 'p'], ['c', 'p']],
  ['follows the person', ['', 'p'], ['c'], ['p']],
  ['follows the person', ['d'], ['c'], ['d']],
])(
  'on a route that %s, a person who is known as %j, and comes with the next batch as %j and back, stays, while c is not taken',
  async (route, known, between, expected) => {
    const opened = open(route, { isRestarted: false });
    opened.outage('c');
    await opened.give(...known);
    await opened.giveTogether(between, known);
    await opened.recover();
    expect(opened.members()).toEqual(expected);
  },
);
