import { parseActivationFile } from '@activation-hub/activation-file';
import { buildProfileExport, encodeProfileExport } from '@activation-hub/audience-events/testing';
import { openLedger, queueClient } from '@activation-hub/azure-adapters';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { writeRetryMessage } from '@activation-hub/delivery';
import { loadDestinations } from '@activation-hub/destinations';
import type { InvocationContext } from '@azure/functions';
import { expect, onTestFinished, test } from 'vitest';
import { createHub, type Hub } from './hub.ts';
import { readSettings, type Environment } from './settings.ts';

const audienceId = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02';
const text = `version: 1
destinations: { screen: { type: log, settings: { showIdentities: true } } }
audiences:
  fans: { id: ${audienceId}, activate: [{ destination: screen, identity: crmid }] }
`;

/** An invocation that keeps what is printed to its log. */
function invocation(sequenceNumber: number) {
  const printed: string[] = [];
  const ignore = (): void => undefined;
  const context = {
    triggerMetadata: {
      partitionContext: { partitionId: '0' },
      sequenceNumberArray: [sequenceNumber],
    },
    log: (line: string) => void printed.push(line),
    info: ignore,
    warn: ignore,
    error: ignore,
    debug: ignore,
  } as unknown as InvocationContext;
  return { context, printed };
}

const exportOf = (crmid: string): Buffer =>
  Buffer.from(
    encodeProfileExport(
      buildProfileExport({
        memberships: [{ audienceId, status: 'realized', qualifiedAtMs: Date.now() }],
        identities: { crmid: [crmid] },
      }),
    ),
  );

/** A hub over the storage of an emulator. */
async function open(azurite: Azurite, more: Environment = {}): Promise<Hub> {
  const file = parseActivationFile(text, { fileName: 'file.yaml', destinations: await loadDestinations(['log']) });
  const settings = readSettings({
    ACTIVATION_FILE: 'file.yaml',
    DataStorage: azurite.connectionString,
    AzureWebJobsStorage: azurite.connectionString,
    EventHubConnection: 'Endpoint=sb://127.0.0.1/;SharedAccessKeyName=a;SharedAccessKey=b',
    EVENT_HUB_NAME: 'exports',
    EVENT_HUB_CONSUMER_GROUP: 'handler',
    ...more,
  });
  const hub = createHub({ file, settings, build: 'build' });
  onTestFinished(() => hub.close());
  return hub;
}

test('what a destination prints goes to the log of the invocation that tells it', async () => {
  const azurite = await startAzurite();
  onTestFinished(() => azurite.stop());
  const hub = await open(azurite);
  const [first, second, third] = [invocation(1), invocation(2), invocation(3)];
  await hub.takeEvents([exportOf('C-1')], first.context);
  // Two at once, as the partitions of a hub come.
  await Promise.all([
    hub.takeEvents([exportOf('C-2')], second.context),
    hub.takeEvents([exportOf('C-3')], third.context),
  ]);
  const told = [first, second, third].map(({ printed }) => printed.map((line) => /crmid "(.*?)"/.exec(line)?.[1]));
  expect(told).toEqual([['C-1'], ['C-2'], ['C-3']]);
});

test('while the ledger is moved, events wait for an import, and no ledger is begun', async () => {
  const azurite = await startAzurite();
  onTestFinished(() => azurite.stop());
  const moving = await open(azurite, { ACTIVATION_LEDGER_MOVES: 'true' });
  const { context } = invocation(1);
  await expect(moving.takeEvents([exportOf('C-1')], context)).rejects.toThrow('it is being moved');
  expect(await moving.checkHealth()).toMatchObject({ status: 'unavailable' });
  const heading = { export: 'activation-hub-ledger', format: 2, exportedAt: '2026-01-31T12:00:00.000Z' };
  const { signal } = new AbortController();
  await openLedger(azurite).import(() => ReadableStream.from([JSON.stringify(heading)]), { signal });
  await moving.takeEvents([exportOf('C-1')], context);
});

test('a message that the host has put aside is put back while the ledger cannot be opened', async () => {
  const azurite = await startAzurite();
  onTestFinished(() => azurite.stop());
  const queue = queueClient(azurite, 'retries');
  await queue.create();
  const hub = await open(azurite, { ACTIVATION_LEDGER_MOVES: 'true' });
  const { context } = invocation(1);
  const message = writeRetryMessage({ id: 'r-1', destination: 'screen', attempts: 1, firstDeferredAtMs: 0 });
  await expect(hub.takeRetry(message, context)).rejects.toThrow('it is being moved');
  await hub.putBackRetry(message, context);
  expect((await queue.getProperties()).approximateMessagesCount).toBe(1);
});
