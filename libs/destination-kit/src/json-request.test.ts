import { expect, test } from 'vitest';
import { jsonRequests } from './json-request.ts';

const request = jsonRequests({ baseUrl: 'https://vendor.example//', timeoutMs: 5 }, '/v1', { version: '7' });

test('a request is below the base and the root, asks for what is given, and has the headers', () => {
  expect(request('GET', '/lists', { query: { page: '2', from: undefined, name: 'a b' } })).toEqual({
    method: 'GET',
    url: 'https://vendor.example/v1/lists?page=2&name=a+b',
    headers: { accept: 'application/json', version: '7' },
    timeoutMs: 5,
  });
  expect(request('POST', '', { body: { a: 1 }, headers: { more: 'x' } })).toEqual({
    method: 'POST',
    url: 'https://vendor.example/v1',
    headers: { accept: 'application/json', 'content-type': 'application/json', version: '7', more: 'x' },
    body: '{"a":1}',
    timeoutMs: 5,
  });
});
