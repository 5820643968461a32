import { expect, test } from 'vitest';
import { inParts } from './in-parts.ts';
import { removedFirst } from './person-ids.ts';
import { DestinationError } from './verdict.ts';

const failing = () => Promise.reject(new DestinationError('invalid', 'Failed.'));

test('parts are told one after the other, and the first may fail without doubt', async () => {
  const told: number[] = [];
  const tell = (part: number) => {
    told.push(part);
    return part === 3 ? failing() : Promise.resolve(part * 2);
  };
  expect(await inParts([1, 2], tell)).toEqual([2, 4]);
  await expect(inParts([3, 4], tell)).rejects.toMatchObject({ class: 'invalid', doubt: undefined });
  await expect(inParts([1, 3, 4], tell)).rejects.toMatchObject({ class: 'invalid', doubt: 'answered' });
  expect(told).toEqual([1, 2, 3, 1, 3]);
});

test('what is theirs no longer is taken out before, and an addition that then fails is in doubt', async () => {
  const order: string[] = [];
  const remove = (rows: readonly string[]) => Promise.resolve(order.push(...rows));
  const add = () => Promise.resolve(order.push('added'));
  await removedFirst(['old'], remove, add);
  await removedFirst([], failing, add);
  expect(order).toEqual(['old', 'added', 'added']);
  await expect(removedFirst(['old'], remove, failing)).rejects.toMatchObject({ doubt: 'answered' });
  await expect(removedFirst([], remove, failing)).rejects.toMatchObject({ doubt: undefined });
  await expect(removedFirst(['old'], failing, add)).rejects.toMatchObject({ doubt: undefined });
});
