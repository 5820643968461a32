import { lookup } from 'node:dns/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isPublicAddress, lookupPublic, PrivateAddressError, refusePrivateName } from './address-guard.ts';

test.each([
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '127.0.0.1',
  '168.63.129.16',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:8.8.8.8',
  '64:ff9b::7f00:1',
  'fc00::1',
  'fd12:3456::1',
  'fe80::1',
  'ff02::1',
  '2001::1',
  '2001:db8::1',
  '2002:7f00:1::',
  'localhost',
  'example.com',
  '[::1]',
  '',
])('%s is not a public address', (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test.each(['1.1.1.1', '8.8.8.8', '100.63.255.255', '100.128.0.0', '172.15.0.1', '172.32.0.1', '2606:4700::1111'])(
  '%s is a public address',
  (address) => {
    expect(isPublicAddress(address)).toBe(true);
  },
);

test('an IPv6 address outside global unicast is never public', () => {
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      const [group = ''] = address.split(':');
      const globalUnicast = /^[23][0-9a-f]{3}$/i.test(group);
      return globalUnicast || !isPublicAddress(address);
    }),
  );
});

test('a name that resolves to loopback is refused, though it resolves', async () => {
  expect(await lookup('localhost')).toBeDefined();
  for (const all of [true, false]) {
    const error = await new Promise((resolve) => {
      lookupPublic('localhost', { all }, resolve);
    });
    expect(error).toBeInstanceOf(PrivateAddressError);
  }
});

test('a name that does not exist gives the error of the resolver', async () => {
  const error = await new Promise((resolve) => {
    lookupPublic('nowhere.invalid', { all: true }, resolve);
  });
  expect(error).toHaveProperty('code');
});

test('a name that a proxy resolves is refused when it is known here as private, and left to the proxy when it is not known', async () => {
  await expect(refusePrivateName('localhost')).rejects.toThrow(PrivateAddressError);
  await refusePrivateName('nowhere.invalid');
  await refusePrivateName('2606:4700::1111');
});
