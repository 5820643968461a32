import { DestinationError, type Connector, type Delivery, type Verdict } from '@activation-hub/destination-kit';
import { silentTelemetry } from '@activation-hub/telemetry';
import { expect, test } from 'vitest';
import { exampleDelivery, VirtualClock } from '../testing/index.ts';
import { createTarget, deliver } from './deliver.ts';
import type { DeliveryResult } from './delivery-result.ts';

/**
 * A vendor that accepts what it is told, each request under a receipt of its own, and judges it
 * when it is asked.
 */
class LateVendor {
  readonly calls: string[] = [];
  #requests = 0;
  /** What it says when it is asked; by default it has taken everything. */
  judge: (deliveries: readonly Delivery[]) => Promise<readonly Verdict[]> = (deliveries) =>
    Promise.resolve(deliveries.map(({ change: { id } }) => ({ id, status: 'delivered' })));

  get connector(): Connector {
    const accept: Connector['enter'] = (deliveries) => {
      this.#requests += 1;
      const receipt = `request-${this.#requests}`;
      this.calls.push(`tell ${idsOf(deliveries)}`);
      return Promise.resolve(
        deliveries.map(({ change: { id } }) => ({ id, status: 'accepted', receipt, askAtMs: 1_800_000 })),
      );
    };
    const poll: Connector['poll'] = (receipt, deliveries) => {
      this.calls.push(`ask ${receipt} ${idsOf(deliveries)}`);
      return this.judge(deliveries);
    };
    return { enter: accept, update: accept, exit: accept, poll };
  }
}

const idsOf = (deliveries: readonly Delivery[]) =>
  deliveries.map(({ change }) => change.id.replace('change-', '')).join();
const deliveriesOf = (count: number) => Array.from({ length: count }, (_, n) => exampleDelivery(n));

function start(connector: Connector, waitMaxMs = 0) {
  const clock = new VirtualClock(0);
  const limits = { batchCount: 2, batchBytes: 100_000, requestsPerSecond: 1_000, concurrency: 1 };
  const of = { key: 'ads', connector, limits, batchBy: 'destination', giveUpAfterMs: 86_400_000 } as const;
  const target = createTarget(of, clock);
  const options = { telemetry: silentTelemetry, clock, waitMaxMs, signal: new AbortController().signal };
  const run = (deliveries: readonly Delivery[], receipts?: ReadonlyMap<string, string>) =>
    deliver(target, deliveries, { ...options, ...(receipts === undefined ? {} : { receipts }) });
  return { clock, run };
}

const receiptsIn = (results: ReadonlyMap<string, DeliveryResult>): ReadonlyMap<string, string> =>
  new Map([...results].flatMap(([id, result]) => ('receipt' in result ? [[id, result.receipt]] : [])));
const statuses = (results: ReadonlyMap<string, DeliveryResult>) =>
  Object.fromEntries([...results].map(([id, { status }]) => [id, status]));
const none: ReadonlyMap<string, string> = new Map();

test('what is accepted waits with its receipt, and is asked for and not told again', async () => {
  const vendor = new LateVendor();
  const { run } = start(vendor.connector);
  const told = await run(deliveriesOf(3), none);
  expect(told.get('change-0')).toEqual({
    status: 'retry',
    class: 'accepted',
    reason: 'the destination has it, and reports the result later',
    wasTried: true,
    notBeforeMs: 1_800_000,
    doubt: 'answered',
    receipt: 'request-1',
  });
  const asked = await run([...deliveriesOf(3), exampleDelivery(7)], receiptsIn(told));
  expect(statuses(asked)).toMatchObject({ 'change-0': 'delivered', 'change-1': 'delivered', 'change-2': 'delivered' });
  expect(vendor.calls).toEqual(['tell 0,1', 'tell 2', 'ask request-1 0,1', 'ask request-2 2', 'tell 7']);
  expect(receiptsIn(asked)).toEqual(new Map([['change-7', 'request-3']]));
});

test('what is asked for shares no request with what is told', async () => {
  const vendor = new LateVendor();
  const { run } = start(vendor.connector);
  const receipts = new Map([
    ['change-0', 'request-9'],
    ['change-2', 'request-9'],
  ]);
  await run(deliveriesOf(3), receipts);
  expect(vendor.calls).toEqual(['ask request-9 0,2', 'tell 1']);
});

test('what is accepted counts as delivered where no retry polls later', async () => {
  const { run } = start(new LateVendor().connector);
  expect(statuses(await run(deliveriesOf(1)))).toEqual({ 'change-0': 'delivered' });
});

test('a connector that cannot be asked is told again', async () => {
  const told: string[] = [];
  const enter: Connector['enter'] = (deliveries) => {
    told.push(idsOf(deliveries));
    return Promise.resolve(deliveries.map(({ change: { id } }) => ({ id, status: 'delivered' })));
  };
  const { run } = start({ enter, update: enter, exit: enter });
  expect(statuses(await run(deliveriesOf(1), new Map([['change-0', 'request-1']])))).toEqual({
    'change-0': 'delivered',
  });
  expect(told).toEqual(['0']);
});

test('a receipt outlives a vendor that cannot be asked, also one that is given a rest', async () => {
  const vendor = new LateVendor();
  vendor.judge = () => Promise.reject(new DestinationError('transient', 'No answer.', { doubt: 'unanswered' }));
  const { run } = start(vendor.connector);
  const receipts = new Map([['change-0', 'request-9']]);
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const results = await run(deliveriesOf(1), receipts);
    expect(results.get('change-0')).toMatchObject({ status: 'retry', receipt: 'request-9', doubt: 'answered' });
  }
  expect(vendor.calls).toEqual(Array.from({ length: 3 }, () => 'ask request-9 0'));
});

test('an answer that is missed is asked for again at once, and what is to be told anew is told', async () => {
  const vendor = new LateVendor();
  const answers = [
    () => Promise.reject(new DestinationError('transient', 'No answer.')),
    (deliveries: readonly Delivery[]) =>
      Promise.resolve(deliveries.map(({ change: { id } }) => ({ id, status: 'retry', reason: 'lost' }) as const)),
  ];
  vendor.judge = (deliveries) => answers.shift()?.(deliveries) ?? Promise.resolve([]);
  const { clock, run } = start(vendor.connector, 60_000);
  const running = run(deliveriesOf(2), new Map(deliveriesOf(2).map(({ change }) => [change.id, 'request-9'])));
  await clock.advance(60_000);
  const results = await running;
  expect(vendor.calls).toEqual(['ask request-9 0,1', 'ask request-9 0,1', 'tell 0,1']);
  expect([...receiptsIn(results).values()]).toEqual(['request-1', 'request-1']);
});

test('a batch of which some were refused is told anew in halves, until the one at fault is alone', async () => {
  const vendor = new LateVendor();
  vendor.judge = (deliveries) =>
    deliveries.some(({ change }) => change.id === 'change-1')
      ? Promise.reject(new DestinationError('invalid', 'Some are refused.'))
      : Promise.resolve(deliveries.map(({ change: { id } }) => ({ id, status: 'delivered' })));
  const { run } = start(vendor.connector);
  const told = await run(deliveriesOf(2), none);
  const halves = await run(deliveriesOf(2), receiptsIn(told));
  const ended = await run(deliveriesOf(2), receiptsIn(halves));
  expect(vendor.calls).toEqual([
    'tell 0,1',
    'ask request-1 0,1',
    'tell 0',
    'tell 1',
    'ask request-2 0',
    'ask request-3 1',
  ]);
  expect(Object.fromEntries(ended)).toStrictEqual({
    'change-0': { status: 'delivered' },
    'change-1': { status: 'rejected', class: 'invalid', reason: 'Some are refused.' },
  });
});

test('an answer without a verdict about a change is no success, and leads to its being told anew', async () => {
  const vendor = new LateVendor();
  vendor.judge = () => Promise.resolve([]);
  const { run } = start(vendor.connector);
  const results = await run(deliveriesOf(1), new Map([['change-0', 'request-9']]));
  expect(results.get('change-0')).toMatchObject({ status: 'retry', class: 'fatal', doubt: 'answered' });
  expect(receiptsIn(results)).toEqual(none);
});
