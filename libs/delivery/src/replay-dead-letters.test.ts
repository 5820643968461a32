import { expect, test } from 'vitest';
import { exampleDeadLetter } from '../testing/dead-letters-contract.ts';
import { deadLetterKeepMs, deadLetterName, type DeadLetter } from './dead-letters.ts';
import { InMemoryDeadLetters } from './in-memory-dead-letters.ts';
import { replayDeadLetters, type ReplayOptions } from './replay-dead-letters.ts';
import { InMemoryRetryQueue } from './in-memory-retry-queue.ts';
import type { Retry } from './retry-queue.ts';
import { candidateNames, DeadLetterCounts, readSelected, type DeadLetterFilter } from './select-dead-letters.ts';
import { isUnreadable } from './unreadable-document.ts';

const { signal } = new AbortController();
const day = (number: number, hour = 12): number => Date.UTC(2026, 0, number, hour);

function rejected(sequenceNumber: number, over: Partial<DeadLetter> = {}, enqueuedAtMs = day(10)): DeadLetter {
  return exampleDeadLetter({
    event: { body: Buffer.from(`{"n":${sequenceNumber}}`), partitionId: '0', sequenceNumber, enqueuedAtMs },
    outcome: 'rejected',
    destination: 'crm',
    class: 'invalid',
    failures: [{ audience: 'fans', changeId: 'c', reason: 'the field Email is missing' }],
    attempts: 7,
    ...over,
  });
}

const unreadable = (sequenceNumber: number, failures: DeadLetter['failures']): DeadLetter => {
  const { event } = rejected(sequenceNumber);
  return { event, outcome: 'unreadable', class: 'invalid-json', failures, attempts: 0, givenUpAtMs: day(11) };
};

async function open(...letters: readonly DeadLetter[]) {
  const deadLetters = new InMemoryDeadLetters();
  const retryQueue = new InMemoryRetryQueue();
  await deadLetters.put(letters, signal);
  const waiting = async (): Promise<Retry[]> => Array.fromAsync(retryQueue.waiting(signal));
  const replay = async (filter: DeadLetterFilter = {}, options: Partial<ReplayOptions> = {}) =>
    replayDeadLetters(
      await candidateNames(deadLetters, filter, signal),
      filter,
      { deadLetters, retryQueue },
      { clock: { now: () => day(20) }, signal, ...options },
    );
  return { deadLetters, retryQueue, waiting, replay };
}

test.each<[what: string, filter: DeadLetterFilter, expected: readonly number[]]>([
  ['nothing said', {}, [1, 2, 3, 4]],
  ['a destination', { destinations: ['crm'] }, [1, 2]],
  ['events that could not be read', { destinations: ['_event'] }, [4]],
  ['a destination under each of its names', { destinations: ['crm', 'ads'] }, [1, 2, 3]],
  ['a class', { class: 'fatal' }, [3]],
  ['a reason in any case', { reason: 'FIELD email' }, [1, 2, 3]],
  ['from a time on', { fromMs: day(11, 12) }, [2, 4]],
  ['up to a time', { toMs: day(10, 12) }, [1, 3]],
  ['a time within a day', { fromMs: day(11, 11), toMs: day(11, 12) }, [2]],
  ['two things that are never true together', { destinations: ['ads'], class: 'invalid' }, []],
])('letters are selected by %s', async (_what, filter, expected) => {
  const late = { event: { ...rejected(4).event, enqueuedAtMs: day(31) } };
  const { deadLetters } = await open(
    rejected(1),
    rejected(2, {}, day(11)),
    rejected(3, { destination: 'ads', class: 'fatal' }),
    { ...unreadable(4, [{ path: '$', reason: 'not JSON' }]), ...late },
  );
  const names = await candidateNames(deadLetters, filter, signal);
  const numbers: number[] = [];
  for await (const found of readSelected(deadLetters, names, filter, signal))
    if (!isUnreadable(found)) numbers.push(found.letter.event.sequenceNumber);
  expect(numbers.sort()).toEqual(expected);
});

test('letters are counted by destination and class', () => {
  const counts = new DeadLetterCounts();
  for (const letter of [rejected(1), rejected(2), unreadable(3, [])]) counts.add(letter);
  expect(counts.values()).toEqual([
    { destination: 'crm', class: 'invalid', letters: 2 },
    { destination: '_event', class: 'invalid-json', letters: 1 },
  ]);
  expect(counts.letters).toBe(3);
});

test('letters of one destination become one retry that asks again, for what had failed only, due at once', async () => {
  const row = {
    destination: 'crm',
    identity: { namespace: 'email', value: 'former@example.com' },
    audience: { namespace: 'ups', id: 'fans-id' },
  };
  const two = [
    { audience: 'fans', reason: 'a', rows: [row] },
    { audience: 'travellers', reason: 'b' },
  ];
  const { replay, waiting, retryQueue, deadLetters } = await open(
    rejected(1),
    rejected(2, { failures: two }),
    rejected(3, { destination: 'ads' }),
  );
  const result = await replay();
  expect(result).toMatchObject({ left: 0, retries: 2 });
  expect(deadLetters.letters.size).toBe(0);
  const retries = await waiting();
  const crm = retries.find(({ destination }) => destination === 'crm');
  expect(crm).toMatchObject({ attempts: 0, firstDeferredAtMs: day(20), class: 'invalid', isReplay: true });
  expect(crm?.events).toEqual([
    { event: rejected(1).event, audiences: ['fans'], rows: [] },
    { event: rejected(2).event, audiences: ['fans', 'travellers'], rows: [row] },
  ]);
  expect(retryQueue.takeDue(day(20))).toHaveLength(2);
});

test('a retry holds at most 100 events, and 4 MiB', async () => {
  const many = await open(...Array.from({ length: 250 }, (_, number) => rejected(number)));
  const done: number[] = [];
  await many.replay({}, { onProgress: (count) => done.push(count) });
  expect((await many.waiting()).map(({ events }) => events.length)).toEqual([100, 100, 50]);
  expect(done).toEqual([100, 200, 250]);

  const mebibyte = Buffer.alloc(1024 * 1024);
  const large = await open(
    ...Array.from({ length: 9 }, (_, number) =>
      rejected(number, { event: { ...rejected(number).event, body: mebibyte } }),
    ),
  );
  await large.replay();
  expect((await large.waiting()).map(({ events }) => events.length)).toEqual([4, 4, 1]);
});

test('an event that could not be read goes to every destination, and one audience of it only to the destinations of that audience', async () => {
  const byDestination = new Map([
    ['crm', new Set(['fans', 'travellers'])],
    ['ads', new Set(['fans'])],
  ]);
  const { replay, waiting } = await open(
    unreadable(1, [{ path: '$', reason: 'not JSON' }]),
    unreadable(2, [{ path: '$.x', audience: 'travellers', reason: 'unknown status' }]),
  );
  await replay({}, { routed: { byDestination, isRoute: () => true, isRouteOf: () => true } });
  const asked = (await waiting()).map(({ destination, events }) => [destination, events.map((each) => each.audiences)]);
  expect(asked).toEqual([
    ['crm', [['fans', 'travellers'], ['travellers']]],
    ['ads', [['fans']]],
  ]);
});

test('letters without a route stay', async () => {
  const letters = [
    unreadable(1, [{ path: '$', reason: 'not JSON' }]),
    rejected(2, { failures: [{ audience: 'renamed', reason: 'r' }] }),
  ];
  const without = await open(letters[0] ?? rejected(0));
  expect(await without.replay()).toEqual({ replayed: [], left: 1, tooOld: 0, unreadable: [], retries: 0 });
  expect(without.deadLetters.letters.size).toBe(1);

  const renamed = await open(...letters);
  const routed = { byDestination: new Map(), isRoute: () => false, isRouteOf: () => false };
  expect(await renamed.replay({}, { routed })).toMatchObject({ left: 2 });
  expect(renamed.deadLetters.letters.size).toBe(2);
});

test('what the function refuses again while the letters are removed is not lost', async () => {
  const { replay, deadLetters, retryQueue } = await open(rejected(1), rejected(2));
  const refuseWhatIsDue = async (): Promise<void> => {
    for (const message of retryQueue.takeDue(day(20))) {
      const retry = await retryQueue.read(message, signal);
      if (retry === undefined) continue;
      await deadLetters.put(
        retry.events.map(({ event }) => rejected(event.sequenceNumber)),
        signal,
      );
      await retryQueue.remove(retry.id, signal);
    }
  };
  const remove = deadLetters.remove.bind(deadLetters);
  deadLetters.remove = async (...given) => {
    await refuseWhatIsDue();
    await remove(...given);
  };
  await replay();
  expect(deadLetters.letters.size).toBe(0);
  await refuseWhatIsDue();
  expect([...deadLetters.letters.keys()]).toEqual([rejected(1), rejected(2)].map(deadLetterName));
});

test.each(['first put', 'first removal', 'second removal', 'second put'])(
  'a crash at the %s leaves every event in a letter or in a retry that becomes due',
  async (step) => {
    const { replay, deadLetters, retryQueue } = await open(rejected(1), rejected(2));
    let puts = 0;
    let removals = 0;
    const put = retryQueue.put.bind(retryQueue);
    const remove = deadLetters.remove.bind(deadLetters);
    retryQueue.put = async (...given) => {
      puts += 1;
      if ((step === 'first put' && puts === 1) || (step === 'second put' && puts === 2)) throw new Error('crash');
      await put(...given);
    };
    deadLetters.remove = async (...given) => {
      removals += 1;
      if ((step === 'first removal' && removals === 1) || (step === 'second removal' && removals === 2))
        throw new Error('crash');
      await remove(...given);
    };
    await expect(replay()).rejects.toThrow('crash');

    const kept = new Set([...deadLetters.letters.values()].map(({ event }) => event.sequenceNumber));
    for (const message of retryQueue.takeDue(day(21))) {
      const retry = await retryQueue.read(message, signal);
      for (const { event } of retry?.events ?? []) kept.add(event.sequenceNumber);
    }
    expect([...kept].sort()).toEqual([1, 2]);
  },
);

test('an interrupted replay stops between retries, and goes on when it is started again', async () => {
  const { replay, deadLetters, waiting } = await open(...Array.from({ length: 150 }, (_, number) => rejected(number)));
  const interruption = new AbortController();
  await replay({}, { signal: interruption.signal, onProgress: () => interruption.abort() });
  expect(deadLetters.letters.size).toBe(50);
  await replay();
  expect(deadLetters.letters.size).toBe(0);
  expect((await waiting()).map(({ events }) => events.length)).toEqual([100, 50]);
});

test('removals that outlast the rest of the retry fail, and keep the letters that are left', async () => {
  let nowMs = day(20);
  const { replay, deadLetters } = await open(...Array.from({ length: 17 }, (_, n) => rejected(n + 1)));
  const slow = deadLetters.remove.bind(deadLetters);
  deadLetters.remove = async (name, removal) => {
    nowMs += 11 * 60_000;
    await slow(name, removal);
  };
  await expect(replay({}, { clock: { now: () => nowMs } })).rejects.toThrow('Start the replay again');
  expect([...deadLetters.letters.keys()]).toHaveLength(1);
});

test('a letter that is older than the ledger remembers stays, whenever it was written, and the others are replayed', async () => {
  const { replay, deadLetters, waiting } = await open(rejected(1), rejected(2, {}, day(11)));
  // Written anew long after its event: a person was erased from it, or it failed again.
  await deadLetters.edit(deadLetterName(rejected(1)), (letter) => ({ ...letter, givenUpAtMs: day(95) }), signal);
  const clock = { now: () => day(10) + deadLetterKeepMs + 1 };
  expect(await replay({}, { clock })).toMatchObject({ tooOld: 1, left: 0, retries: 1 });
  expect((await waiting()).flatMap(({ events }) => events.map(({ event }) => event.sequenceNumber))).toEqual([2]);
  expect([...deadLetters.letters.keys()]).toEqual([deadLetterName(rejected(1))]);
  expect(await replay({}, { clock: { now: () => day(10) + deadLetterKeepMs } })).toMatchObject({
    tooOld: 0,
    retries: 1,
  });
});

test('what is erased from a replayed retry while its letters are removed stays erased', async () => {
  const { replay, deadLetters, retryQueue, waiting } = await open(rejected(1), rejected(2));
  const remove = deadLetters.remove.bind(deadLetters);
  deadLetters.remove = async (...given) => {
    deadLetters.remove = remove;
    for (const { id } of await waiting())
      await retryQueue.edit(id, (retry) => ({ ...retry, events: retry.events.slice(1) }), signal);
    await remove(...given);
  };
  await replay();
  const [message = ''] = retryQueue.takeDue(day(20));
  expect((await retryQueue.read(message, signal))?.events.map(({ event }) => event.sequenceNumber)).toEqual([2]);
});

test('a retry that is held while its letters are removed is not woken', async () => {
  const { replay, deadLetters, retryQueue } = await open(rejected(1));
  const remove = deadLetters.remove.bind(deadLetters);
  const woken: number[] = [];
  deadLetters.remove = async (...given) => {
    woken.push(await retryQueue.wake('crm', { nowMs: day(20), everyMs: 0, signal }));
    await remove(...given);
  };
  await replay();
  expect(woken).toEqual([0]);
  expect(await retryQueue.wake('crm', { nowMs: day(20), everyMs: 0, signal })).toBe(1);
});
