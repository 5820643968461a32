import { expect, test } from 'vitest';
import { reading } from './reading.ts';
import { DestinationError } from './verdict.ts';

test('a failure of a question leaves no doubt and keeps everything else', async () => {
  const error = new DestinationError('throttled', 'Slow down.', { notBeforeMs: 7, doubt: 'answered' });
  const thrown: unknown = await reading(Promise.reject(error)).catch((caught: unknown) => caught);
  expect(thrown).toBeInstanceOf(DestinationError);
  expect(thrown).toMatchObject({ class: 'throttled', message: 'Slow down.', notBeforeMs: 7, doubt: undefined });
});

test('an answer, a certain failure and a defect pass as they are', async () => {
  expect(await reading(Promise.resolve(7))).toBe(7);
  for (const error of [new DestinationError('set-up', 'No list.'), new TypeError('a defect')]) {
    await expect(reading(Promise.reject(error))).rejects.toBe(error);
  }
});
