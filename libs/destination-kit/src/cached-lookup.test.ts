import { expect, test } from 'vitest';
import { CachedLookup } from './cached-lookup.ts';

const never = new AbortController().signal;

function counting(fail = false) {
  const asked: string[] = [];
  const remembered = new CachedLookup((key) => {
    asked.push(key);
    return fail && asked.length === 1 ? Promise.reject(new Error('not now')) : Promise.resolve(asked.length);
  }, 2);
  return { asked, remembered };
}

test('who asks at the same time and later gets the first answer', async () => {
  const { asked, remembered } = counting();
  const answers = [remembered.get('a', never), remembered.get('a', never)];
  expect(await Promise.all(answers)).toEqual([1, 1]);
  expect(await remembered.get('a', never)).toBe(1);
  expect(asked).toEqual(['a']);
});

test('a failure reaches all who wait and is not remembered', async () => {
  const { remembered } = counting(true);
  const answers = await Promise.allSettled([remembered.get('a', never), remembered.get('a', never)]);
  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await remembered.get('a', never)).toBe(2);
});

test('what is forgotten, or over the bound, is asked for anew', async () => {
  const { asked, remembered } = counting();
  for (const key of ['a', 'b', 'a']) await remembered.get(key, never);
  remembered.forget('b');
  for (const key of ['b', 'c', 'b', 'a']) await remembered.get(key, never);
  expect(asked).toEqual(['a', 'b', 'b', 'c', 'a']);
});

test('who stops waiting gets an error without doubt, and the others their answer', async () => {
  const { promise, resolve } = Promise.withResolvers<number>();
  const remembered = new CachedLookup(() => promise);
  const stop = new AbortController();
  const [left, stayed] = [remembered.get('a', stop.signal), remembered.get('a', never)];
  stop.abort();
  await expect(left).rejects.toMatchObject({ class: 'transient', doubt: undefined });
  resolve(7);
  expect(await stayed).toBe(7);
  await expect(remembered.get('a', AbortSignal.abort())).rejects.toMatchObject({ class: 'transient' });
});

test('what turned out to be wrong is asked for anew once, for all who found that out', async () => {
  const { asked, remembered } = counting();
  const wrong = await remembered.get('a', never);
  const answers = [remembered.getAfter(wrong, 'a', never), remembered.getAfter(wrong, 'a', never)];
  expect(await Promise.all(answers)).toEqual([2, 2]);
  expect(await remembered.getAfter(wrong, 'a', never)).toBe(2);
  expect(asked).toEqual(['a', 'a']);
});
