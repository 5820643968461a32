import { expect, test } from 'vitest';
import { shownRequest } from './shown-request.ts';

const shown = {
  addresses: [
    { local: 'http://127.0.0.1:5000', own: 'https://crm.example.com/' },
    { local: 'http://127.0.0.1:5000/sign-in', own: 'https://login.example.com' },
  ],
  secrets: ['hush & hush'],
};

test('addresses are those of the file, also where they are encoded', () => {
  const request = {
    method: 'POST',
    url: 'http://127.0.0.1:5000/sign-in/token',
    headers: { referer: 'http://127.0.0.1:5000/a' },
    body: `scope=${encodeURIComponent('http://127.0.0.1:5000')}%2F.default`,
  } as const;
  expect(shownRequest(request, shown)).toEqual({
    method: 'POST',
    url: 'https://login.example.com/token',
    headers: { referer: 'https://crm.example.com/a' },
    body: 'scope=https%3A%2F%2Fcrm.example.com%2F.default',
  });
});

test('secrets are shown neither by their value nor under the name of one', () => {
  const request = {
    method: 'POST',
    url: 'https://crm.example.com',
    headers: {
      Authorization: 'Bearer abc',
      'Content-Type': 'application/x-www-form-urlencoded',
      'x-key': 'hush & hush',
    },
    body: `grant=a&client_secret=${encodeURIComponent('hush & hush')}&assertion=e30.e30.x&note=hush%20%26%20hush`,
  } as const;
  expect(shownRequest(request, shown)).toMatchObject({
    headers: { Authorization: '[secret]', 'x-key': '[secret]' },
    body: 'grant=a&client_secret=[secret]&assertion=[secret]&note=%5Bsecret%5D',
  });
});
