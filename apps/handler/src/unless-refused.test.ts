import { containerClient, queueClient, StorageRetryQueue } from '@activation-hub/azure-adapters';
import { startAzurite } from '@activation-hub/azurite';
import { writeRetryMessage } from '@activation-hub/delivery';
import { Counters, createTelemetry } from '@activation-hub/telemetry';
import { expect, onTestFinished, test } from 'vitest';
import { unlessRefused } from './unless-refused.ts';

const { signal } = new AbortController();
const pointer = { id: 'a', destination: 'crm', attempts: 1, firstDeferredAtMs: 0 };

async function open() {
  const azurite = await startAzurite();
  onTestFinished(() => azurite.stop());
  const container = containerClient(azurite, 'retries');
  const retries = new StorageRetryQueue(container, queueClient(azurite, 'retries'));
  const lines: string[] = [];
  const telemetry = createTelemetry({
    level: 'debug',
    counters: new Counters(),
    write: (level, line) => void lines.push(`${level} ${JSON.stringify(line)}`),
  });
  const take = (message: string): Promise<void> =>
    unlessRefused({ telemetry }, async () => {
      await retries.read(message, signal);
    });
  return { retries, container, lines, take };
}

test('a message whose retry cannot be read is reported once and ends, and the blob stays for a person', async () => {
  const { retries, container, lines, take } = await open();
  await retries.createStores(signal);
  await container.getBlockBlobClient('a.jsonl').upload('somebody@example.com', 20);
  await take(writeRetryMessage(pointer));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^error .*The retry in a\.jsonl cannot be read/);
  expect(lines[0]).not.toContain('somebody');
  expect(await container.getBlobClient('a.jsonl').exists()).toBe(true);
});

test('a message of another origin is reported and ends', async () => {
  const { retries, lines, take } = await open();
  await retries.createStores(signal);
  await take('hello');
  expect(lines[0]).toContain('of another origin');
});

test('control: a store that fails is no refusal, and the message comes again', async () => {
  const { lines, take } = await open();
  await expect(take(writeRetryMessage(pointer))).rejects.toThrow('ContainerNotFound');
  expect(lines).toEqual([]);
});
