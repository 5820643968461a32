import { describe, expect, test } from 'vitest';
import { readRetryMessage, RetryMessageError, writeRetryMessage } from '../src/retry-message.ts';
import type { DeferredRow, Retry, RetryQueue } from '../src/retry-queue.ts';
import { isUnreadable } from '../src/unreadable-document.ts';
import { exampleRetry } from './example-retry.ts';

/**
 * What every retry queue promises, as tests. `takeDue` gives the messages that are due, as the
 * trigger does; it waits for one when `expected` says that there is one.
 */
export function describeRetryQueueContract<Queue extends RetryQueue>(
  name: string,
  open: () => Promise<Queue>,
  takeDue: (queue: Queue, expected: number) => Promise<readonly string[]>,
): void {
  const { signal } = new AbortController();
  const hourMs = 3_600_000;
  const now = (): number => Date.now();
  const waitingIn = async (queue: RetryQueue): Promise<Retry[]> => {
    const retries: Retry[] = [];
    for await (const found of queue.waiting(signal)) {
      if (isUnreadable(found)) continue;
      const { dueAtMs, ...retry } = found;
      expect(dueAtMs).toBeTypeOf('number');
      retries.push(retry);
    }
    return retries;
  };

  describe(name, () => {
    test('what is asked under a signal that is aborted is refused with its reason, and nothing is done', async () => {
      const queue = await open();
      const retry = exampleRetry();
      await queue.put(retry, now(), signal);
      const [message = ''] = await takeDue(queue, 1);
      const aborted = AbortSignal.abort(new Error('deadline'));
      const calls: readonly (() => Promise<unknown>)[] = [
        () => queue.put({ ...retry, attempts: 9 }, now(), aborted),
        () => queue.read(message, aborted),
        () => queue.postpone(retry, now(), aborted),
        () => queue.giveBack(retry, now(), aborted),
        () => queue.wake(retry.destination, { nowMs: now(), everyMs: 0, signal: aborted }),
        () => queue.remove(retry.id, aborted),
        () => Array.fromAsync(queue.waiting(aborted)),
        () => queue.edit(retry.id, (edited) => ({ ...edited, attempts: 9 }), aborted),
        () => queue.reschedule(retry.id, now(), aborted),
        () => queue.reschedule('gone', now(), aborted),
      ];
      for (const call of calls) await expect(call()).rejects.toThrow('deadline');
      expect(await waitingIn(queue)).toEqual([retry]);
    });

    test('a retry comes back whole when it is due', async () => {
      const queue = await open();
      await queue.put(exampleRetry(), now(), signal);
      const [message] = await takeDue(queue, 1);
      expect(await queue.read(message ?? '', signal)).toEqual(exampleRetry());
    });

    test('a retry comes back with the receipts of what was accepted', async () => {
      const queue = await open();
      const retry = exampleRetry({ receipts: { 'change-1': 'request-1', 'change-2': 'request-1' } });
      await queue.put(retry, now(), signal);
      const [message] = await takeDue(queue, 1);
      expect(await queue.read(message ?? '', signal)).toEqual(retry);
    });

    test('a retry comes back with its rows, with and without an event, and with how it is to end', async () => {
      const queue = await open();
      const rowOf = (value: string): DeferredRow => ({
        destination: 'crm',
        identity: { namespace: 'email', value },
        audience: { namespace: 'ups', id: '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02' },
      });
      const rows = ['Zoë\n@example.com', 'half\ud835', 'x'.repeat(40_000)].map(rowOf);
      const retry = exampleRetry({
        rows,
        events: exampleRetry().events.map((each) => ({ ...each, rows })),
        chainId: 'first',
        givesUp: true,
        traceParent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        notBeforeMs: Date.UTC(2026, 0, 31, 14),
      });
      await queue.put(retry, now(), signal);
      const [message] = await takeDue(queue, 1);
      expect(await queue.read(message ?? '', signal)).toEqual(retry);
      expect(await waitingIn(queue)).toEqual([retry]);
    });

    test('a retry is not given before it is due, but can be seen waiting, with when it is due', async () => {
      const queue = await open();
      const dueAtMs = now() + hourMs;
      await queue.put(exampleRetry(), dueAtMs, signal);
      expect(await takeDue(queue, 0)).toEqual([]);
      expect(await waitingIn(queue)).toEqual([exampleRetry()]);
      expect(await Array.fromAsync(queue.waiting(signal))).toMatchObject([{ dueAtMs }]);
    });

    test('a time more than a week away is allowed, and so is one that has passed; what waits longer than it can comes', async () => {
      const queue = await open();
      await queue.put(exampleRetry({ id: 'far' }), now() + 30 * 86_400_000, signal);
      await queue.put(exampleRetry({ id: 'past' }), 0, signal);
      const messages = await takeDue(queue, 1);
      expect(await Promise.all(messages.map((message) => queue.read(message, signal)))).toEqual([
        exampleRetry({ id: 'past' }),
      ]);
      const far = writeRetryMessage(exampleRetry({ id: 'far' }));
      expect(await queue.read(far, signal, 31 * 86_400_000)).toBeUndefined();
      expect(await queue.read(far, signal, 29 * 86_400_000)).toEqual(exampleRetry({ id: 'far' }));
    });

    test('events with large bodies are kept as they are', async () => {
      const queue = await open();
      const body = new Uint8Array(1_048_576).fill(0x5b);
      const events = [1, 2, 3].map((sequenceNumber) => ({
        event: { body, partitionId: '0', sequenceNumber, enqueuedAtMs: 1 },
        audiences: ['a'],
        rows: [],
      }));
      await queue.put(exampleRetry({ events }), now(), signal);
      const [message] = await takeDue(queue, 1);
      const retry = await queue.read(message ?? '', signal);
      expect(retry?.events.map(({ event }) => event.body.byteLength)).toEqual([1_048_576, 1_048_576, 1_048_576]);
    });

    test('a retry that is put again is replaced, and each of its messages finds it as it is now', async () => {
      const queue = await open();
      await queue.put(exampleRetry(), now(), signal);
      await queue.put(exampleRetry({ attempts: 4 }), now(), signal);
      const messages = await takeDue(queue, 2);
      expect(messages).toHaveLength(2);
      for (const message of messages) expect((await queue.read(message, signal))?.attempts).toBe(4);
    });

    test('a removed retry leaves a message that points to nothing', async () => {
      const queue = await open();
      await queue.put(exampleRetry(), now(), signal);
      await queue.remove(exampleRetry().id, signal);
      await queue.remove(exampleRetry().id, signal);
      const [message] = await takeDue(queue, 1);
      expect(await queue.read(message ?? '', signal)).toBeUndefined();
      expect(await waitingIn(queue)).toEqual([]);
    });

    test('what a retry points to can be rewritten while it waits, and not once it is gone', async () => {
      const queue = await open();
      await queue.put(exampleRetry(), now(), signal);
      await queue.edit(exampleRetry().id, (retry) => ({ ...retry, events: [] }), signal);
      const [message] = await takeDue(queue, 1);
      expect(await queue.read(message ?? '', signal)).toEqual(exampleRetry({ events: [] }));
      await queue.remove(exampleRetry().id, signal);
      const seen: Retry[] = [];
      const look = (retry: Retry): Retry => {
        seen.push(retry);
        return retry;
      };
      await queue.edit(exampleRetry().id, look, signal);
      expect(seen).toEqual([]);
      expect(await waitingIn(queue)).toEqual([]);
    });

    test('a retry that is rewritten to nothing is gone', async () => {
      const queue = await open();
      await queue.put(exampleRetry(), now(), signal);
      await queue.edit(exampleRetry().id, () => undefined, signal);
      expect(await waitingIn(queue)).toEqual([]);
      const [message] = await takeDue(queue, 1);
      expect(await queue.read(message ?? '', signal)).toBeUndefined();
    });

    test('of two that rewrite one retry at a time neither undoes the other', async () => {
      const queue = await open();
      const [deferred] = exampleRetry().events;
      if (deferred === undefined) throw new Error('unreachable');
      const events = ['a', 'b', 'c', 'd'].map((audience) => ({ ...deferred, audiences: [audience] }));
      await queue.put(exampleRetry({ events }), now(), signal);
      const without = (audience: string): Promise<void> =>
        queue.edit(
          exampleRetry().id,
          (retry) => ({ ...retry, events: retry.events.filter(({ audiences }) => !audiences.includes(audience)) }),
          signal,
        );
      await Promise.all(['a', 'b', 'c'].map(without));
      expect((await waitingIn(queue)).map((retry) => retry.events.map(({ audiences }) => audiences))).toEqual([
        [['d']],
      ]);
    });

    test('a retry is due at another time by its own word, and keeps what was erased from it', async () => {
      const queue = await open();
      const heldUntilMs = now() + hourMs;
      await queue.put(exampleRetry({ notBeforeMs: heldUntilMs }), heldUntilMs, signal);
      await queue.edit(exampleRetry().id, (retry) => ({ ...retry, events: [] }), signal);
      await queue.reschedule(exampleRetry().id, now(), signal);
      const [message] = await takeDue(queue, 1);
      expect(await queue.read(message ?? '', signal)).toEqual(exampleRetry({ events: [] }));
      await queue.remove(exampleRetry().id, signal);
      await queue.reschedule(exampleRetry().id, now(), signal);
      expect(await takeDue(queue, 0)).toEqual([]);
      expect(await waitingIn(queue)).toEqual([]);
    });

    const event = exampleRetry().events[0]?.event;
    if (event === undefined) throw new Error('unreachable');
    test.each<[field: string, over: Partial<Retry>, dueAtMs: number]>([
      ['dueAtMs', {}, Date.UTC(57_000, 0)],
      ['dueAtMs', {}, 1e300],
      ['dueAtMs', {}, NaN],
      ['dueAtMs', {}, Date.UTC(-1, 0)],
      ['firstDeferredAtMs', { firstDeferredAtMs: Infinity }, 0],
      ['notBeforeMs', { notBeforeMs: Date.UTC(10_000, 0) }, 0],
      ['attempts', { attempts: -1 }, 0],
      ['attempts', { attempts: 0.5 }, 0],
      ['enqueuedAtMs', { events: [{ audiences: [], rows: [], event: { ...event, enqueuedAtMs: NaN } }] }, 0],
      ['sequenceNumber', { events: [{ audiences: [], rows: [], event: { ...event, sequenceNumber: 2 ** 60 } }] }, 0],
      ['its id', { id: '../a' }, 0],
      ['its destination', { destination: 'half\ud835' }, 0],
    ])(
      'a retry that could not be read again because of %s is refused before it is kept',
      async (field, over, dueAtMs) => {
        const queue = await open();
        await expect(queue.put(exampleRetry(over), dueAtMs, signal)).rejects.toThrow(
          new RegExp(`^Failed to keep a retry: ${field} (is|has) .* This is a defect of the caller.$`),
        );
        expect(await waitingIn(queue)).toEqual([]);
        expect(await takeDue(queue, 0)).toEqual([]);
      },
    );

    test('an edit to what could not be read again is refused, and the retry stays as it is', async () => {
      const queue = await open();
      await queue.put(exampleRetry(), now(), signal);
      await expect(queue.edit(exampleRetry().id, (retry) => ({ ...retry, attempts: NaN }), signal)).rejects.toThrow(
        'Failed to keep a retry: attempts is',
      );
      await expect(queue.reschedule(exampleRetry().id, NaN, signal)).rejects.toThrow(
        'Failed to keep a retry: dueAtMs is',
      );
      expect(await waitingIn(queue)).toEqual([exampleRetry()]);
    });

    test('a retry of the first and the last time that can be kept comes back', async () => {
      const queue = await open();
      const [first, last] = [Date.UTC(2000, 0) - 2000 * 365.2425 * 86_400_000, 253_402_300_799_999];
      const retry = exampleRetry({ firstDeferredAtMs: first, notBeforeMs: last });
      await queue.put(retry, first, signal);
      const [message] = await takeDue(queue, 1);
      expect(await queue.read(message ?? '', signal)).toEqual(retry);
    });

    test.each([
      '',
      'hello',
      '{}',
      '{"version":2,"retry":"a"}',
      '{"version":1,"retry":"../a"}',
      '{"version":1,"retry":7}',
      '{"version":1,"retry":"a"}',
      '{"version":1,"retry":"a","destination":"crm","attempts":0,"firstDeferredAt":"soon"}',
      '{"version":1,"retry":"a","destination":"crm","attempts":0,"firstDeferredAt":"2026-01-31T13:00:00.000Z","woken":1}',
      '{"version":1,"retry":"a","destination":"crm","attempts":-1,"firstDeferredAt":"2026-01-31T13:00:00.000Z"}',
    ])('a message of another origin is refused: %s', async (message) => {
      const queue = await open();
      await expect(queue.read(message, signal)).rejects.toThrow(RetryMessageError);
    });

    test('a message says of which retry it is, without reading it', async () => {
      const queue = await open();
      await queue.put(exampleRetry(), now(), signal);
      const [message = ''] = await takeDue(queue, 1);
      const { id, destination, attempts, firstDeferredAtMs } = exampleRetry();
      expect(readRetryMessage(message)).toEqual({ id, destination, attempts, firstDeferredAtMs });
    });

    test('a message that is postponed comes again when it is due, and finds its retry as it was', async () => {
      const queue = await open();
      await queue.put(exampleRetry(), now(), signal);
      const [first = ''] = await takeDue(queue, 1);
      await queue.postpone(readRetryMessage(first), now(), signal);
      const [second = ''] = await takeDue(queue, 1);
      expect(second).toBe(first);
      expect(await queue.read(second, signal)).toEqual(exampleRetry());
      await queue.postpone(readRetryMessage(second), now() + 3_600_000, signal);
      expect(await takeDue(queue, 0)).toEqual([]);
      expect(await waitingIn(queue)).toEqual([exampleRetry()]);
    });

    test('a message of an earlier time gives nothing, and does not end the retry', async () => {
      const queue = await open();
      await queue.put(exampleRetry(), now(), signal);
      await queue.put(exampleRetry({ attempts: 4 }), now() + hourMs, signal);
      const [early = ''] = await takeDue(queue, 1);
      expect(await queue.read(early, signal)).toBeUndefined();
      expect(await takeDue(queue, 0)).toEqual([]);
      expect(await waitingIn(queue)).toEqual([exampleRetry({ attempts: 4 })]);
    });

    test('the retries of a destination are woken, and those of others wait on', async () => {
      const queue = await open();
      const [mine, also, other] = [
        exampleRetry({ id: 'mine' }),
        exampleRetry({ id: 'also', events: [] }),
        exampleRetry({ id: 'other', destination: 'ads' }),
      ];
      for (const retry of [mine, also, other]) await queue.put(retry, now() + hourMs, signal);
      expect(await queue.wake('crm', { nowMs: now(), everyMs: 0, signal })).toBe(2);
      const messages = await takeDue(queue, 2);
      const woken = await Promise.all(messages.map((message) => queue.read(message, signal)));
      expect(woken.map((retry) => retry?.id).sort()).toEqual(['also', 'mine']);
      expect(woken).toContainEqual(mine);
      expect((await waitingIn(queue)).map(({ id }) => id).sort()).toEqual(['also', 'mine', 'other']);
      expect(await queue.wake('nobody', { nowMs: now(), everyMs: 0, signal })).toBe(0);
    });

    test('retries are woken one by one, the newest first', async () => {
      const queue = await open();
      for (const minute of [1, 3, 2])
        await queue.put(
          exampleRetry({ id: `minute-${minute}`, firstDeferredAtMs: minute * 60_000 }),
          now() + hourMs,
          signal,
        );
      expect(await queue.wake('crm', { nowMs: now() - 1_000, everyMs: hourMs, signal })).toBe(3);
      expect((await takeDue(queue, 1)).map((message) => readRetryMessage(message).id)).toEqual(['minute-3']);
      expect(await queue.wake('crm', { nowMs: now() - 1.5 * hourMs, everyMs: hourMs, signal })).toBe(3);
      expect((await takeDue(queue, 2)).map((message) => readRetryMessage(message).id).sort()).toEqual([
        'minute-2',
        'minute-3',
      ]);
    });

    test('a retry with receipts, or of which the time has not come, is not woken', async () => {
      const queue = await open();
      const receipts = { 'change-1': 'request-1' };
      await queue.put(exampleRetry({ id: 'accepted', class: 'accepted', receipts }), now() + hourMs, signal);
      await queue.put(exampleRetry({ id: 'throttled', notBeforeMs: now() + hourMs }), now() + hourMs, signal);
      await queue.put(exampleRetry({ id: 'backed-off', notBeforeMs: now() - 1 }), now() + hourMs, signal);
      expect(await queue.wake('crm', { nowMs: now(), everyMs: 0, signal })).toBe(1);
      const [message = ''] = await takeDue(queue, 1);
      expect(await queue.read(message, signal)).toMatchObject({ id: 'backed-off' });
    });

    test('a woken message gives nothing when its retry must not come so early any more', async () => {
      const queue = await open();
      await queue.put(exampleRetry(), now() + hourMs, signal);
      await queue.wake('crm', { nowMs: now(), everyMs: 0, signal });
      await queue.put(exampleRetry({ notBeforeMs: now() + hourMs }), now() + hourMs, signal);
      const [message = ''] = await takeDue(queue, 1);
      expect(await queue.read(message, signal)).toBeUndefined();
      expect(await takeDue(queue, 0)).toEqual([]);
      expect(await waitingIn(queue)).toHaveLength(1);
    });

    test('several messages of one retry find it as it is, and nothing once it is gone', async () => {
      const queue = await open();
      await queue.put(exampleRetry(), now(), signal);
      for (let times = 0; times < 3; times += 1) await queue.wake('crm', { nowMs: now(), everyMs: 0, signal });
      const [first = '', ...others] = await takeDue(queue, 4);
      expect(others).toHaveLength(3);
      expect(await queue.read(first, signal)).toEqual(exampleRetry());
      for (const other of others.slice(1)) expect(await queue.read(other, signal)).toEqual(exampleRetry());
      await queue.remove(exampleRetry().id, signal);
      for (const other of [first, ...others]) expect(await queue.read(other, signal)).toBeUndefined();
      expect(await waitingIn(queue)).toEqual([]);
    });

    test('of several messages of one retry each can be given back, and only the one that put sent postponed', async () => {
      const queue = await open();
      await queue.put(exampleRetry(), now(), signal);
      for (let times = 0; times < 3; times += 1) await queue.wake('crm', { nowMs: now(), everyMs: 0, signal });
      const messages = await takeDue(queue, 4);
      expect(messages).toHaveLength(4);
      for (const message of messages) await queue.giveBack(readRetryMessage(message), now(), signal);
      expect((await takeDue(queue, 4)).toSorted()).toEqual(messages.toSorted());
      for (const message of messages) await queue.postpone(readRetryMessage(message), now(), signal);
      expect(await takeDue(queue, 1)).toEqual([writeRetryMessage(exampleRetry())]);
    });

    test('a message of a retry that never was points to nothing', async () => {
      const queue = await open();
      expect(await queue.read(writeRetryMessage(exampleRetry({ id: 'never' })), signal)).toBeUndefined();
    });

    test('an aborted signal ends waking with its reason', async () => {
      const queue = await open();
      const aborted = AbortSignal.abort(new Error('deadline'));
      await expect(queue.wake('crm', { nowMs: now(), everyMs: 0, signal: aborted })).rejects.toThrow('deadline');
    });

    test('an aborted signal ends a put with its reason', async () => {
      const queue = await open();
      await expect(queue.put(exampleRetry(), now(), AbortSignal.abort(new Error('deadline')))).rejects.toThrow(
        'deadline',
      );
    });
  });
}
