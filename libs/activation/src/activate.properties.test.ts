import type { Change } from '@activation-hub/destination-kit';
import { DestinationError } from '@activation-hub/destination-kit';
import { seededRandom } from '@activation-hub/audience-events/testing';
import { InMemoryLedger } from '@activation-hub/membership';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  eventOf,
  fansId,
  openActivation,
  personExport,
  travellersId,
  type PersonContent,
  type TestActivation,
} from '../testing/index.ts';
import type { ReceivedEvent } from './index.ts';

const file = `
version: 1
destinations:
  crm: { type: recording }
  ads: { type: recording }
audiences:
  sports-fans:
    id: ${fansId}
    consent: consents.marketing.email.val
    activate:
      - { destination: crm, identity: [crmid], identities: all, attributes: { firstname: person.name.firstName } }
      - { destination: ads, identity: [email, crmid] }
  travellers:
    id: ${travellersId}
    activate:
      - { destination: crm, identity: [crmid], attributes: { firstname: person.name.firstName } }
`;
const audiences = [
  { key: 'sports-fans', id: fansId, needsConsent: true },
  { key: 'travellers', id: travellersId, needsConsent: false },
] as const;

/**
 * One state of one person in one audience. What goes with it follows from it: attributes change
 * when the membership does.
 */
interface State {
  readonly person: number;
  readonly audience: number;
  /** Seconds after noon. */
  readonly at: number;
  readonly isExit: boolean;
}

const firstNameOf = ({ at, isExit }: State): string => `Name ${at}${isExit ? ' out' : ''}`;
const consents = ({ person, audience, at }: State): boolean => (person + audience + at) % 4 !== 0;
const rankOf = ({ at, isExit }: State): number => at * 2 + Number(isExit);

const arbitraryState: fc.Arbitrary<State> = fc.record({
  person: fc.nat({ max: 2 }),
  audience: fc.nat({ max: 1 }),
  at: fc.nat({ max: 6 }),
  isExit: fc.boolean(),
});
/**
 * For each of two partitions, batches of events; arrival has nothing to do with the order of
 * states, and states repeat.
 */
const arbitraryBatches = fc.array(fc.array(arbitraryState, { minLength: 1, maxLength: 6 }), { maxLength: 8 });

function exportOf(
  state: State,
  identities: PersonContent['identities'] = {
    crmid: [`p${state.person}`],
    email: [`p${state.person}@example.com`],
  },
): ReturnType<typeof personExport> {
  return personExport({
    audienceId: audiences[state.audience]?.id ?? '',
    at: state.at,
    status: state.isExit ? 'exited' : 'realized',
    firstName: firstNameOf(state),
    consent: consents(state) ? 'y' : 'n',
    identities,
  });
}

function eventsOf(batches: readonly (readonly State[])[], partitionId: string): readonly (readonly ReceivedEvent[])[] {
  let sequenceNumber = 0;
  return batches.map((batch) => batch.map((state) => eventOf(exportOf(state), (sequenceNumber += 1), { partitionId })));
}

/** Who is in a destination, when AEP's newest state is all that counts. */
function newestMembers(
  states: readonly State[],
  destination: 'crm' | 'ads',
): ReadonlyMap<string, Change['attributes']> {
  const newest = new Map<string, State>();
  for (const state of states) {
    const key = `${state.person} ${state.audience}`;
    const other = newest.get(key);
    if (other === undefined || rankOf(state) >= rankOf(other)) newest.set(key, state);
  }
  const members = new Map<string, Change['attributes']>();
  for (const state of newest.values()) {
    const audience = audiences[state.audience];
    if (audience === undefined || state.isExit || (audience.needsConsent && !consents(state))) continue;
    if (destination === 'crm') members.set(`${audience.key} p${state.person}`, { firstname: firstNameOf(state) });
    else if (audience.key === 'sports-fans') members.set(`${audience.key} p${state.person}@example.com`, {});
  }
  return members;
}

function membersOf({ members }: TestActivation['crm']): ReadonlyMap<string, Change['attributes']> {
  return new Map([...members].map(([key, { attributes }]) => [key, attributes]));
}

function expectNothingOlderAfterNewer(told: readonly Change[]): void {
  for (const ofKey of Map.groupBy(told, ({ audience, identity }) => `${audience.key} ${identity.value}`).values()) {
    const times = ofKey.map(({ qualifiedAt }) => qualifiedAt);
    expect(times).toEqual(times.toSorted());
  }
}

/**
 * Gives every worker its next batch at once, and then lets time pass until nothing waits in the
 * retry queue.
 */
async function work(
  workers: readonly { worker: TestActivation; batches: readonly (readonly ReceivedEvent[])[] }[],
): Promise<void> {
  const rounds = Math.max(...workers.map(({ batches }) => batches.length));
  for (let round = 0; round < rounds; round += 1) {
    await Promise.all(workers.map(({ worker, batches }) => worker.activate(...(batches[round] ?? []))));
    await Promise.all(workers.map(({ worker }) => worker.retryDue()));
  }
  for (let round = 0; ; round += 1) {
    // While a row waits for its own retry, up to an hour, other exports of the person come again
    // every half a minute.
    if (round > 10_000) throw new Error('The workers do not come to an end.');
    const nextDueAtMs = workers[0]?.worker.retryQueue.nextDueAtMs;
    if (nextDueAtMs === undefined) return;
    for (const { worker } of workers) worker.clock.nowMs = Math.max(worker.clock.nowMs, nextDueAtMs);
    await Promise.all(workers.map(({ worker }) => worker.retryDue()));
  }
}

test('each destination ends with the newest state, and never hears an older one after a newer, whatever the order, the batches, the duplicates and the failures', async () => {
  await fc.assert(
    fc.asyncProperty(
      arbitraryBatches,
      arbitraryBatches,
      fc.constantFrom(0, 0.3, 0.6),
      fc.nat(),
      async (left, right, failures, seed) => {
        const first = openActivation({ file, ledger: new InMemoryLedger() });
        const second = openActivation({
          file,
          ledger: first.context.ledger,
          destinations: first,
          retryQueue: first.retryQueue,
        });
        const random = seededRandom(seed);
        for (const destination of [first.crm, first.ads]) failAtRandom(destination, failures, random);
        await work([
          { worker: first, batches: eventsOf(left, '0') },
          { worker: second, batches: eventsOf(right, '1') },
        ]);
        const states = [...left, ...right].flat();
        for (const destination of ['crm', 'ads'] as const) {
          expect(membersOf(first[destination])).toEqual(newestMembers(states, destination));
          expectNothingOlderAfterNewer(first[destination].told);
        }
      },
    ),
    { numRuns: 150 },
  );
});

/**
 * Some requests are not taken, some are taken and fail all the same, with an answer or without;
 * some rows alone fail.
 */
function failAtRandom(destination: TestActivation['crm'], share: number, random: () => number): void {
  destination.onRequest = (changes) => {
    if (random() >= share) return;
    if (random() < 0.4) throw new DestinationError('transient', 'Not reached.');
    for (const change of changes) if (random() < 0.5) destination.take(change);
    throw new DestinationError('transient', 'In doubt.', { doubt: random() < 0.5 ? 'answered' : 'unanswered' });
  };
  destination.answer = ({ id }) =>
    random() < share / 2 ? { id, status: 'retry', reason: 'locked' } : { id, status: 'delivered' };
}

test('the check for older states after newer ones can fail', () => {
  const change = (qualifiedAt: string) => ({ audience: { key: 'a' }, identity: { value: 'p' }, qualifiedAt }) as Change;
  expect(() => expectNothingOlderAfterNewer([change('2026-01-02'), change('2026-01-01')])).toThrow();
});

test('every change ends in exactly one outcome', async () => {
  const arbitraryIdentities = fc.record(
    {
      crmid: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 }),
      email: fc.uniqueArray(fc.constantFrom('a@example.com', 'b@example.com'), { maxLength: 2 }),
    },
    { requiredKeys: [] },
  );
  const arbitraryEvent = fc.array(fc.record({ state: arbitraryState, identities: arbitraryIdentities }), {
    minLength: 1,
    maxLength: 3,
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(arbitraryEvent, { maxLength: 5 }), { maxLength: 5 }),
      fc.nat(),
      async (batches, seed) => {
        const opened = openActivation({ file });
        const random = seededRandom(seed);
        opened.crm.answer = ({ id }) =>
          random() < 0.3 ? { id, status: 'rejected', reason: 'no' } : { id, status: 'delivered' };
        const expected = { crm: 0, ads: 0 };
        for (const [number, batch] of batches.entries()) {
          const events = batch.map((exports, index) =>
            eventOf(
              exports.map(({ state, identities: { crmid = [], email = [] } }) => {
                const isFan = audiences[state.audience]?.key === 'sports-fans';
                expected.crm += isFan ? Math.max(crmid.length, 1) : 1;
                expected.ads += isFan ? 1 : 0;
                return exportOf(state, { crmid, email });
              }),
              number * 10 + index,
            ),
          );
          await opened.activate(...events);
        }
        const counted = Object.values(opened.outcomes()).reduce((sum, count) => sum + count, 0);
        // Former identities are taken out besides what the events say.
        expect(counted - opened.counter('former-identities')).toBe(expected.crm + expected.ads);
      },
    ),
    { numRuns: 200 },
  );
});
