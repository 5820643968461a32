import { Webhook } from 'standardwebhooks';
import { expect, onTestFinished, test } from 'vitest';
import { newSigningSecret } from './example.ts';
import { startReceiver, type ToldChange } from './receiver.ts';

const secret = newSigningSecret();

async function start() {
  const told: ToldChange[] = [];
  const receiver = await startReceiver(secret, (changes) => told.push(...changes));
  onTestFinished(() => receiver.stop());
  const post = async (body: string, key = secret): Promise<number> => {
    const now = new Date();
    const headers = {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': new Webhook(key).sign('msg_1', now, body),
    };
    return (await fetch(receiver.url, { method: 'POST', headers, body })).status;
  };
  return { receiver, told, post };
}

const message = (change: string, value: string): string =>
  JSON.stringify({
    type: 'audience.changes',
    data: [{ change, audience: { key: 'sports-fans', name: 'Sports Fans' }, identity: { namespace: 'crmid', value } }],
  });

test('it knows who is in which audience', async () => {
  const { receiver, told, post } = await start();
  expect(await post(message('entered', 'C-1'))).toBe(204);
  expect(await post(message('entered', 'C-2'))).toBe(204);
  expect(await post(message('updated', 'C-2'))).toBe(204);
  expect(await post(message('exited', 'C-1'))).toBe(204);
  expect(receiver.members()).toEqual({ 'Sports Fans': 1 });
  expect(told.map(({ change }) => change)).toEqual(['entered', 'entered', 'updated', 'exited']);
  expect(receiver.refused()).toBe(0);
});

test('it trusts no other signature and takes no other form', async () => {
  const { receiver, told, post } = await start();
  expect(await post(message('entered', 'C-1'), newSigningSecret())).toBe(401);
  expect(await post('{"type":"something.else"}')).toBe(400);
  expect(told).toEqual([]);
  expect(receiver.refused()).toBe(2);
});
