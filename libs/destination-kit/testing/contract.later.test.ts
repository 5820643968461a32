import { expect, test } from 'vitest';
import { z } from 'zod';
import { type Connector, defineDestination, type Delivery, DestinationError, type Verdict } from '../src/index.ts';
import { destinationContract } from './index.ts';

/** A connector of a vendor that answers later; it sends no requests. */
const later = (poll?: Connector['poll']) => {
  const accept = (deliveries: readonly Delivery[]): Promise<Verdict[]> =>
    Promise.resolve(
      deliveries.map(({ change: { id } }) => ({ id, status: 'accepted', receipt: 'request-1', askAtMs: 0 })),
    );
  return defineDestination({
    type: 'later',
    title: 'Later',
    description: 'A vendor that answers later.',
    settings: z.strictObject({}),
    options: z.strictObject({}),
    limits: () => ({ batchCount: 5, batchBytes: 1_000, requestsPerSecond: 1, concurrency: 1 }),
    batchBy: 'route',
    connect: () => ({ enter: accept, update: accept, exit: accept, ...(poll === undefined ? {} : { poll }) }),
  });
};

const entered = async (poll?: Connector['poll']): Promise<void> => {
  const cases = destinationContract({ definition: later(poll), settings: () => ({}), options: {} });
  await cases.find(({ name }) => name === 'enter')?.run();
};

const accepted = (receipt: string) => (deliveries: readonly Delivery[]) =>
  deliveries.map(({ change: { id } }): Verdict => ({ id, status: 'accepted', receipt, askAtMs: 0 }));
const delivered = (deliveries: readonly Delivery[]) =>
  deliveries.map(({ change: { id } }): Verdict => ({ id, status: 'delivered' }));

test('what is accepted is asked for until it is delivered', async () => {
  const asked: string[] = [];
  await entered((receipt, deliveries) => {
    asked.push(`${receipt} ${deliveries.length}`);
    return Promise.resolve(asked.length < 3 ? accepted('request-1')(deliveries) : delivered(deliveries));
  });
  expect(asked).toEqual(['request-1 3', 'request-1 3', 'request-1 3']);
});

test.each<[string, string, Connector['poll']]>([
  ['accepts and cannot be asked', 'there is a poll', undefined],
  [
    'leaves out a row when it is asked',
    'every change of the batch has a verdict',
    (_receipt, deliveries) => Promise.resolve(delivered(deliveries.slice(1))),
  ],
  [
    'gives a receipt that is not plain',
    'a receipt is short and plain',
    (_receipt, deliveries) => Promise.resolve(accepted('two words')(deliveries)),
  ],
  [
    'gives a person as the receipt',
    'holds "person-1@example.com"',
    (receipt, deliveries) => {
      const person = deliveries[0]?.change.identity.value ?? '';
      return Promise.resolve(receipt === person ? delivered(deliveries) : accepted(person)(deliveries));
    },
  ],
  [
    'never knows',
    'Expected values to be strictly equal',
    (_receipt, deliveries) => Promise.resolve(accepted('request-1')(deliveries)),
  ],
  [
    'fails when it is asked',
    'a healthy vendor takes the batch',
    () => Promise.reject(new DestinationError('transient', 'Failed to ask: no answer. Try again.')),
  ],
])('a connector that %s does not pass', async (_what, why, poll) => {
  await expect(entered(poll)).rejects.toThrow(why);
});
