import { getEventListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GroupCommit, type CommitAnswer, type GroupedWrite } from './group-commit.ts';

const { signal } = new AbortController();

interface Write extends GroupedWrite {
  readonly name: string;
}

function write(name: string, options: Partial<GroupedWrite> = {}): Write {
  return { name, partitionKey: 'p', rowKey: name, bytes: 1, ...options };
}

/** Transactions that end when the test says so. */
function byHand(limits: { concurrencyMax?: number; rowsMax?: number; bytesMax?: number } = {}) {
  const sent: { names: string[]; signal: AbortSignal; end: (answers?: CommitAnswer<string>[]) => void }[] = [];
  const groups = new GroupCommit<Write, string>({
    concurrencyMax: 100,
    rowsMax: 100,
    bytesMax: 1_000,
    ...limits,
    commit: (group, commitSignal) =>
      new Promise((resolve, reject) => {
        commitSignal.addEventListener('abort', () => reject(commitSignal.reason as Error));
        const all = group.map(({ name }): CommitAnswer<string> => ({ result: `${name} done` }));
        const names = group.map(({ name }) => name);
        sent.push({ names, signal: commitSignal, end: (answers = all) => resolve(answers) });
      }),
  });
  return { groups, sent, names: () => sent.map((transaction) => transaction.names) };
}

test('a write that finds its partition idle goes in the same turn', () => {
  const { groups, names } = byHand();
  void groups.write([write('a'), write('b')], signal);
  expect(names()).toEqual([['a', 'b']]);
});

test('what comes while a transaction is under way goes together in the next, by partition', async () => {
  const { groups, sent, names } = byHand();
  const calls = [
    groups.write([write('a')], signal),
    groups.write([write('b'), write('other', { partitionKey: 'q' })], signal),
    groups.write([write('c')], signal),
  ];
  expect(names()).toEqual([['a'], ['other']]);
  sent[0]?.end();
  await calls[0];
  expect(names()).toEqual([['a'], ['other'], ['b', 'c']]);
  sent[1]?.end();
  sent[2]?.end();
  expect(await Promise.all(calls)).toEqual([['a done'], ['b done', 'other done'], ['c done']]);
});

test('no more transactions are under way than allowed, and the partition that waits longest is next', async () => {
  const { groups, sent, names } = byHand({ concurrencyMax: 1 });
  const first = groups.write([write('a'), write('b', { partitionKey: 'q' })], signal);
  const second = groups.write([write('c')], signal);
  expect(names()).toEqual([['a']]);
  sent[0]?.end();
  await turn();
  expect(names()).toEqual([['a'], ['b']]);
  sent[1]?.end();
  await first;
  expect(names()).toEqual([['a'], ['b'], ['c']]);
  sent[2]?.end();
  await second;
});

test('a transaction takes no more rows and bytes than allowed, and a row that is too large alone goes alone', async () => {
  const { groups, sent, names } = byHand({ rowsMax: 2, bytesMax: 10 });
  void groups.write(
    [
      write('a'),
      write('b'),
      write('c', { bytes: 6 }),
      write('d', { bytes: 5 }),
      write('e', { bytes: 99 }),
      write('f', { bytes: 6 }),
      write('g', { bytes: 4 }),
    ],
    signal,
  );
  for (let n = 0; n < 5; n += 1) {
    sent[n]?.end();
    await turn();
  }
  expect(names()).toEqual([['a', 'b'], ['c'], ['d'], ['e'], ['f', 'g']]);
});

test('a row is never twice in one transaction, and its writes keep their order', async () => {
  const { groups, sent, names } = byHand();
  void groups.write([write('a')], signal);
  void groups.write([write('x1', { rowKey: 'x' }), write('b')], signal);
  void groups.write([write('x2', { rowKey: 'x' }), write('c')], signal);
  for (let n = 0; n < 3; n += 1) {
    sent[n]?.end();
    await turn();
  }
  expect(names()).toEqual([['a'], ['x1', 'b', 'c'], ['x2']]);
});

test('a row that lost is answered alone, and the rest goes again before what came later', async () => {
  const { groups, sent, names } = byHand({ rowsMax: 3 });
  const call = groups.write([write('a'), write('b'), write('c')], signal);
  const later = groups.write([write('d')], signal);
  sent[0]?.end(['again', { result: 'b lost' }, 'again']);
  await turn();
  sent[1]?.end();
  await turn();
  sent[2]?.end();
  expect(await call).toEqual(['a done', 'b lost', 'c done']);
  await later;
  expect(names()).toEqual([['a', 'b', 'c'], ['a'], ['c', 'd']]);
});

test('failures halve the size of the next transaction, and successes double it', async () => {
  const sizes: number[] = [];
  const failing = 4;
  const groups = new GroupCommit<Write, string>({
    concurrencyMax: 1,
    rowsMax: 16,
    bytesMax: 1_000,
    commit: (group) => {
      sizes.push(group.length);
      const isFailing = sizes.length <= failing;
      return Promise.resolve(
        group.map(({ name }, place) => (isFailing && place > 0 ? 'again' : { result: `${name} done` })),
      );
    },
  });
  await groups.write(
    Array.from({ length: 40 }, (_, n) => write(String(n))),
    signal,
  );
  expect(sizes).toEqual([16, 8, 4, 2, 1, 2, 4, 8, 16, 5]);
});

test('a partition without writes is forgotten, and with it how small its transactions had become', async () => {
  const { groups, sent, names } = byHand({ rowsMax: 4 });
  const before = groups.write([write('a'), write('b')], signal);
  sent[0]?.end(['again', { result: 'b lost' }]);
  await turn();
  sent[1]?.end();
  await before;
  await turn();
  void groups.write([write('c'), write('d'), write('e'), write('f')], signal);
  expect(names()).toEqual([['a', 'b'], ['a'], ['c', 'd', 'e', 'f']]);
});

test('a call that is over no longer listens to its signal, which other calls share', async () => {
  const { groups, sent } = byHand();
  const controller = new AbortController();
  const call = groups.write([write('a')], controller.signal);
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
  sent[0]?.end();
  await call;
  expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
});

test('an answer that names no row is asked again in halves, until each row is answered', async () => {
  const groups = new GroupCommit<Write, string>({
    concurrencyMax: 1,
    rowsMax: 100,
    bytesMax: 1_000,
    commit: (group) =>
      Promise.resolve(
        group.map(({ name }): CommitAnswer<string> => (group.length > 1 ? 'again' : { result: `${name} lost` })),
      ),
  });
  expect(await groups.write([write('a'), write('b'), write('c')], signal)).toEqual(['a lost', 'b lost', 'c lost']);
});

test('a failure reaches every call of its transaction and no other, and what else they wrote is taken back', async () => {
  const sent: string[] = [];
  const groups = new GroupCommit<Write, string>({
    concurrencyMax: 1,
    rowsMax: 2,
    bytesMax: 1_000,
    commit: async (group) => {
      const names = group.map(({ name }) => name);
      sent.push(names.join(' '));
      await turn();
      if (names.includes('broken')) throw new Error('unreachable store');
      return names.map((name) => ({ result: `${name} done` }));
    },
  });
  const first = groups.write([write('first')], signal);
  const failing = [groups.write([write('broken')], signal), groups.write([write('a'), write('taken back')], signal)];
  const stays = groups.write([write('b')], signal);
  await expect(failing[0]).rejects.toThrow('unreachable store');
  await expect(failing[1]).rejects.toThrow('unreachable store');
  expect(await first).toEqual(['first done']);
  expect(await stays).toEqual(['b done']);
  expect(sent).toEqual(['first', 'broken a', 'b']);
});

test('a failure of one row is the failure of its call alone', async () => {
  const { groups, sent } = byHand();
  void groups.write([write('first')], signal);
  const calls = [groups.write([write('a')], signal), groups.write([write('b'), write('c')], signal)];
  sent[0]?.end();
  await turn();
  sent[1]?.end(['again', { failure: new Error('too large') }, 'again']);
  await expect(calls[1]).rejects.toThrow('too large');
  await turn();
  sent[2]?.end();
  expect(await calls[0]).toEqual(['a done']);
  // What is left of the failed call is not sent again.
  expect(sent[2]?.names).toEqual(['a']);
});

test('a call that gives up takes its waiting writes back, and no transaction of another call is aborted', async () => {
  const { groups, sent, names } = byHand();
  const controller = new AbortController();
  const givesUp = groups.write([write('a')], controller.signal);
  const waits = groups.write([write('b')], controller.signal);
  const stays = groups.write([write('c')], signal);
  controller.abort(new Error('deadline'));
  await expect(givesUp).rejects.toThrow('deadline');
  await expect(waits).rejects.toThrow('deadline');
  expect(sent[0]?.signal.aborted).toBe(true);
  await turn();
  expect(names()).toEqual([['a'], ['c']]);
  sent[1]?.end();
  expect(await stays).toEqual(['c done']);
});

test('a transaction that others wait for goes on without the call that gave up', async () => {
  const { groups, sent } = byHand();
  const controller = new AbortController();
  void groups.write([write('first')], signal);
  const givesUp = groups.write([write('a')], controller.signal);
  const stays = groups.write([write('b')], signal);
  sent[0]?.end();
  await turn();
  controller.abort(new Error('deadline'));
  await expect(givesUp).rejects.toThrow('deadline');
  expect(sent[1]?.signal.aborted).toBe(false);
  sent[1]?.end();
  expect(await stays).toEqual(['b done']);
});

test('nothing is sent for an aborted signal, and no writes are no transaction', async () => {
  const { groups, sent } = byHand();
  await expect(groups.write([write('a')], AbortSignal.abort(new Error('deadline')))).rejects.toThrow('deadline');
  expect(await groups.write([], signal)).toEqual([]);
  expect(sent).toEqual([]);
});

/**
 * Rows with versions, written by transactions that fail whole for the first row whose version is
 * another.
 */
class Rows {
  readonly versions = new Map<string, number>();
  readonly #turns: () => number;

  constructor(turns: () => number) {
    this.#turns = turns;
  }

  async commit(group: readonly Conditional[]): Promise<readonly CommitAnswer<number | 'lost'>[]> {
    for (let n = this.#turns(); n > 0; n -= 1) await turn();
    const loser = group.findIndex(({ rowKey, expected }) => (this.versions.get(rowKey) ?? 0) !== expected);
    if (loser >= 0) return group.map((_, place) => (place === loser ? { result: 'lost' } : 'again'));
    for (const { rowKey, expected } of group) this.versions.set(rowKey, expected + 1);
    for (let n = this.#turns(); n > 0; n -= 1) await turn();
    return group.map(({ expected }) => ({ result: expected + 1 }));
  }
}

interface Conditional extends GroupedWrite {
  readonly expected: number;
}

test('whatever calls interleave, of the writers of one version of a row one wins, and each is told so', async () => {
  const call = fc.array(fc.record({ row: fc.nat(5), partition: fc.nat(1) }), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(call, { minLength: 2, maxLength: 12 }),
      fc.array(fc.nat(3), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 3 }),
      async (calls, delays, concurrencyMax) => {
        let step = 0;
        const rows = new Rows(() => delays[step++ % delays.length] ?? 0);
        const groups = new GroupCommit<Conditional, number | 'lost'>({
          concurrencyMax,
          rowsMax: 4,
          bytesMax: 1_000,
          commit: (group) => rows.commit(group),
        });
        const won = new Map<string, number[]>();
        await Promise.all(
          calls.map(async (each, index) => {
            for (let n = index % 4; n > 0; n -= 1) await turn();
            const writes = [...new Set(each.map(({ row, partition }) => `${partition}-${row}`))].map((rowKey) => ({
              partitionKey: rowKey.slice(0, 1),
              rowKey,
              bytes: 1,
              expected: rows.versions.get(rowKey) ?? 0,
            }));
            const results = await groups.write(writes, signal);
            for (const [place, { rowKey, expected }] of writes.entries()) {
              const result = results[place];
              if (result === 'lost') continue;
              expect(result).toBe(expected + 1);
              won.set(rowKey, [...(won.get(rowKey) ?? []), expected + 1]);
            }
          }),
        );
        // Each version of a row has exactly one winner, and the row has the last of them.
        for (const [rowKey, version] of rows.versions) {
          expect((won.get(rowKey) ?? []).toSorted((one, other) => one - other)).toEqual(
            Array.from({ length: version }, (_, n) => n + 1),
          );
        }
      },
    ),
    { numRuns: 200 },
  );
});
