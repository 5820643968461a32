import { describe, expect, test } from 'vitest';
import { deadLetterName, type DeadLetter, type DeadLetters } from '../src/dead-letters.ts';

/** An event that is not JSON, unless told otherwise. */
export function exampleDeadLetter(over: Partial<DeadLetter> = {}): DeadLetter {
  return {
    event: {
      body: Uint8Array.of(0xff, 0x00, 0x7b),
      partitionId: '3',
      sequenceNumber: 4711,
      enqueuedAtMs: Date.UTC(2026, 0, 31, 23, 59, 59, 999),
    },
    outcome: 'unreadable',
    class: 'not-utf8',
    failures: [{ path: '$', reason: 'Failed to read the event: its body is not valid UTF-8.' }],
    attempts: 0,
    givenUpAtMs: Date.UTC(2026, 1, 1),
    ...over,
  };
}

const exampleRow = {
  destination: 'crm',
  identity: { namespace: 'email', value: 'Ada “A” <ada@example.com>' },
  audience: { namespace: 'ups', id: '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02' },
};

/** What every store of dead letters promises, as tests. */
export function describeDeadLettersContract(name: string, open: () => Promise<DeadLetters>): void {
  const { signal } = new AbortController();
  const kept = async (store: DeadLetters): Promise<ReadonlyMap<string, DeadLetter>> => {
    const letters = new Map<string, DeadLetter>();
    for await (const letterName of store.names('', signal)) {
      const letter = await store.read(letterName, signal);
      if (letter === undefined) throw new Error('The store names a letter that it does not have.');
      letters.set(letterName, letter);
    }
    return letters;
  };

  describe(name, () => {
    test('what is asked under a signal that is aborted is refused with its reason, and nothing is done', async () => {
      const store = await open();
      const letter = exampleDeadLetter();
      const letterName = deadLetterName(letter);
      await store.put([letter], signal);
      const aborted = AbortSignal.abort(new Error('deadline'));
      const calls = [
        () => store.put([exampleDeadLetter({ class: 'other' })], aborted),
        () => Array.fromAsync(store.names('', aborted)),
        () => store.read(letterName, aborted),
        () => store.remove(letterName, aborted),
        () => store.edit(letterName, () => undefined, aborted),
        () => store.edit(letterName, (each) => ({ ...each, attempts: 7 }), aborted),
      ];
      for (const call of calls) await expect(call()).rejects.toThrow('deadline');
      expect(await kept(store)).toEqual(new Map([[letterName, letter]]));
    });

    test('a letter is kept whole, with the own bytes of its event', async () => {
      const store = await open();
      const unreadable = exampleDeadLetter();
      const rejected = exampleDeadLetter({
        outcome: 'rejected',
        destination: 'crm',
        class: 'invalid',
        failures: [
          { audience: 'sports-fans', changeId: 'abc', reason: 'The receiver refused it.', rows: [exampleRow] },
          { audience: 'travellers', changeId: 'def', reason: 'The receiver refused it.' },
        ],
        attempts: 2,
      });
      await store.put([unreadable, rejected], signal);
      const letters = await kept(store);
      expect([...letters.keys()].sort()).toEqual([
        expect.stringMatching(/^2026-01-31\/_event\/not-utf8\/3-4711-[0-9a-f]{16}$/),
        expect.stringMatching(/^2026-01-31\/crm\/invalid\/3-4711-[0-9a-f]{16}$/),
      ]);
      expect(letters.get(deadLetterName(unreadable))).toEqual(unreadable);
      expect(letters.get(deadLetterName(rejected))).toEqual(rejected);
    });

    test('what fails in another part of the same event is a letter of its own', async () => {
      const store = await open();
      const failedFor = (audience: string): DeadLetter =>
        exampleDeadLetter({ outcome: 'rejected', destination: 'crm', failures: [{ audience, reason: 'No.' }] });
      await store.put([failedFor('sports-fans')], signal);
      await store.put([failedFor('travellers')], signal);
      expect((await kept(store)).size).toBe(2);
    });

    test('an empty body and a body of a mebibyte are kept as they are', async () => {
      const store = await open();
      const letters = [new Uint8Array(0), new Uint8Array(1_048_576).fill(0x5b)].map((body, sequenceNumber) =>
        exampleDeadLetter({ event: { ...exampleDeadLetter().event, body, sequenceNumber } }),
      );
      await store.put(letters, signal);
      expect([...(await kept(store)).values()].map((letter) => letter.event.body.byteLength)).toEqual([0, 1_048_576]);
    });

    test('the same letter put twice is kept once', async () => {
      const store = await open();
      await store.put([exampleDeadLetter()], signal);
      await store.put([exampleDeadLetter()], signal);
      expect((await kept(store)).size).toBe(1);
    });

    test('two events without numbers of their own are two letters, and each is kept once', async () => {
      const store = await open();
      const nameless = (body: string): DeadLetter =>
        exampleDeadLetter({
          event: { body: Buffer.from(body), partitionId: 'unknown', sequenceNumber: -1, enqueuedAtMs: 1_000 },
        });
      const letters = [nameless('{"broken'), nameless('{"other'), nameless('')];
      await store.put(letters, signal);
      await store.put([...letters].reverse(), signal);
      expect([...(await kept(store)).values()].map(({ event }) => Buffer.from(event.body).toString()).sort()).toEqual([
        '',
        '{"broken',
        '{"other',
      ]);
    });

    test('failures of which the parts read alike in a row are letters of their own', async () => {
      const store = await open();
      const failures = [
        [{ audience: 'a', path: 'b\n', reason: 'No.' }],
        [{ audience: 'a\nb', path: '', reason: 'No.' }],
        [{ audience: 'a', path: 'b', changeId: '', reason: 'No.' }],
        [
          { audience: 'a', reason: 'No.' },
          { path: 'b', reason: 'No.' },
        ],
      ];
      await store.put(
        failures.map((each) => exampleDeadLetter({ failures: each })),
        signal,
      );
      expect((await kept(store)).size).toBe(4);
    });

    test('a partition of any name is one part of the name', async () => {
      const store = await open();
      const event = { ...exampleDeadLetter().event, partitionId: '../a/b?c#d\\\ud835' };
      await store.put([exampleDeadLetter({ event })], signal);
      const [[name = '', letter] = []] = await kept(store);
      expect(name.split('/')).toHaveLength(4);
      expect(letter?.event.partitionId).toBe(event.partitionId);
    });

    test('a letter is rewritten under its name, and not once it is gone', async () => {
      const store = await open();
      await store.put([exampleDeadLetter()], signal);
      const letterName = deadLetterName(exampleDeadLetter());
      const emptied = { ...exampleDeadLetter().event, body: Uint8Array.of(0x5b, 0x5d) };
      await store.edit(letterName, (letter) => ({ ...letter, event: emptied }), signal);
      expect([...(await kept(store))]).toEqual([[letterName, { ...exampleDeadLetter(), event: emptied }]]);
      await store.edit(letterName, () => undefined, signal);
      await store.edit(letterName, () => exampleDeadLetter(), signal);
      expect((await kept(store)).size).toBe(0);
    });

    test('of two that rewrite one letter at a time neither undoes the other', async () => {
      const store = await open();
      const failures = ['a', 'b', 'c', 'd'].map((audience) => ({ audience, reason: 'No.' }));
      await store.put([exampleDeadLetter({ failures })], signal);
      const letterName = deadLetterName(exampleDeadLetter({ failures }));
      const without = (audience: string): Promise<void> =>
        store.edit(
          letterName,
          (letter) => ({ ...letter, failures: letter.failures.filter((failure) => failure.audience !== audience) }),
          signal,
        );
      await Promise.all(['a', 'b', 'c'].map(without));
      expect((await store.read(letterName, signal))?.failures).toEqual(failures.slice(3));
    });

    test.each<[field: string, over: Partial<DeadLetter>]>([
      ['givenUpAtMs', { givenUpAtMs: 1e300 }],
      ['attempts', { attempts: NaN }],
      ['enqueuedAtMs', { event: { ...exampleDeadLetter().event, enqueuedAtMs: Date.UTC(10_000, 0) } }],
      ['sequenceNumber', { event: { ...exampleDeadLetter().event, sequenceNumber: 0.5 } }],
    ])(
      'letters of which one could not be read again because of %s are refused before any is kept',
      async (field, over) => {
        const store = await open();
        await expect(store.put([exampleDeadLetter(), exampleDeadLetter(over)], signal)).rejects.toThrow(
          new RegExp(`^Failed to keep a dead letter: ${field} is .* This is a defect of the caller.$`),
        );
        expect((await kept(store)).size).toBe(0);
      },
    );

    test('an edit to what could not be read again is refused, and the letter stays as it is', async () => {
      const store = await open();
      await store.put([exampleDeadLetter()], signal);
      const letterName = deadLetterName(exampleDeadLetter());
      await expect(store.edit(letterName, (letter) => ({ ...letter, attempts: -1 }), signal)).rejects.toThrow(
        'Failed to keep a dead letter: attempts is',
      );
      expect(await store.read(letterName, signal)).toEqual(exampleDeadLetter());
    });

    test('an edit that changes nothing writes nothing', async () => {
      const store = await open();
      await store.put([exampleDeadLetter()], signal);
      const letterName = deadLetterName(exampleDeadLetter());
      let looks = 0;
      await store.edit(
        letterName,
        (letter) => {
          looks += 1;
          return letter;
        },
        signal,
      );
      expect(looks).toBe(1);
      expect(await store.read(letterName, signal)).toEqual(exampleDeadLetter());
    });

    test('no letters are no work', async () => {
      const store = await open();
      await store.put([], signal);
      expect((await kept(store)).size).toBe(0);
    });

    test('names come in order, and only those with the prefix', async () => {
      const store = await open();
      const of = (day: number, destination?: string): DeadLetter =>
        exampleDeadLetter({
          event: { ...exampleDeadLetter().event, enqueuedAtMs: Date.UTC(2026, 0, day) },
          ...(destination === undefined ? {} : { destination, outcome: 'rejected' as const }),
        });
      await store.put([of(3), of(1, 'crm'), of(1), of(2, 'ads')], signal);
      const namesWith = async (prefix: string): Promise<string[]> => {
        const names: string[] = [];
        for await (const letterName of store.names(prefix, signal)) names.push(letterName);
        return names;
      };
      expect((await namesWith('')).map((letterName) => letterName.slice(0, 14))).toEqual([
        '2026-01-01/_ev',
        '2026-01-01/crm',
        '2026-01-02/ads',
        '2026-01-03/_ev',
      ]);
      expect(await namesWith('2026-01-01/crm/')).toEqual([deadLetterName(of(1, 'crm'))]);
      expect(await namesWith('2027')).toEqual([]);
    });

    test('a removed letter is gone, and removing it again is no error', async () => {
      const store = await open();
      await store.put([exampleDeadLetter()], signal);
      const letterName = deadLetterName(exampleDeadLetter());
      await store.remove(letterName, signal);
      await store.remove(letterName, signal);
      expect(await store.read(letterName, signal)).toBeUndefined();
      expect((await kept(store)).size).toBe(0);
    });
  });
}
