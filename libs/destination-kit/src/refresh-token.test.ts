import { expect, test } from 'vitest';
import { z } from 'zod';
import type { HttpSender } from './authorized.ts';
import type { HttpRequest } from './http-message.ts';
import { refreshTokenSettings, withRefreshToken } from './refresh-token.ts';
import { Secret } from './secret.ts';

const never = new AbortController().signal;
const token = {
  tokenUrl: 'https://vendor.example/token',
  clientId: 'app',
  clientSecret: new Secret('s3cret'),
  refreshToken: new Secret('refresh'),
  advice: 'Store a new refresh token.',
};

/** What a vendor gets that gives a token, or refuses it with this status. */
async function ask(more: object = {}, status = 200) {
  const sent: HttpRequest[] = [];
  const http: HttpSender = {
    send: (request) => {
      sent.push(request);
      return Promise.resolve({ status, headers: {}, body: JSON.stringify({ access_token: 'good', expires_in: 60 }) });
    },
  };
  const sender = withRefreshToken(http, { ...token, ...more }, () => 0);
  await sender.send({ method: 'GET', url: 'https://vendor.example/', headers: {} }, never);
  return sent;
}

test('an app says who it is in the form, or in a header', async () => {
  const [asked, signed] = await ask();
  expect(Object.fromEntries(new URLSearchParams(asked?.body))).toEqual({
    grant_type: 'refresh_token',
    refresh_token: 'refresh',
    client_id: 'app',
    client_secret: 's3cret',
  });
  expect(asked?.headers.authorization).toBeUndefined();
  expect(signed?.headers.authorization).toBe('Bearer good');
  const [basic] = await ask({ isBasic: true });
  expect(Object.fromEntries(new URLSearchParams(basic?.body))).toEqual({
    grant_type: 'refresh_token',
    refresh_token: 'refresh',
  });
  expect(basic?.headers.authorization).toBe(`Basic ${Buffer.from('app:s3cret').toString('base64')}`);
});

test('credentials that are refused are a fault of the set-up, with the advice', async () => {
  await expect(ask({}, 400)).rejects.toMatchObject({
    class: 'set-up',
    doubt: undefined,
    message: expect.stringContaining('Store a new refresh token.') as string,
  });
});

test.each(['clientSecret', 'refreshToken'])('a line end in %s is said before anything is asked', async (name) => {
  await expect(ask({ [name]: new Secret('line\n') })).rejects.toThrow(name);
});

test('the settings name the secrets by the vendor', () => {
  const app = { description: 'An app.', example: 'app-1', secret: 'Its secret.' };
  const settings = z.strictObject(refreshTokenSettings('acme', app, 'A user.'));
  expect(settings.shape.clientSecret.meta()).toMatchObject({ examples: [{ secret: 'acme-client-secret' }] });
  expect(settings.shape.refreshToken.meta()).toMatchObject({ description: 'A user.' });
  expect(settings.shape.clientId.safeParse('app 1').success).toBe(false);
  expect(settings.shape.clientId.safeParse('app:1').success).toBe(true);
  // In a header the first colon ends the id (RFC 7617, section 2).
  const basic = z.strictObject(refreshTokenSettings('acme', { ...app, isBasic: true }, 'A user.'));
  expect(basic.shape.clientId.safeParse('app:1').success).toBe(false);
  expect(basic.shape.clientId.safeParse('app-1').success).toBe(true);
});
