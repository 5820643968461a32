import { systemClock } from '@activation-hub/delivery';
import { createHttpClient } from '@activation-hub/destination-kit';
import { afterAll, expect, test } from 'vitest';
import { standInServiceAccountKey } from './google-customer-match/vendor.ts';
import { setUpTarget } from './set-up-target.ts';

const http = createHttpClient({ allowPrivateAddresses: true });
afterAll(() => http.close());

const options = {
  readSecret: () => Promise.resolve(Buffer.alloc(24, 'x').toString('base64')),
  http,
  clock: systemClock,
  print: () => undefined,
};
const entry = {
  key: 'crm',
  formerly: [],
  ledgerName: 'crm',
  type: 'webhook',
  settings: { url: 'http://127.0.0.1:9/hook', signingSecret: { secret: 'signing' }, batchSize: 50 },
  limits: {},
};

test('a destination has the limits of its connector', async () => {
  const target = await setUpTarget(entry, options);
  expect(target).toMatchObject({ key: 'crm', batchBy: 'destination', limits: { batchCount: 50, concurrency: 8 } });
});

test('an identity stays as it is where the kind of destination says nothing about it', async () => {
  const target = await setUpTarget(entry, options);
  expect(target.formIdentity({ namespace: 'email', value: ' Ann@Example.com' })).toBe(' Ann@Example.com');
});

test('an identity has the form that the kind of destination gives it, or none', async () => {
  const settings = { restUrl: 'http://127.0.0.1:9', apiKey: { secret: 'key' } };
  const target = await setUpTarget({ ...entry, type: 'braze', settings }, options);
  expect(target.formIdentity({ namespace: 'email', value: ' Ann@Example.com' })).toBe('ann@example.com');
  expect(target.formIdentity({ namespace: 'email', value: 'nobody' })).toBeUndefined();
});

test('the activation file lowers limits and never raises them', async () => {
  const limits = { batchCount: 10, concurrency: 1_000 };
  expect((await setUpTarget({ ...entry, limits }, options)).limits).toMatchObject({ batchCount: 10, concurrency: 8 });
});

test('how long a destination is tried again is what the file says, else what its kind says, else a day', async () => {
  const givenUpAfter = async (of: object): Promise<number> =>
    (await setUpTarget({ ...entry, ...of }, options)).giveUpAfterMs / 3_600_000;
  expect(await givenUpAfter({})).toBe(24);
  expect(await givenUpAfter({ giveUpAfterMs: 7_200_000 })).toBe(2);
  const serviceAccountKey = { secret: 'key' };
  const google = {
    type: 'google-customer-match',
    settings: { serviceAccountKey, accountId: '1234567890', customerMatchOptions: 'accepted' },
  };
  const readSecret = (): Promise<string> => Promise.resolve(standInServiceAccountKey());
  const target = await setUpTarget({ ...entry, ...google }, { ...options, readSecret });
  expect(target.giveUpAfterMs / 3_600_000).toBe(72);
});

test('how long a destination may ask to be left alone is what the file says, else an hour, and never longer than it is tried again', async () => {
  const leftAloneMs = async (of: object): Promise<number> =>
    (await setUpTarget({ ...entry, ...of }, options)).retryAfterMaxMs;
  expect(await leftAloneMs({})).toBe(3_600_000);
  expect(await leftAloneMs({ retryAfterMaxMs: 7_200_000 })).toBe(7_200_000);
  expect(await leftAloneMs({ giveUpAfterMs: 600_000 })).toBe(600_000);
  expect(await leftAloneMs({ giveUpAfterMs: 600_000, retryAfterMaxMs: 60_000 })).toBe(60_000);
});

test('a secret that cannot be read stops the set-up with the words of the reader', async () => {
  const readSecret = (name: string): Promise<string> => Promise.reject(new Error(`No secret ${name} in the vault.`));
  await expect(setUpTarget(entry, { ...options, readSecret })).rejects.toThrow('No secret signing in the vault.');
});

test('a type that no connector defines is named', async () => {
  await expect(setUpTarget({ ...entry, type: 'pigeon' }, options)).rejects.toThrow('pigeon');
});

test('a version of the vendor’s API that is near its end is warned of when the destination is set up', async () => {
  const settings = {
    adAccountId: '1',
    accessToken: { secret: 'token' },
    appSecret: { secret: 'app' },
    apiVersion: 'v25.0',
  };
  const warnings: string[] = [];
  const setUpOn = async (day: string): Promise<readonly string[]> => {
    warnings.length = 0;
    await setUpTarget(
      { ...entry, type: 'meta-custom-audiences', settings },
      {
        ...options,
        clock: { ...systemClock, now: () => Date.parse(day) },
        warn: (sentence) => void warnings.push(sentence),
      },
    );
    return [...warnings];
  };
  expect(await setUpOn('2026-10-01')).toEqual([]);
  expect(await setUpOn('2027-02-01')).toEqual([
    expect.stringContaining('destinations.crm: The version v25.0 of the API ends on 2027-02-23'),
  ]);
});
