import { expect, test } from 'vitest';
import { z } from 'zod';
import { listOptions } from './list-options.ts';

const options = listOptions(
  'static list',
  z
    .int()
    .positive()
    .meta({ examples: [7] }),
);

test('a list is named by its name or its id, and only one by its name is created', () => {
  expect(options.parse({ list: ' Fans ' })).toEqual({ list: 'Fans', createList: false });
  expect(options.parse({ listId: 7 })).toEqual({ listId: 7, createList: false });
  expect(options.shape.listId.meta()?.examples).toEqual([7]);
});

test.each([
  [{}, 'either list or listId'],
  [{ list: 'a', listId: 7 }, 'either list or listId'],
  [{ listId: 7, createList: true }, 'Use list'],
])('the options %j are refused', (written, sentence) => {
  expect(() => options.parse(written)).toThrow(sentence);
});
