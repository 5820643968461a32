import { expect, test } from 'vitest';
import { z } from 'zod';
import { readAnswer } from './read-answer.ts';

const schema = z.object({ ids: z.array(z.string()) });
const read = (body: string) => readAnswer({ status: 200, headers: {}, body }, schema);

test('an answer as documented is read, with fields that the schema does not name left out', () => {
  expect(read('{"ids":["1"],"new":true}')).toEqual({ ids: ['1'] });
});

test.each(['', '{"ids":["ann@exam', '{"ids":"ann@example.com"}', '["ann@example.com"]'])(
  '%j is in doubt and is not repeated in the error',
  (body) => {
    expect(() => read(body)).toThrow(expect.objectContaining({ class: 'transient', doubt: 'answered' }));
    expect(() => read(body)).not.toThrow(/ann/);
  },
);
