import { startEventHubsEmulator } from '@activation-hub/event-hubs-emulator';
import { EventHubProducerClient } from '@azure/event-hubs';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { eventHubBench, group, hub, type Batch } from '../testing/event-hub.ts';

let azurite: Azurite;
beforeAll(async () => (azurite = await startAzurite()));
afterAll(() => azurite.stop());

const bench = (options?: { partitionCount?: number; port?: number }) =>
  eventHubBench(azurite.connectionString, options);

test('a batch of raw bodies reaches the function, empty ones included, and its checkpoint is written', async () => {
  const { run, send, checkpointReaches } = await bench();
  await send(['{"n":1}', '', 'not json']);
  const { reported, finished } = await run();
  const [batch] = await reported<Batch>('BATCH', 1);
  expect(batch).toMatchObject({ bodies: ['{"n":1}', '', 'not json'], buffers: true, partitionId: '0' });
  expect(batch?.retryContext).toBeUndefined();
  await checkpointReaches(2);
  expect(finished).toMatchObject([{ functionName: 'on-events', failed: false, batchSize: 3 }]);
});

test('metadata come with the traps of Azure', async () => {
  const { run, sendEvents } = await bench();
  await sendEvents([{ body: 'a', properties: { Source: 'AEP', Nested: { Key: 1 } } }, { body: 'b' }]);
  const { reported } = await run({ settings: { REPORT_METADATA: 'yes' } });
  const [batch] = await reported<Batch>('BATCH', 1);
  expect(batch?.triggerMetadata).toEqual({
    partitionContext: {
      isCheckpointingAfterInvocation: true,
      fullyQualifiedNamespace: '127.0.0.1',
      eventHubName: hub,
      consumerGroup: group,
      partitionId: '0',
    },
    partitionKeyArray: [],
    offsetArray: [expect.any(Number), expect.any(Number)],
    sequenceNumberArray: [
      { low: 0, high: 0, unsigned: false },
      { low: 1, high: 0, unsigned: false },
    ],
    // In UTC, but without saying so.
    enqueuedTimeUtcArray: Array(2).fill(expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?$/)),
    propertiesArray: [{ source: 'AEP', nested: { key: 1 } }, {}],
    systemPropertiesArray: [
      expect.objectContaining({ sequenceNumber: 0 }),
      expect.objectContaining({ sequenceNumber: 1 }),
    ],
  });
});

test('dataType string drops empty bodies', async () => {
  const { run, send } = await bench();
  await send(['one', '', '{"n":2}']);
  const { reported } = await run({ settings: { DATA_TYPE: 'string' } });
  expect(await reported<Batch>('BATCH', 1)).toMatchObject([{ bodies: ['one', { n: 2 }], buffers: false }]);
});

test('without a dataType bodies come parsed, and one that is not JSON costs its batch without a call of the function', async () => {
  const { run, send, checkpointReaches } = await bench();
  await send(['{"n":1}', '[2]', '"three"']);
  const { reported, finished, logged } = await run({ settings: { DATA_TYPE: '' } });
  expect(await reported<Batch>('BATCH', 1)).toMatchObject([{ bodies: [{ n: 1 }, [2], 'three'] }]);
  await checkpointReaches(2);
  await send(['{"n":4}', 'not json']);
  await checkpointReaches(4);
  expect(finished).toHaveLength(1);
  expect(logged).toContainEqual(
    expect.objectContaining({
      level: 'error',
      message: expect.stringContaining('the body of an event is not JSON') as string,
    }),
  );
});

test('cardinality one calls the function for each event in its order, and writes one checkpoint for the batch', async () => {
  const { run, send, checkpointReaches } = await bench();
  await send(['a', 'b', 'c']);
  const { reported, finished } = await run({ settings: { CARDINALITY: 'one', REPORT_METADATA: 'yes' } });
  const batches = await reported<Batch>('BATCH', 3);
  expect(batches.map(({ bodies }) => bodies)).toEqual([['a'], ['b'], ['c']]);
  expect(batches[1]?.triggerMetadata).toMatchObject({ sequenceNumber: 1, properties: {} });
  await checkpointReaches(2);
  expect(finished).toHaveLength(3);
});

test('the checkpoint moves past a batch whose function threw', async () => {
  const { run, send, checkpointReaches } = await bench();
  await send(['fail']);
  const { reported, finished } = await run();
  await checkpointReaches(0);
  await send(['next']);
  expect((await reported<Batch>('BATCH', 2)).map(({ bodies }) => bodies)).toEqual([['fail'], ['next']]);
  expect(finished[0]).toMatchObject({ failed: true });
});

test('the checkpoint moves past a batch that killed the worker', async () => {
  const { run, send, checkpointReaches } = await bench();
  await send(['exit']);
  const { reported } = await run();
  await checkpointReaches(0);
  await send(['next']);
  expect((await reported<Batch>('BATCH', 2)).map(({ bodies }) => bodies)).toEqual([['exit'], ['next']]);
});

test('a retry policy repeats the same batch before anything else of the partition, also when the worker died', async () => {
  const { run, send, checkpointReaches } = await bench();
  await send(['exit']);
  const { reported } = await run({ settings: { RETRY: 'fixed-2' } });
  await reported<Batch>('BATCH', 1);
  await send(['fail-twice']);
  await send(['next']);
  await checkpointReaches(2);
  const batches = await reported<Batch>('BATCH', 5);
  const tries = batches.filter(({ bodies }) => bodies.includes('fail-twice'));
  expect(batches.slice(0, 2)).toMatchObject([
    { bodies: ['exit'] },
    { bodies: ['exit'], retryContext: { retryCount: 1, maxRetryCount: 2 } },
  ]);
  expect(tries.map(({ retryContext }) => retryContext?.retryCount)).toEqual([undefined, 1, 2]);
  expect(new Set(tries.map(({ bodies }) => bodies.join()))).toHaveLength(1);
  expect(tries[2]?.retryContext?.exception?.message).toBe('not yet');
});

test('after the last retry the batch is given up', async () => {
  const { run, send, checkpointReaches } = await bench();
  await send(['fail']);
  const { finished } = await run({ settings: { RETRY: 'fixed-2' } });
  await checkpointReaches(0);
  expect(finished).toHaveLength(3);
});

test('a retry without an end holds its partition only, and a host that stops meanwhile leaves the batch to the next', async () => {
  const { run, send, checkpoint, checkpointReaches } = await bench({ partitionCount: 2 });
  await send(['fail'], '0');
  const first = await run({ settings: { RETRY: 'forever' } });
  await first.until(() => first.finished.length >= 3, 'three attempts');
  await send(['behind'], '0');
  await send(['free'], '1');
  await checkpointReaches(0, '1');
  await first.host.stop();
  expect(await checkpoint('0')).toBeUndefined();
  expect(await first.reported<Batch>('BATCH', 1)).not.toContainEqual(expect.objectContaining({ bodies: ['behind'] }));

  const second = await run();
  const batches = await second.reported<Batch>('BATCH', 1);
  expect(batches[0]?.bodies[0]).toBe('fail');
  await checkpointReaches(1, '0');
});

test('batches of a partition follow each other while partitions run in parallel', async () => {
  const { run, send, endSlow } = await bench({ partitionCount: 2 });
  for (const partition of ['0', '1']) await send(['slow'], partition);
  const { reported, logged } = await run({ eventHubs: { maxEventBatchSize: 1 } });
  await reported<Batch>('BATCH', 2);
  for (const partition of ['0', '1']) await send(['after'], partition);
  await endSlow();
  await reported('DONE', 4);
  const order = logged.flatMap(({ message }) => {
    const [, what, report] = /^(BATCH|DONE) (.*)$/.exec(message) ?? [];
    return what === undefined ? [] : [{ what, ...(JSON.parse(report ?? '') as Batch) }];
  });
  expect(order.slice(0, 2).map(({ what }) => what)).toEqual(['BATCH', 'BATCH']);
  for (const partition of ['0', '1']) {
    const ofPartition = order.filter(({ partitionId }) => partitionId === partition);
    expect(ofPartition.map(({ what, bodies }) => `${what} ${bodies.join()}`)).toEqual([
      'BATCH slow',
      'DONE slow',
      'BATCH after',
      'DONE after',
    ]);
  }
});

test.each([0, 1, 300])(
  'what comes while a batch is at work is in the batches after it, in its order, with a prefetchCount of %i',
  async (prefetchCount) => {
    const { run, send, checkpointReaches, endSlow } = await bench();
    await send(['slow']);
    const { reported } = await run({ eventHubs: { prefetchCount, maxEventBatchSize: 2 } });
    await reported<Batch>('BATCH', 1);
    for (const body of ['1', '2', '3', '4', '5']) await send([body]);
    await endSlow();
    await checkpointReaches(5);
    const batches = await reported<Batch>('BATCH', 4);
    expect(batches.flatMap(({ bodies }) => bodies)).toEqual(['slow', '1', '2', '3', '4', '5']);
    expect(batches.every(({ bodies }) => bodies.length <= 2)).toBe(true);
  },
);

test('stopping lets a running batch end and writes its checkpoint; the next host goes on behind it', async () => {
  const { run, send, checkpoint, endSlow } = await bench();
  await send(['slow']);
  const first = await run();
  await first.reported('BATCH', 1);
  const stopped = first.host.stop();
  await endSlow();
  await stopped;
  expect(first.finished).toMatchObject([{ failed: false }]);
  expect(await checkpoint()).toBe(0);
  await send(['next']);
  const second = await run();
  expect((await second.reported<Batch>('BATCH', 1))[0]?.bodies).toEqual(['next']);
});

test('a batch that outlasts the drain is not checkpointed', async () => {
  const { run, send, checkpoint, endSlow } = await bench();
  await send(['slow']);
  const first = await run({ drainTimeoutMs: 200 });
  await first.reported('BATCH', 1);
  await first.host.stop();
  expect(await checkpoint()).toBeUndefined();
  await endSlow();
  expect((await (await run()).reported<Batch>('BATCH', 1))[0]?.bodies).toEqual(['slow']);
});

test('sizes and frequencies come from host.json', async () => {
  const { run, send, checkpoint, checkpointReaches } = await bench();
  await send(['1', '2', '3', '4', '5', '6', '7']);
  const { reported, finished, until } = await run({
    eventHubs: { maxEventBatchSize: 3, minEventBatchSize: 2, maxWaitTime: '00:00:02', batchCheckpointFrequency: 2 },
  });
  const batches = await reported<Batch>('BATCH', 2);
  expect(batches.map(({ bodies }) => bodies)).toEqual([
    ['1', '2', '3'],
    ['4', '5', '6'],
  ]);
  await checkpointReaches(5);
  // The seventh is alone, and comes when the wait for a second is over; its batch is an odd one and
  // writes no checkpoint.
  expect((await reported<Batch>('BATCH', 3))[2]?.bodies).toEqual(['7']);
  await until(() => finished.length === 3, 'the third batch has ended');
  expect(await checkpoint()).toBe(5);
});

test('without a checkpoint reading starts where host.json says', async () => {
  const { run, send } = await bench();
  await send(['old']);
  const { reported, logged, until } = await run({ eventHubs: { initialOffsetOptions: { type: 'fromEnd' } } });
  await until(() => logged.some(({ message }) => message === 'Reads partition 0.'), 'the partition is read');
  // Until the link is open an event is still old, so events are sent until one comes.
  const sending = setInterval(() => void send(['new']), 200);
  onTestFinished(() => clearInterval(sending));
  const [batch] = await reported<Batch>('BATCH', 1);
  clearInterval(sending);
  expect(new Set(batch?.bodies)).toEqual(new Set(['new']));
});

test('an event hub that is out of reach at the start is waited for', async () => {
  const reserved = await startEventHubsEmulator({ eventHubs: [{ name: hub, partitionCount: 1 }] });
  const { port } = reserved;
  const keys = [{ name: 'All', primaryKey: 'cHJpbWFyeQ==', rights: ['Manage', 'Send', 'Listen'] as const }];
  await reserved.stop();
  const { run } = await bench();
  const connection = `Endpoint=sb://localhost:${port};SharedAccessKeyName=All;SharedAccessKey=cHJpbWFyeQ==;UseDevelopmentEmulator=true`;
  const { logged, until, reported } = await run({
    settings: { EventHub: connection },
    eventHubs: { clientRetryOptions: { maximumRetries: 0 } },
  });
  await until(() => logged.some(({ message }) => message.startsWith('Failed to read the event hub')), 'a warning');
  const late = await startEventHubsEmulator({
    port,
    keys,
    eventHubs: [{ name: hub, partitionCount: 1, consumerGroups: [group] }],
  });
  onTestFinished(() => late.stop());
  const producer = new EventHubProducerClient(connection, hub);
  onTestFinished(() => producer.close());
  await producer.sendBatch([{ body: 'at last' }]);
  expect((await reported<Batch>('BATCH', 1))[0]?.bodies).toEqual(['"at last"']);
});

test('a connection that is cut is opened again, and no event is lost', async () => {
  const { emulator, run, send, checkpointReaches } = await bench();
  const { reported } = await run();
  await send(['before']);
  await reported<Batch>('BATCH', 1);
  expect(emulator.faults.dropConnections()).toBeGreaterThan(0);
  await send(['after']);
  await checkpointReaches(1);
  expect((await reported<Batch>('BATCH', 2))[1]?.bodies).toEqual(['after']);
});

test('a connection that is cut while a batch is at work costs nothing: the batch ends, its checkpoint is written, it comes once', async () => {
  const { emulator, run, send, checkpointReaches, endSlow } = await bench();
  const { reported, logged } = await run();
  await send(['slow']);
  await reported<Batch>('BATCH', 1);
  await send(['behind']);
  expect(emulator.faults.dropConnections()).toBeGreaterThan(0);
  await send(['after']);
  await endSlow();
  await checkpointReaches(2);
  const batches = await reported<Batch>('BATCH', 2);
  expect(batches[0]?.bodies).toEqual(['slow']);
  const bodies = logged.flatMap(({ message }) =>
    message.startsWith('BATCH ') ? (JSON.parse(message.slice(6)) as Batch).bodies : [],
  );
  expect(bodies).toEqual(['slow', 'behind', 'after']);
});
