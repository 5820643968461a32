import { expect, test } from 'vitest';
import { desiredDestination } from '../testing/desired.ts';
import { startPlatform } from '../testing/started-platform.ts';
import { createEventHubsDestinations } from './event-hubs-destinations.ts';
import { adobeIds } from './flow-service-entities.ts';

test('a platform that ignores the filters of a list does not make one connection out of two', async () => {
  const { client, platform } = await startPlatform({ filters: 'ignored' });
  const destinations = createEventHubsDestinations(client());
  await destinations.apply(await destinations.plan(desiredDestination()));
  const specs = platform
    .sandbox()
    .connections()
    .map(({ connectionSpec }) => (connectionSpec as { id: string }).id);
  expect(specs.toSorted()).toEqual([adobeIds.eventHubsConnectionSpec, adobeIds.profileConnectionSpec].toSorted());
  const before = platform.requests.length;
  const again = await destinations.plan(desiredDestination());
  await destinations.apply(again);
  expect(again.sentences()).toEqual([]);
  expect(
    platform.requests.slice(before).filter(({ method, path }) => method !== 'GET' && path.includes('flowservice')),
  ).toEqual([]);
});

test('what a list returns is held against its filters', async () => {
  const { client } = await startPlatform({ filters: 'ignored' });
  const destinations = createEventHubsDestinations(client());
  await destinations.apply(await destinations.plan(desiredDestination()));
  const { connections } = client().flowService;
  const property = [`connectionSpec.id==${adobeIds.profileConnectionSpec}`];
  expect((await connections.list({ property })).map(({ connectionSpec }) => connectionSpec?.id)).toEqual([
    adobeIds.profileConnectionSpec,
  ]);
});
