import { InMemoryControls, InMemoryRetryQueue, readRetryMessage } from '@activation-hub/delivery';
import { VirtualClock } from '@activation-hub/delivery/testing';
import { expect, test } from 'vitest';
import { eventOf, fansId, noonMs, openActivation, personExport, travellersId } from '../testing/index.ts';
import { activateRetry } from './activate-retry.ts';
import { controlsAgeMaxMs } from './followed-controls.ts';

const { signal } = new AbortController();
const file = `
version: 1
destinations:
  crm: { type: recording }
  ads: { type: recording }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: crmid }] }
  travellers: { id: ${travellersId}, activate: [{ destination: ads, identity: crmid }] }
`;
/** How long the stores take for one message. */
const messageMs = 50;
const hangMs = 100_000;

/**
 * A host in virtual time, as `host.json` has it: 4 messages are fetched when 12 or fewer are at
 * work.
 */
function hostOf(queue: InMemoryRetryQueue, clock: VirtualClock, take: (message: string) => Promise<void>) {
  const waiting: string[] = [];
  const taken: string[] = [];
  let running = 0;
  const run = async (message: string): Promise<void> => {
    await clock.sleep(messageMs, signal);
    await take(message);
    running -= 1;
  };
  const host = async (): Promise<never> => {
    for (;;) {
      waiting.push(...queue.takeDue(clock.now()));
      const batch = running > 12 ? [] : waiting.splice(0, 4);
      running += batch.length;
      taken.push(...batch);
      for (const message of batch) void run(message);
      await clock.sleep(10, signal);
    }
  };
  void host();
  return { taken };
}

/** Changes of both destinations wait, of `crm` so many, each in a retry of its own. */
async function open(crmRetries: number, adsRetries: number) {
  const controls = new InMemoryControls();
  const retryQueue = new InMemoryRetryQueue();
  const opened = openActivation({ file, controls, retryQueue });
  await controls.edit(() => [{ action: 'pause', by: 'ada', reason: 'a freeze', atMs: 0 }], signal);
  const of = (count: number, audienceId: string, from: number) =>
    Array.from({ length: count }, (_, n) => eventOf(personExport({ person: `p${from + n}`, audienceId }), from + n));
  for (const event of [...of(crmRetries, fansId, 0), ...of(adsRetries, travellersId, 1_000)])
    await opened.activate(event);
  await controls.edit(() => [], signal);
  const clock = new VirtualClock(noonMs + 3_600_000 + controlsAgeMaxMs);
  Object.defineProperty(opened.clock, 'nowMs', { get: clock.now });
  const context = { ...opened.context, clock };
  // What waits after the pause comes when it is woken, and not before.
  retryQueue.takeDue(clock.now());
  const host = hostOf(retryQueue, clock, (message) => activateRetry(message, context));
  const wake = (destination: string) =>
    context.retryQueue.wake(destination, { nowMs: clock.now(), everyMs: 20, signal });
  return { ...opened, clock, host, wake };
}

test('retries of a destination that hangs do not delay those of another by more than two seconds', async () => {
  const opened = await open(200, 5);
  const { crm, ads, clock, wake } = opened;
  crm.onRequest = () => clock.sleep(hangMs, signal);
  await wake('crm');
  await clock.advance(10_000);
  await wake('ads');
  await clock.advance(2_000);
  expect(ads.told).toHaveLength(5);
  expect(crm.told).toHaveLength(0);
});

test('what is given back because its destination hangs is told as soon as the destination takes it', async () => {
  const opened = await open(60, 0);
  const { crm, clock, host, wake } = opened;
  let hangs = true;
  crm.onRequest = () => (hangs ? clock.sleep(hangMs, signal) : undefined);
  await wake('crm');
  await clock.advance(hangMs / 2);
  hangs = false;
  const before = host.taken.length;
  await clock.advance(hangMs / 2 + 20_000);
  expect(crm.members.size).toBe(60);
  // While it hung, each of 54 came again and again, ten of all of them a second.
  expect(before).toBeLessThanOrEqual(60 + (hangMs / 2 / 1_000) * 10);
  expect(host.taken.every((message) => readRetryMessage(message).isWoken === true)).toBe(true);
});
