import { expect, onTestFinished, test } from 'vitest';
import { CommandError } from '../terminal/command-error.ts';
import { openHttp } from './outbound-http.ts';

test('a proxy that cannot be used is a sentence, and does not show its password', () => {
  const failing = () => openHttp({ environment: { HTTPS_PROXY: 'socks5://me:hush@proxy.example.com' } });
  expect(failing).toThrow(CommandError);
  expect(failing).toThrow('Failed to read HTTPS_PROXY: a proxy of socks5 is not supported.');
  expect(failing).not.toThrow('hush');
});

test('private addresses are for who allows them', () => {
  const check = (environment: Record<string, string>, isLocal?: boolean) => () => {
    const http = openHttp({ environment }, isLocal === undefined ? {} : { isLocal });
    onTestFinished(() => http.close());
    http.check('http://127.0.0.1/');
  };
  expect(check({})).toThrow('it is not https');
  expect(check({}, true)).not.toThrow();
  expect(check({ ACTIVATION_ALLOW_PRIVATE_ADDRESSES: 'true' })).not.toThrow();
});
