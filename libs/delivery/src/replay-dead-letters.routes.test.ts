import { expect, test } from 'vitest';
import { exampleDeadLetter } from '../testing/index.ts';
import { deadLetterName, type DeadLetter } from './dead-letters.ts';
import { InMemoryDeadLetters } from './in-memory-dead-letters.ts';
import { InMemoryRetryQueue } from './in-memory-retry-queue.ts';
import { replayDeadLetters, type ReplayOptions, type RoutedAudiences } from './replay-dead-letters.ts';
import type { DeferredRow } from './retry-queue.ts';
import { UnreadableDocumentError } from './unreadable-document.ts';

const nowMs = Date.UTC(2026, 0, 20);
const minuteMs = 60_000;
const rejected = (failures: DeadLetter['failures'], over: Partial<DeadLetter> = {}): DeadLetter =>
  exampleDeadLetter({ outcome: 'rejected', destination: 'crm', class: 'invalid', failures, ...over });
const unreadable = (failures: DeadLetter['failures']): DeadLetter => exampleDeadLetter({ failures });
const reason = 'No such field.';
const renamedRow: DeferredRow = {
  destination: 'crm',
  identity: { namespace: 'crmid', value: 'C-1' },
  audience: { namespace: 'ups', id: 'renamed' },
};
const goneRow: DeferredRow = { ...renamedRow, audience: { namespace: 'ups', id: 'gone' } };
const byDestination = new Map([
  ['crm', new Set(['fans', 'travellers'])],
  ['ads', new Set(['travellers'])],
]);
/** `ads` was called `adverts` before. */
const routed: RoutedAudiences = {
  byDestination,
  isRoute: (audience, name) => byDestination.get(name === 'adverts' ? 'ads' : name)?.has(audience) === true,
  isRouteOf: ({ audience }) => audience.id === 'renamed',
};

class Letters extends InMemoryDeadLetters {
  onRemove: () => Promise<void> | void = () => undefined;

  override read(name: string, signal: AbortSignal): Promise<DeadLetter | undefined> {
    if (name === 'broken') return Promise.reject(new UnreadableDocumentError('No JSON.', name));
    return super.read(name, signal);
  }

  override async remove(name: string, signal: AbortSignal): Promise<void> {
    await this.onRemove();
    await super.remove(name, signal);
  }
}

/** Replays these letters, and returns their outcomes and the retries in the queue. */
async function replay(
  letters: readonly DeadLetter[],
  options: Partial<ReplayOptions> & { onRemove?: () => Promise<void> | void } = {},
) {
  const { signal } = new AbortController();
  const [deadLetters, retryQueue] = [new Letters(), new InMemoryRetryQueue()];
  await deadLetters.put(letters, signal);
  if (options.onRemove !== undefined) deadLetters.onRemove = options.onRemove;
  const names = [...letters.map(deadLetterName), 'broken'];
  const stores = { deadLetters, retryQueue };
  const replayed = await replayDeadLetters(names, {}, stores, { clock: { now: () => nowMs }, signal, ...options });
  const retries = await Array.fromAsync(retryQueue.waiting(signal));
  const asked = retries.map(({ destination, events }) => [
    destination,
    ...events.flatMap(({ audiences }) => audiences),
  ]);
  return { ...replayed, retries, asked, stays: [...deadLetters.letters.keys()].length };
}

test('a letter that cannot be read stays and is named, and the others are replayed as they were', async () => {
  const letter = rejected([
    { audience: 'fans', reason },
    { audience: 'travellers', reason: 'Locked.' },
  ]);
  const { unreadable: broken, replayed, left, stays, retries } = await replay([letter]);
  expect([broken, left, stays]).toEqual([['broken'], 0, 0]);
  expect(replayed).toEqual([{ destination: 'crm', class: 'invalid', letters: 1 }]);
  expect(retries).toMatchObject([
    {
      destination: 'crm',
      events: [{ event: letter.event, audiences: ['fans', 'travellers'] }],
      rows: [],
      attempts: 0,
      firstDeferredAtMs: nowMs,
      class: 'invalid',
      reason,
      isReplay: true,
    },
  ]);
});

test.each<[string, DeadLetter, readonly (readonly string[])[]]>([
  ['one destination, routed', rejected([{ audience: 'fans', reason }]), [['crm', 'fans']]],
  ['one destination, routed no more', rejected([{ audience: 'gone', reason }]), []],
  [
    'one destination, of which a part is routed no more',
    rejected([
      { audience: 'fans', reason },
      { audience: 'gone', reason },
    ]),
    [],
  ],
  [
    'a destination that has another name now',
    rejected([{ audience: 'travellers', reason }], { destination: 'adverts' }),
    [['adverts', 'travellers']],
  ],
  [
    'an audience that has another key now',
    rejected([
      { audience: 'fans', reason, rows: [goneRow] },
      { audience: 'supporters', reason, rows: [goneRow, renamedRow] },
    ]),
    [['crm', 'fans', 'supporters']],
  ],
  ['an audience that is gone', rejected([{ audience: 'supporters', reason, rows: [goneRow] }]), []],
  ['a destination that is gone', rejected([{ audience: 'fans', reason }], { destination: 'old' }), []],
  [
    'one destination, with a failure of no audience',
    rejected([{ reason }, { audience: 'fans', reason }]),
    [['crm', 'fans']],
  ],
  ['one destination, with no audience at all', rejected([{ reason }]), []],
  [
    'all, when a part could not be read',
    unreadable([{ audience: 'travellers', reason }]),
    [
      ['crm', 'travellers'],
      ['ads', 'travellers'],
    ],
  ],
  [
    'all, when the whole could not be read besides',
    unreadable([{ reason }, { audience: 'fans', reason }]),
    [
      ['crm', 'fans', 'travellers'],
      ['ads', 'travellers'],
    ],
  ],
])('a letter of %s is replayed to whom it concerns, or stays', async (_, letter, expected) => {
  const { asked, left, stays } = await replay([letter], { routed });
  expect(asked).toEqual(expected);
  expect([left, stays]).toEqual(expected.length > 0 ? [0, 0] : [1, 1]);
});

test('without letters there is no progress to tell', async () => {
  const told: number[] = [];
  const { signal } = new AbortController();
  const stores = { deadLetters: new InMemoryDeadLetters(), retryQueue: new InMemoryRetryQueue() };
  await replayDeadLetters([], {}, stores, {
    clock: { now: () => nowMs },
    signal,
    onProgress: (done) => void told.push(done),
  });
  expect(told).toEqual([]);
});

test('a replay that is stopped stops before the next retry', async () => {
  const stop = new AbortController();
  const body = new Uint8Array(3 * 1024 * 1024);
  const letters = [1, 2].map((sequenceNumber) =>
    rejected([{ audience: 'fans', reason }], { event: { ...exampleDeadLetter().event, body, sequenceNumber } }),
  );
  const { retries, stays } = await replay(letters, { signal: stop.signal, onRemove: () => stop.abort() });
  expect([retries.length, stays]).toEqual([1, 1]);
});

test.each([
  ['as long as allowed', 10 * minuteMs, undefined],
  ['longer', 10 * minuteMs + 1, 'removing them takes too long'],
])(
  'removing letters that takes %s leaves their retries a margin before they come by themselves',
  async (_, tookMs, failure) => {
    let now = nowMs;
    const letters = Array.from({ length: 17 }, (_, n) => rejected([{ audience: `a${n}`, reason }]));
    const clock = { now: () => now };
    const running = replay(letters, { clock, onRemove: () => void (now = nowMs + tookMs) });
    if (failure === undefined) expect((await running).stays).toBe(0);
    else await expect(running).rejects.toThrow(failure);
  },
);

test('letters are removed sixteen at a time', async () => {
  const letters = Array.from({ length: 40 }, (_, n) => rejected([{ audience: `a${n}`, reason }]));
  const steps: string[] = [];
  const onRemove = async (): Promise<void> => {
    steps.push('begun');
    await Promise.resolve();
    steps.push('ended');
  };
  expect((await replay(letters, { onRemove })).stays).toBe(0);
  const together = steps.join(' ').split(/(?<=ended) (?=begun)/u);
  expect(together.map((each) => each.split(' ').length / 2)).toEqual([16, 16, 8]);
});

test('a retry rests a quarter of an hour while its letters are removed', async () => {
  const held: unknown[] = [];
  const { signal } = new AbortController();
  const [deadLetters, retryQueue] = [new Letters(), new InMemoryRetryQueue()];
  const letter = rejected([{ audience: 'fans', reason }]);
  await deadLetters.put([letter], signal);
  deadLetters.onRemove = () => void held.push(retryQueue.nextDueAtMs);
  await replayDeadLetters(
    [deadLetterName(letter)],
    {},
    { deadLetters, retryQueue },
    { clock: { now: () => nowMs }, signal },
  );
  expect(held).toEqual([nowMs + 15 * minuteMs]);
  expect(retryQueue.nextDueAtMs).toBe(nowMs);
});

test('a dry run says what the replay would do, also what would stay, and changes nothing', async () => {
  const old = { event: { ...exampleDeadLetter().event, enqueuedAtMs: nowMs - 91 * 86_400_000 } };
  const letters = [
    rejected([{ audience: 'fans', reason }]),
    rejected([{ audience: 'gone', reason }]),
    rejected([{ audience: 'travellers', reason }], old),
  ];
  const done: number[] = [];
  const dry = await replay(letters, { routed, dryRun: true, onProgress: (count) => done.push(count) });
  expect([dry.asked, dry.stays, dry.retries]).toEqual([[], 3, []]);
  expect(done).toEqual([4]);
  const { replayed, left, tooOld, unreadable: broken } = await replay(letters, { routed });
  expect([left, tooOld, broken]).toEqual([1, 1, ['broken']]);
  expect(dry).toMatchObject({ replayed, left, tooOld, unreadable: broken });
});
