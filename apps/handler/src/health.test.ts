import { containerClient, BlobDeadLetters } from '@activation-hub/azure-adapters';
import { InMemoryControls } from '@activation-hub/delivery';
import { expect, test } from 'vitest';
import { createHealthCheck, publicHealth, type HealthSources } from './health.ts';
import { shownControls } from './shown-controls.ts';

const about = () => ({
  build: 'b1',
  destinations: ['crm'],
  audiences: ['sports-fans'],
  counters: [{ counter: 'changes-settled' as const, labels: { destination: 'crm' }, value: 3 }],
});

const noControls: HealthSources['readControls'] = () => Promise.resolve([]);

function checkWith(look: HealthSources['look'], readControls = noControls) {
  let nowMs = 0;
  let looks = 0;
  const counted = () => {
    looks += 1;
    return look();
  };
  const check = createHealthCheck({ look: counted, readControls, about, clock: { now: () => nowMs } });
  return { check, looks: () => looks, pass: (ms: number) => (nowMs += ms) };
}

test('the stores are asked once for all who ask within five seconds', async () => {
  const { check, looks, pass } = checkWith(() => Promise.resolve(0));
  await Promise.all([check(), check(), check()]);
  pass(4_999);
  await check();
  expect(looks()).toBe(1);
  pass(1);
  await check();
  expect(looks()).toBe(2);
});

test('a failure counts for as long, and then the stores are asked again', async () => {
  let fails = true;
  const { check, pass } = checkWith(() => (fails ? Promise.reject(new Error('down')) : Promise.resolve(undefined)));
  expect(await check()).toMatchObject({ status: 'unavailable', reason: 'down' });
  fails = false;
  expect(await check()).toMatchObject({ status: 'unavailable' });
  pass(5_000);
  expect(await check()).toEqual({ status: 'ok', controls: [], ...about() });
});

test('who has a key sees what operators ask for now, and controls that cannot be read are a problem of their own', async () => {
  const pause = { action: 'pause', destination: 'crm', atMs: 0, by: 'ada', reason: 'migration' } as const;
  const store = new InMemoryControls();
  const { signal } = new AbortController();
  await store.edit(
    () => [
      { ...pause, untilMs: 60_000 },
      { ...pause, destination: 'ads', untilMs: 1 },
    ],
    signal,
  );
  const { check } = checkWith(
    () => Promise.resolve(undefined),
    () => shownControls(store, { now: () => 1 }, signal),
  );
  const health = await check();
  expect(health.controls).toMatchObject([
    {
      destination: 'crm',
      by: 'ada',
      reason: 'migration',
      at: '1970-01-01T00:00:00.000Z',
      until: '1970-01-01T00:01:00.000Z',
    },
  ]);
  expect(publicHealth(health)).toEqual({ status: 'ok', build: 'b1' });
  const broken = checkWith(
    () => Promise.resolve(undefined),
    () => Promise.reject(new Error('version')),
  );
  expect(await broken.check()).toMatchObject({ status: 'ok', controls: [], controlsProblem: 'version' });
});

test('everyone sees the status, the build and the canary, and no name of the activation file', async () => {
  const { check } = checkWith(() => Promise.resolve(Date.UTC(2026, 0, 1)));
  expect(publicHealth(await check())).toEqual({ status: 'ok', build: 'b1', canary: '2026-01-01T00:00:00.000Z' });
});

test('a store that cannot be reached shows its address to a caller with a key alone', async () => {
  const connectionString =
    'DefaultEndpointsProtocol=http;AccountName=acthubproddata;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:2/acthubproddata;';
  const letters = new BlobDeadLetters(containerClient({ connectionString }, 'dead-letters'));
  const { check } = checkWith(async () => {
    await letters.createContainer(AbortSignal.timeout(500));
    return undefined;
  });
  const health = await check();
  expect(health).toMatchObject({ status: 'unavailable', reason: expect.any(String) as string });
  expect(publicHealth(health)).toEqual({
    status: 'unavailable',
    reason: 'The stores cannot be reached. /health/details says why, to who has a key.',
    build: 'b1',
  });
});
