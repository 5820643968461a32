import { expect, test } from 'vitest';
import { readRetryMessage, RetryMessageError, writeRetryMessage } from './retry-message.ts';

const pointer = { id: 'r-1', destination: 'crm', attempts: 3, firstDeferredAtMs: Date.UTC(2026, 0, 31, 13) };
const written = {
  version: 1,
  retry: 'r-1',
  destination: 'crm',
  attempts: 3,
  firstDeferredAt: '2026-01-31T13:00:00.000Z',
};

test('a message says what its retry is, and whether it was woken', () => {
  expect(JSON.parse(writeRetryMessage(pointer))).toEqual(written);
  expect(readRetryMessage(writeRetryMessage(pointer))).toStrictEqual(pointer);
  expect(readRetryMessage(writeRetryMessage({ ...pointer, isWoken: true }))).toStrictEqual({
    ...pointer,
    isWoken: true,
  });
});

test('a message of what was not tried yet is read', () => {
  const untried = { ...pointer, attempts: 0 };
  expect(readRetryMessage(writeRetryMessage(untried))).toStrictEqual(untried);
});

test.each<[string, unknown]>([
  ['no JSON', undefined],
  ['nothing', null],
  ['a text', 'r-1'],
  ['one of another version', { ...written, version: 2 }],
  ['one with a number for its id', { ...written, retry: 7 }],
  ['one with an id that names a path', { ...written, retry: 'r-1/../r-2' }],
  ['one with an id that is too long', { ...written, retry: 'r'.repeat(65) }],
  ['one without a destination', { ...written, destination: undefined }],
  ['one with a number for its time', { ...written, firstDeferredAt: 2026 }],
  ['one with a time that is none', { ...written, firstDeferredAt: 'soon' }],
  ['one with a text for its attempts', { ...written, attempts: '3' }],
  ['one with fewer attempts than none', { ...written, attempts: -1 }],
  ['one that was woken by a word', { ...written, woken: 'yes' }],
])('%s is none of our messages, and is named as that', (_, message) => {
  const read = () => readRetryMessage(message === undefined ? '{' : JSON.stringify(message));
  expect(read).toThrow(RetryMessageError);
  expect(read).toThrow(
    expect.objectContaining({
      name: 'RetryMessageError',
      message:
        'Failed to read the retry: the message is of another origin. Find out what else writes to the queue, and stop it.',
    }),
  );
});
