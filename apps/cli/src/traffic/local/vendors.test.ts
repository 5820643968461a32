import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadActivationFile, type ActivationFile } from '@activation-hub/activation-file';
import { systemClock } from '@activation-hub/delivery';
import { formed } from '@activation-hub/destination-kit';
import { destinationTypes } from '@activation-hub/destinations';
import { localVendors } from '@activation-hub/destinations/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { definitions, everyDestination, told } from '../../../testing/every-destination.ts';
import { startActivation, runActivation, type RunningActivation } from '../../../testing/run-activation.ts';
import { tenantOptions } from '../../activation-file/activations.ts';
import { openEventSender } from '../event-sender.ts';
import { simulate } from '../simulator.ts';
import { startStandIns, type StandIns } from '../../activation-file/stand-ins.ts';
import { createTenant, type Tenant } from '../tenant.ts';
import { writeVendorFile } from './vendor-file.ts';

const freePorts = ['--event-hubs-port', '0', '--storage-port', '0'];
/** Some destinations answer later, and are asked by messages that wait. */
const convergesWithinMs = 240_000;
let folder: string;
let path: string;
const running: RunningActivation[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'activation-vendors-'));
  path = join(folder, 'every-destination.json');
  await writeFile(path, JSON.stringify(everyDestination()));
});
afterAll(async () => {
  await Promise.all(running.map((each) => each.end('SIGKILL')));
  await rm(folder, { recursive: true, force: true });
});

test.each(destinationTypes)('%s has a stand-in, or calls no third party', (type) => {
  const start = localVendors[type];
  expect(start, `add ${type} to libs/destinations/testing/local-vendors.ts`).toBeDefined();
  if (start === 'calls nobody') expect(type).toBe('log');
});

test(
  'with a file that names every kind of destination, each stand-in ends with the members that AEP has',
  { timeout: 300_000 },
  async () => {
    const file = await loadActivationFile(path, { destinations: definitions });
    const standIns = await startStandIns(file);
    const copy = await writeVendorFile(path, standIns);
    try {
      const words = ['local', ...freePorts, '--activations', copy.path, '--no-simulator'];
      const local = startActivation(words, { folder, environment: copy.secrets });
      running.push(local);
      const { eventHubsConnectionString, eventHubName } = await local.event('ready');
      const tenant = createTenant(tenantOptions(file, { seed: 7, profiles: 40 }));
      const sender = openEventSender(String(eventHubsConnectionString), String(eventHubName));
      const signal = AbortSignal.timeout(convergesWithinMs);
      await simulate({ tenant, sender, rate: 0, count: 300, signal, clock: systemClock });
      await sender.close();
      const expected = expectedMembers(file, tenant);
      expect([...expected.values()].every(({ length }) => length > 3)).toBe(true);
      while (!signal.aborted && !isSame(await heldMembers(file, standIns), expected)) await sleep(200);
      const complaints = local.events.filter(({ event }) => /failed|rejected|abandoned|stalled/.test(event));
      expect(await heldMembers(file, standIns), JSON.stringify(complaints.slice(0, 5))).toEqual(expected);
      expect(await local.end()).toBe(0);
    } finally {
      await standIns.close();
      await copy.remove();
    }
  },
);

/** Who should be a member of the audience at each destination, by the tenant. */
function expectedMembers(file: ActivationFile, tenant: Tenant): Map<string, readonly string[]> {
  return new Map(
    told.map((type) => {
      const definition = definitions.get(type);
      const route = file.routes.find(({ destination }) => destination === type);
      if (definition === undefined || route === undefined) return expect.unreachable();
      const settings = definition.settings.parse(file.destinations.get(type)?.settings);
      const members: string[] = [];
      const choice = { namespaces: route.identityNamespaces, identities: 'first' } as const;
      for (const { identities, status } of tenant.truth(choice)) {
        for (const identity of status === 'realized' ? identities : []) {
          const form = definition.identity?.(identity, settings) ?? formed(identity.value);
          if (form.status === 'formed') members.push(form.value);
        }
      }
      return [type, members.sort()];
    }),
  );
}

async function heldMembers({ routes }: ActivationFile, { vendors }: StandIns): Promise<Map<string, readonly string[]>> {
  const held = new Map<string, readonly string[]>();
  for (const { destination, audience, options } of routes) {
    const members = await vendors.get(destination)?.members({ audience, options });
    if (members !== undefined) held.set(destination, [...members].sort());
  }
  return held;
}

const isSame = (left: Map<string, unknown>, right: Map<string, unknown>): boolean =>
  JSON.stringify([...left].sort()) === JSON.stringify([...right].sort());

test('activation local --vendor needs no secret, calls no third party and says what the stand-ins hold', async () => {
  const local = startActivation(['local', ...freePorts, '--activations', path, '--vendor'], { folder });
  running.push(local);
  expect(await local.event('ready')).toMatchObject({ standIns: told });
  const hasEverybody = (): boolean => {
    const entered = local.events.flatMap(({ event, outcomes }) => (event.endsWith('-settled') ? [outcomes] : []));
    return told.every((type) =>
      entered.some((outcomes) => (outcomes as Record<string, { delivered?: number }>)[type]?.delivered),
    );
  };
  while (!hasEverybody()) await local.next();
  expect(await local.end()).toBe(0);
  const { members } = await local.event('stopped');
  for (const type of told) expect(members, type).toHaveProperty([type, 'sports-fans'], expect.any(Number));
});

test.each([
  [['--vendor'], '--vendor needs a file with destinations.'],
  [['--vendor', '--activations', 'x.yaml', '--data', 'kept'], '--vendor and --data do not go together'],
])('local %j is refused', async (words, sentence) => {
  const { code, errors } = await runActivation(['local', ...words], { folder });
  expect(code).toBe(2);
  expect(errors).toContain(sentence);
});
