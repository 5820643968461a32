import { DestinationError } from '@activation-hub/destination-kit';
import { expect, test } from 'vitest';
import { exampleDelivery } from '../testing/index.ts';
import { begun, changes, delivered, staged, take, type Answer } from '../testing/staged-destination.ts';
import { pausedClass } from './deliver.ts';
import type { DeliveryResult } from './delivery-result.ts';
import type { HeldBack } from './target.ts';

const heldBack: HeldBack = { class: pausedClass, reason: 'an operator has paused the route', notBeforeMs: 7_000 };
const untried: DeliveryResult = { status: 'retry', ...heldBack, wasTried: false };

/** Holds the changes back whose numbers it has been given. */
function holder() {
  const held = new Set<string>();
  return {
    hold: (...numbers: readonly number[]) => numbers.forEach((n) => held.add(`change-${n}`)),
    heldBack: ({ change }: (typeof every)[number]) => (held.has(change.id) ? heldBack : undefined),
  };
}

const every = changes(0, 1, 2, 3);

test('what is held back is not sent, and fills no batch', async () => {
  const { clock, tell, requests } = staged(take, {
    limits: { batchCount: 2, batchBytes: 100_000, requestsPerSecond: 1_000, concurrency: 1 },
  });
  const { hold, heldBack: of } = holder();
  hold(1);
  const call = tell(every.slice(0, 3), { heldBack: of });
  await clock.advance(1_000);
  expect(await call).toEqual(new Map([...delivered(0, 2), ['change-1', untried]]));
  expect(requests.map(({ ids }) => ids)).toEqual([['change-0', 'change-2']]);
});

test('what is held back while its batch waits for the pace is not sent, and the others of the batch go in its place', async () => {
  const { clock, tell, requests } = staged();
  const { hold, heldBack: of } = holder();
  const first = await begun(tell(changes(0)), clock);
  const call = tell(changes(1, 2, 3), { heldBack: of });
  await clock.advance(500);
  hold(1, 3);
  await clock.advance(10_000);
  await first();
  expect(await call).toEqual(new Map([...delivered(2), ['change-1', untried], ['change-3', untried]]));
  expect(requests).toEqual([
    { atMs: 0, ids: ['change-0'] },
    { atMs: 1_000, ids: ['change-2'] },
  ]);
});

test('a batch that is held back as a whole takes no place of the pace', async () => {
  const { clock, tell, requests } = staged();
  const { hold, heldBack: of } = holder();
  const first = await begun(tell(changes(0)), clock);
  const call = tell(changes(1), { heldBack: of });
  const other = tell([exampleDelivery(2, { kind: 'exited' })]);
  hold(1);
  await clock.advance(10_000);
  await first();
  expect(await call).toEqual(new Map([['change-1', untried]]));
  expect(await other).toEqual(delivered(2));
  expect(requests.map(({ atMs }) => atMs)).toEqual([0, 1_000]);
});

test('the request of another call takes nothing along that is held back by now', async () => {
  const { clock, tell, requests } = staged();
  const { hold, heldBack: of } = holder();
  const first = await begun(tell(changes(0)), clock);
  const calls = [tell(changes(1)), tell(changes(2, 3), { heldBack: of })];
  await clock.advance(500);
  hold(2);
  await clock.advance(10_000);
  await first();
  expect(await Promise.all(calls)).toEqual([delivered(1), new Map([...delivered(3), ['change-2', untried]])]);
  expect(requests.map(({ ids }) => ids)).toEqual([['change-0'], ['change-1'], ['change-3']]);
});

test('what is held back before its next attempt is not sent again, and the doubt of the first stays', async () => {
  const { hold, heldBack: of } = holder();
  const fail: Answer = (deliveries) => {
    hold(...deliveries.map(({ change }) => Number(change.id.slice('change-'.length))));
    return Promise.reject(new DestinationError('transient', 'It is down.', { doubt: 'answered' }));
  };
  const { clock, tell, requests } = staged(fail);
  const call = tell(changes(0), { heldBack: of });
  await clock.advance(60_000);
  expect(await call).toEqual(new Map([['change-0', { ...untried, wasTried: true, doubt: 'answered' }]]));
  expect(requests).toHaveLength(1);
});

test('the rest of a batch is held back although a probe of it went through', async () => {
  const { hold, heldBack: of } = holder();
  const { clock, tell, requests, target } = staged((deliveries, signal) => {
    hold(1, 2);
    return take(deliveries, signal);
  });
  for (let failures = 0; failures < 3; failures += 1) target.breaker.fail(clock.now(), 'It is down.');
  await clock.advance(5_000);
  const call = tell(changes(0, 1, 2), { heldBack: of });
  await clock.advance(60_000);
  expect(await call).toEqual(new Map([...delivered(0), ['change-1', untried], ['change-2', untried]]));
  expect(requests.map(({ ids }) => ids)).toEqual([['change-0']]);
});

test('a probe that is held back while it waits leaves the probe to the next request', async () => {
  const { hold, heldBack: of } = holder();
  const { clock, tell, requests, target } = staged();
  const first = await begun(tell(changes(3)), clock);
  for (let failures = 0; failures < 3; failures += 1) target.breaker.fail(clock.now() - 5_000, 'It is down.');
  const call = tell(changes(0), { heldBack: of });
  hold(0);
  await clock.advance(2_000);
  await first();
  expect(await call).toEqual(new Map([['change-0', untried]]));
  const next = tell(changes(1));
  await clock.advance(2_000);
  expect(await next).toEqual(delivered(1));
  expect(requests.map(({ ids }) => ids)).toEqual([['change-3'], ['change-1']]);
});

test('a verdict is asked for of what is held back, for the destination has it already', async () => {
  const polled: string[] = [];
  const { hold, heldBack: of } = holder();
  hold(0, 1);
  const { clock, tell, requests } = staged(take, {
    connector: {
      enter: () => expect.unreachable(),
      update: () => expect.unreachable(),
      exit: () => expect.unreachable(),
      poll: (receipt, deliveries, signal) => {
        polled.push(receipt);
        return take(deliveries, signal);
      },
    },
  });
  const call = tell(changes(0, 1), { heldBack: of, receipts: new Map([['change-0', 'job-7']]) });
  await clock.advance(10_000);
  expect(await call).toEqual(new Map([...delivered(0), ['change-1', untried]]));
  expect([polled, requests]).toEqual([['job-7'], []]);
});
