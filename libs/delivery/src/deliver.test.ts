import { DestinationError, type Connector, type Delivery, type Verdict } from '@activation-hub/destination-kit';
import { Counters, createTelemetry, silentTelemetry } from '@activation-hub/telemetry';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { exampleDelivery, VirtualClock } from '../testing/index.ts';
import { createTarget, deliver } from './deliver.ts';
import type { DeliveryResult } from './delivery-result.ts';
import type { Target } from './target.ts';

type Answer = (deliveries: readonly Delivery[], signal: AbortSignal) => Promise<readonly Verdict[]>;

const deliverAll: Answer = (deliveries) =>
  Promise.resolve(deliveries.map(({ change }) => ({ id: change.id, status: 'delivered' })));

/** A connector that answers every direction the same way. */
function answering(answer: Answer): Connector {
  return { enter: answer, update: answer, exit: answer };
}

function targetOf(connector: Connector, limits: Partial<Target['limits']> = {}, clock = new VirtualClock(0)): Target {
  return createTarget(
    {
      key: 'crm',
      connector,
      limits: { batchCount: 10, batchBytes: 100_000, requestsPerSecond: 1_000, concurrency: 2, ...limits },
      batchBy: 'destination',
      giveUpAfterMs: 86_400_000,
    },
    clock,
  );
}

function deliveriesOf(count: number): readonly Delivery[] {
  return Array.from({ length: count }, (_, n) => exampleDelivery(n));
}

interface Told {
  readonly results: ReadonlyMap<string, DeliveryResult>;
  readonly lines: readonly string[];
  readonly counters: Counters;
}

async function tell(
  target: Target,
  deliveries: readonly Delivery[],
  signal: AbortSignal = new AbortController().signal,
): Promise<Told> {
  const lines: string[] = [];
  const counters = new Counters();
  const telemetry = createTelemetry({ level: 'debug', counters, write: (_, line) => void lines.push(line) });
  const results = await deliver(target, deliveries, { telemetry, clock: new VirtualClock(0), waitMaxMs: 0, signal });
  return { results, lines, counters };
}

test('every change gets the verdict with its id, wherever that stands', async () => {
  const verdicts: Verdict[] = [
    { id: 'change-2', status: 'rejected', reason: 'no such contact' },
    { id: 'change-3', status: 'retry', reason: 'locked', notBeforeMs: 5_000, doubt: 'answered' },
    { id: 'change-1', status: 'retry', reason: 'busy' },
    { id: 'change-4', status: 'not-found', reason: 'no such person' },
    { id: 'change-0', status: 'delivered' },
  ];
  const { results, lines } = await tell(targetOf(answering(() => Promise.resolve(verdicts))), deliveriesOf(5));
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ delivered: 1, retry: 2, rejected: 1, notFound: 1 });
  expect(Object.fromEntries(results)).toStrictEqual({
    'change-0': { status: 'delivered' },
    'change-1': { status: 'retry', class: 'transient', reason: 'busy', wasTried: true },
    'change-2': { status: 'rejected', class: 'invalid', reason: 'no such contact' },
    'change-3': {
      status: 'retry',
      class: 'transient',
      reason: 'locked',
      wasTried: true,
      notBeforeMs: 5_000,
      doubt: 'answered',
    },
    'change-4': { status: 'not-found', reason: 'no such person' },
  });
});

test('each direction goes to its own method, which keeps its connector', async () => {
  class Recorder implements Connector {
    readonly told: string[] = [];
    #answer(method: string, deliveries: readonly Delivery[]): Promise<readonly Verdict[]> {
      this.told.push(...deliveries.map(({ change }) => `${method} ${change.id}`));
      return deliverAll(deliveries, AbortSignal.abort());
    }
    enter(deliveries: readonly Delivery[]): Promise<readonly Verdict[]> {
      return this.#answer('enter', deliveries);
    }
    update(deliveries: readonly Delivery[]): Promise<readonly Verdict[]> {
      return this.#answer('update', deliveries);
    }
    exit(deliveries: readonly Delivery[]): Promise<readonly Verdict[]> {
      return this.#answer('exit', deliveries);
    }
  }
  const recorder = new Recorder();
  const kinds = ['exited', 'entered', 'updated'] as const;
  await tell(
    targetOf(recorder),
    kinds.map((kind, n) => exampleDelivery(n, { kind })),
  );
  expect(recorder.told.toSorted()).toEqual(['enter change-1', 'exit change-0', 'update change-2']);
});

test('a change without a verdict is tried again, for it may have arrived', async () => {
  const forgetful = answering((deliveries, signal) => deliverAll(deliveries.slice(1), signal));
  const { results, lines } = await tell(targetOf(forgetful), deliveriesOf(2));
  expect(results.get('change-0')).toEqual({
    status: 'retry',
    class: 'fatal',
    reason: 'no verdict',
    wasTried: true,
    doubt: 'answered',
  });
  expect(results.get('change-1')).toEqual({ status: 'delivered' });
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ delivered: 1, retry: 1, rejected: 0 });
});

test('a verdict about a change that is not in the request is ignored, also when another request had it', async () => {
  const meddler = answering((deliveries) =>
    Promise.resolve([
      ...deliveries.map(({ change }) => ({ id: change.id, status: 'delivered' as const })),
      { id: 'unheard-of', status: 'delivered' },
      ...(deliveries[0]?.change.id === 'change-0'
        ? []
        : [{ id: 'change-0', status: 'rejected' as const, reason: 'none of its business' }]),
    ]),
  );
  const { results } = await tell(targetOf(meddler, { batchCount: 1, concurrency: 1 }), deliveriesOf(2));
  expect(Object.fromEntries(results)).toEqual({
    'change-0': { status: 'delivered' },
    'change-1': { status: 'delivered' },
  });
});

const strange: unknown = { name: 'ada@example.com' };

test.each([
  ['a plain error', () => Promise.reject(new Error('ada@example.com is odd'))],
  ['an object', () => Promise.reject(strange as Error)],
  ['nothing', () => Promise.reject(undefined as unknown as Error)],
  [
    'an error before its promise',
    () => {
      throw new TypeError('ada@example.com');
    },
  ],
  ['no list of verdicts', () => Promise.resolve(undefined as unknown as Verdict[])],
  ['a verdict that is none', () => Promise.resolve([null as unknown as Verdict])],
  ['a status that there is not', () => Promise.resolve([{ id: 'change-0', status: 'fine' } as unknown as Verdict])],
] as [string, Answer][])(
  'a connector that gives %s leaves doubt, and its words are not repeated',
  async (_, answer) => {
    const { results, lines } = await tell(targetOf(answering(answer)), deliveriesOf(2));
    for (const id of ['change-0', 'change-1']) {
      expect(results.get(id)).toMatchObject({
        status: 'retry',
        class: 'fatal',
        reason: 'The connector failed in a way that it does not explain.',
        doubt: 'unanswered',
      });
    }
    expect(JSON.stringify([...results, lines])).not.toContain('ada@');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ signal: 'request-failed', changes: 2, class: 'fatal' });
  },
);

test.each(['throttled', 'set-up', 'transient', 'fatal'] as const)(
  'a request that fails as %s is to be tried again, in the words and at the time of its error',
  async (errorClass) => {
    const failing = answering(() =>
      Promise.reject(new DestinationError(errorClass, 'Come back later.', { notBeforeMs: 7_000, doubt: 'answered' })),
    );
    const { results, lines } = await tell(targetOf(failing), deliveriesOf(3));
    const expected = {
      status: 'retry',
      class: errorClass,
      reason: 'Come back later.',
      wasTried: true,
      notBeforeMs: 7_000,
      doubt: 'answered',
    };
    expect([...results.values()]).toEqual([expected, expected, expected]);
    expect(lines).toHaveLength(1);
  },
);

test('a batch with a bad row gets on, however few requests the rate limiter allows', async () => {
  const refuseFirst: Answer = (deliveries) =>
    deliveries[0]?.change.id === 'change-0'
      ? Promise.reject(new DestinationError('invalid', 'One of them is wrong.'))
      : deliverAll(deliveries, new AbortController().signal);
  let chance = 0;
  // The golden ratio visits the unit interval evenly.
  const clock = new VirtualClock(0, () => (chance = (chance + 0.618_034) % 1));
  const target = targetOf(answering(refuseFirst), { batchCount: 64, requestsPerSecond: 3 }, clock);
  let open = deliveriesOf(64);
  for (let attempt = 0; attempt < 40 && open.length > 1; attempt += 1) {
    await clock.advance(60_000);
    const options = {
      telemetry: silentTelemetry,
      clock,
      waitMaxMs: 0,
      signal: new AbortController().signal,
    };
    const results = await deliver(target, open, options);
    open = open.filter(({ change }) => results.get(change.id)?.status !== 'delivered');
  }
  expect(open.map(({ change }) => change.id)).toEqual(['change-0']);
});

test('a row that is refused although a part of it may have been taken stays in doubt', async () => {
  const refuse: Answer = () =>
    Promise.reject(new DestinationError('invalid', 'A part is wrong.', { doubt: 'answered' }));
  const { results } = await tell(targetOf(answering(refuse)), deliveriesOf(1));
  expect(results.get('change-0')).toEqual({
    status: 'rejected',
    class: 'invalid',
    reason: 'A part is wrong.',
    doubt: 'answered',
  });
});

test('a failed request without time and doubt has neither', async () => {
  const failing = answering(() => Promise.reject(new DestinationError('transient', 'Not reached.')));
  const { results } = await tell(targetOf(failing), deliveriesOf(1));
  expect(results.get('change-0')).toStrictEqual({
    status: 'retry',
    class: 'transient',
    reason: 'Not reached.',
    wasTried: true,
  });
});

/** Refuses any request that holds one of the bad changes, without saying which. */
function refusing(bad: ReadonlySet<string>): { readonly connector: Connector; readonly sizes: number[] } {
  const sizes: number[] = [];
  const connector = answering((deliveries, signal) => {
    sizes.push(deliveries.length);
    return deliveries.some(({ change }) => bad.has(change.id))
      ? Promise.reject(new DestinationError('invalid', 'Bad request.'))
      : deliverAll(deliveries, signal);
  });
  return { connector, sizes };
}

test('a refused batch is halved until the bad row is found, and the others are told', async () => {
  const { connector, sizes } = refusing(new Set(['change-5']));
  const { results } = await tell(targetOf(connector, { batchCount: 8 }), deliveriesOf(8));
  expect(sizes).toEqual([8, 4, 4, 2, 1, 1, 2]);
  for (const [id, result] of results) {
    expect(result).toEqual(
      id === 'change-5' ? { status: 'rejected', class: 'invalid', reason: 'Bad request.' } : { status: 'delivered' },
    );
  }
});

test('any bad rows are found with at most two requests per row and level, and cost the others nothing', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc
        .integer({ min: 1, max: 64 })
        .chain((count) =>
          fc.record({ count: fc.constant(count), bad: fc.uniqueArray(fc.nat({ max: count - 1 }), { maxLength: 5 }) }),
        ),
      async ({ count, bad }) => {
        const badIds = new Set(bad.map((n) => `change-${n}`));
        const { connector, sizes } = refusing(badIds);
        const { results } = await tell(targetOf(connector, { batchCount: 64 }), deliveriesOf(count));
        expect(results.size).toBe(count);
        for (const [id, { status }] of results) expect(status).toBe(badIds.has(id) ? 'rejected' : 'delivered');
        expect(sizes.length).toBeLessThanOrEqual(1 + 2 * bad.length * Math.ceil(Math.log2(count)));
      },
    ),
  );
});

test('requests under way never exceed the limit, and reach it', async () => {
  let underWay = 0;
  let most = 0;
  const slow = answering(async (deliveries, signal) => {
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise(setImmediate);
    underWay -= 1;
    return deliverAll(deliveries, signal);
  });
  const { results } = await tell(targetOf(slow, { batchCount: 1, concurrency: 3 }), deliveriesOf(20));
  expect(results.size).toBe(20);
  expect(most).toBe(3);
});

test('batches are told in order', async () => {
  const told: string[] = [];
  const recording = answering((deliveries, signal) => {
    told.push(...deliveries.map(({ change }) => change.id));
    return deliverAll(deliveries, signal);
  });
  await tell(targetOf(recording, { batchCount: 2, concurrency: 1 }), deliveriesOf(5));
  expect(told).toEqual(['change-0', 'change-1', 'change-2', 'change-3', 'change-4']);
});

test('after the deadline no request is sent, and every change is tried again without doubt', async () => {
  let requests = 0;
  const counting = answering((deliveries, signal) => {
    requests += 1;
    return deliverAll(deliveries, signal);
  });
  const { results } = await tell(targetOf(counting), deliveriesOf(3), AbortSignal.abort());
  expect(requests).toBe(0);
  expect([...results.values()]).toStrictEqual(
    Array(3).fill({
      status: 'retry',
      class: 'transient',
      reason: 'the deadline passed before it was told',
      wasTried: false,
    }),
  );
});

test.each([
  ['while it is called', (abort: () => void) => abort()],
  ['after it was called', (abort: () => void) => void setImmediate(abort)],
])('a connector that does not listen to a deadline that comes %s is not waited for', async (_, at) => {
  const deadline = new AbortController();
  const deaf = answering(() => {
    at(() => deadline.abort());
    return Promise.withResolvers<readonly Verdict[]>().promise;
  });
  const { results } = await tell(targetOf(deaf, { batchCount: 1, concurrency: 1 }), deliveriesOf(2), deadline.signal);
  expect(results.get('change-0')).toEqual({
    status: 'retry',
    class: 'transient',
    reason: 'The destination had not answered by the deadline.',
    wasTried: true,
    doubt: 'unanswered',
  });
  expect(results.get('change-1')).not.toHaveProperty('doubt');
});

test('a connector that listens to the deadline says itself whether its request was sent', async () => {
  const deadline = new AbortController();
  const listening = answering(async (_, signal) => {
    const { promise, reject } = Promise.withResolvers<never>();
    signal.addEventListener('abort', () => reject(new DestinationError('transient', 'It was not sent.')));
    deadline.abort();
    return promise;
  });
  const { results } = await tell(targetOf(listening), deliveriesOf(1), deadline.signal);
  expect(results.get('change-0')).toEqual({
    status: 'retry',
    class: 'transient',
    reason: 'It was not sent.',
    wasTried: true,
  });
});

test('no deliveries are no request', async () => {
  const { results, lines } = await tell(targetOf(answering(deliverAll)), []);
  expect(results.size).toBe(0);
  expect(lines).toEqual([]);
});

test('telemetry says what happened, and holds nothing personal', async () => {
  const deliveries = [
    ...deliveriesOf(3),
    exampleDelivery(3, { kind: 'exited', attributes: { firstname: 'Zuleika' } }),
    exampleDelivery(4, { kind: 'updated' }),
  ];
  const mixed: Connector = {
    enter: (given, signal) => deliverAll(given.slice(1), signal),
    exit: () => Promise.reject(new DestinationError('throttled', 'Too many requests.')),
    update: () => Promise.reject(new Error('person-4 Zuleika')),
  };
  const { lines, counters } = await tell(targetOf(mixed), deliveries);
  const text = lines.join('\n');
  expect(lines.map((line) => (JSON.parse(line) as { signal: string }).signal).toSorted()).toEqual([
    'request-answered',
    'request-failed',
    'request-failed',
  ]);
  expect(text).toContain('crm answered entered: 2 delivered, 1 to be tried again, 0 rejected, 0 not found.');
  expect(text).toContain('crm was not told of 1 changes (throttled): Too many requests.');
  const values = deliveries.flatMap(({ change }) => [change.identity.value, ...Object.values(change.attributes)]);
  for (const value of values) expect(text).not.toContain(value);
  expect(values).toContain('Zuleika');
  expect(counters.values().filter(({ counter }) => counter === 'requests-sent')).toHaveLength(3);
});
