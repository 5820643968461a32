import { seededRandom } from '@activation-hub/audience-events/testing';
import { DestinationError } from '@activation-hub/destination-kit';
import { readable } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import { eventOf, fansId, openActivation, personExport } from '../testing/index.ts';

const file = `
version: 1
destinations:
  crm: { type: recording, giveUpAfter: 48h }
audiences:
  sports-fans:
    id: ${fansId}
    activate:
      - { destination: crm, identity: [crmid], attributes: { firstname: person.name.firstName } }
`;

const people = 2_000;
const changes = 20_000;
const batchSize = 100;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

interface Newest {
  readonly isExit: boolean;
  readonly firstName: string;
  readonly at: number;
}

test('after an outage of 24 hours everything is delivered, in the newest state only, in far fewer calls than changes', async () => {
  const { activate, retryDue, retryQueue, crm, clock, letters, outcomes, context } = openActivation({ file });
  const random = seededRandom(24);
  const beganMs = clock.nowMs;
  let retries = 0;
  const newest = new Map<string, Newest>();
  const passUntil = async (untilMs: number): Promise<void> => {
    for (let dueMs = retryQueue.nextDueAtMs; dueMs !== undefined && dueMs <= untilMs; dueMs = retryQueue.nextDueAtMs) {
      clock.nowMs = Math.max(clock.nowMs, dueMs);
      retries += await retryDue();
    }
    clock.nowMs = untilMs;
  };

  crm.onRequest = () => {
    throw new DestinationError('transient', 'The destination cannot be reached.');
  };
  for (let first = 0; first < changes; first += batchSize) {
    await passUntil(beganMs + (dayMs * first) / changes);
    const events = Array.from({ length: batchSize }, (_, index) => {
      const number = first + index;
      const person = `p${number < people ? number : Math.floor(random() * people)}`;
      const state = { isExit: random() < 0.3, firstName: `Name ${number}`, at: number };
      newest.set(person, state);
      const status = state.isExit ? 'exited' : 'realized';
      const content = { person, status, at: number, firstName: state.firstName } as const;
      return eventOf(personExport(content), number, { enqueuedAtMs: clock.nowMs });
    });
    await activate(...events);
  }
  await passUntil(beganMs + dayMs);
  expect(crm.told).toEqual([]);
  const requestsWhileDown = crm.requests;

  crm.onRequest = () => undefined;
  while (retryQueue.nextDueAtMs !== undefined) await passUntil(retryQueue.nextDueAtMs);

  const members = [...newest].filter(([, { isExit }]) => !isExit);
  expect(new Map([...crm.members].map(([key, { attributes }]) => [key, attributes.firstname]))).toEqual(
    new Map(members.map(([person, { firstName }]) => [`sports-fans ${person}`, firstName])),
  );
  // Each person is sent once, in the newest state.
  expect(crm.told).toHaveLength(members.length);
  expect(
    crm.told.every(({ identity, attributes }) => attributes.firstname === newest.get(identity.value)?.firstName),
  ).toBe(true);
  for await (const { record } of readable(context.ledger).rows({}, new AbortController().signal)) {
    expect(['delivered', 'noted']).toContain(record.rowState.is);
  }
  expect(letters()).toEqual([]);
  expect(outcomes()).not.toHaveProperty('crm given-up');
  expect(crm.requests).toBeLessThan(changes / 10);
  expect(requestsWhileDown).toBeLessThan(changes / 20);
  // While the circuit is open, waiting retries do not come back again and again.
  expect(retries).toBeLessThan(changes / 2);
  expect(clock.nowMs - beganMs).toBeLessThan(dayMs + 2 * hourMs);
});
