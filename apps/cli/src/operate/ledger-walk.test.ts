import { defaultTiming } from '@activation-hub/activation';
import { expect, test } from 'vitest';
import { timingIn } from './ledger-walk.ts';

test('a command takes leases as long as those of the function app', () => {
  expect(timingIn({})).toEqual(defaultTiming);
  expect(timingIn({ ACTIVATION_LEASE_SECONDS: '' })).toEqual(defaultTiming);
  expect(timingIn({ ACTIVATION_LEASE_SECONDS: '480' })).toEqual({
    waitMaxMs: 5_000,
    deadlineMs: 320_000,
    settleByMs: 400_000,
    leaseMs: 480_000,
  });
});

test.each(['14', '481', '1.5', '-180', 'long'])('a life of leases of %s is refused in words', (seconds) => {
  expect(() => timingIn({ ACTIVATION_LEASE_SECONDS: seconds })).toThrow(
    'ACTIVATION_LEASE_SECONDS must be a whole number from 15 to 480.',
  );
});
