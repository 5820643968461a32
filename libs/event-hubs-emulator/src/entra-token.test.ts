import { setDefaultCACertificates, getCACertificates } from 'node:tls';
import { EventHubConsumerClient, EventHubProducerClient } from '@azure/event-hubs';
import { expect, onTestFinished, test } from 'vitest';
import { emulatorForTest, noRetries, refusal } from '../testing/official-client.ts';
import { verifyEntraToken } from './entra-token.ts';

const tokenOf = (claims: object): string => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`;
const inAnHour = Math.floor(Date.now() / 1_000) + 3_600;

/** A hub over TLS, and clients of the official SDK that sign in under a name. */
async function hubOf(rights: Readonly<Record<string, readonly ('Send' | 'Listen' | 'Manage')[]>>) {
  const emulator = await emulatorForTest({ tls: {}, entraRights: ({ upn }) => rights[String(upn)] ?? [] });
  setDefaultCACertificates([...getCACertificates('default'), emulator.tls?.authority ?? '']);
  const address = `localhost:${emulator.tls?.port ?? 0}`;
  const as = (upn: string) => ({
    getToken: () => Promise.resolve({ token: tokenOf({ upn, exp: inAnHour }), expiresOnTimestamp: inAnHour * 1_000 }),
  });
  const producer = (upn: string) => {
    const client = new EventHubProducerClient(address, 'orders', as(upn), noRetries);
    onTestFinished(() => client.close());
    return client;
  };
  const consumer = (upn: string) => {
    const client = new EventHubConsumerClient('$Default', address, 'orders', as(upn), noRetries);
    onTestFinished(() => client.close());
    return client;
  };
  return { producer, consumer };
}

test('who is signed in to Microsoft Entra ID does with the official SDK what their rights allow, and no more', async () => {
  const { producer, consumer } = await hubOf({ ada: ['Send'], ben: ['Listen'], root: ['Manage'] });
  await producer('ada').sendBatch([{ body: 1 }], { partitionId: '0' });
  await producer('root').sendBatch([{ body: 2 }], { partitionId: '0' });
  expect(await refusal(producer('ben').sendBatch([{ body: 3 }], { partitionId: '0' }))).toMatchObject({
    code: 'UnauthorizedError',
  });
  expect(await consumer('ben').getPartitionProperties('0')).toMatchObject({ lastEnqueuedSequenceNumber: 1 });
  expect(await refusal(consumer('nobody').getPartitionProperties('0'))).toMatchObject({ code: 'UnauthorizedError' });
});

test('a token that is none, never expires or has expired proves nothing', () => {
  const all = (): readonly ['Manage'] => ['Manage'];
  const wrong: readonly (readonly [string, string])[] = [
    ['nonsense', 'no JSON web token'],
    ['e30.bnVsbA.', 'no JSON web token'],
    [tokenOf({ upn: 'ada' }), 'not when it expires'],
    [tokenOf({ exp: 10 }), 'expired'],
  ];
  for (const [token, why] of wrong) expect(() => verifyEntraToken(token, 10_000, all)).toThrow(why);
  expect([...verifyEntraToken(tokenOf({ exp: 11 }), 10_000, all).rights]).toEqual(['Send', 'Listen', 'Manage']);
});
