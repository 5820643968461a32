import { expect, test } from 'vitest';
import { isUnreadable, orUnreadable, UnreadableDocumentError } from './unreadable-document.ts';

test('a document that cannot be read is given by its name, and every other failure is thrown', async () => {
  const unreadable = await orUnreadable(Promise.reject(new UnreadableDocumentError('It is no JSON.', 'letters/1')));
  expect(unreadable).toEqual({ unreadable: 'letters/1' });
  await expect(orUnreadable(Promise.reject(new Error('The store is down.')))).rejects.toThrow('The store is down.');
  const read = await orUnreadable(Promise.resolve({ version: 1 }));
  expect(read).toEqual({ version: 1 });
  expect([isUnreadable(unreadable), isUnreadable(read)]).toEqual([true, false]);
  expect(new UnreadableDocumentError('It is no JSON.', 'letters/1').name).toBe('UnreadableDocumentError');
});
