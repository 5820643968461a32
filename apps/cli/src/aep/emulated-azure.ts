import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { randomBytes } from 'node:crypto';
import { startEventHubsEmulator, type EventHubsEmulator } from '@activation-hub/event-hubs-emulator';
import type { KeyPair, RulePlace, WhichKey } from './authorization-rule.ts';

export interface EmulatedAzureOptions {
  /** Of the Event Hubs namespace; 0 takes a free one. */
  readonly eventHubsPort: number;
  /** Of the management API; 0 takes a free one. */
  readonly managementPort: number;
}

/**
 * A namespace with one hub, and the two calls of Azure's management API that read and replace its
 * keys.
 */
export interface EmulatedAzure {
  /** As `sb://127.0.0.1:5672`. */
  readonly eventHubsUrl: string;
  readonly managementUrl: string;
  readonly place: Required<RulePlace>;
  readonly emulator: EventHubsEmulator;
  keys(): KeyPair;
  stop(): Promise<void>;
}

export const emulatedPlace: Required<RulePlace> = {
  subscriptionId: '00000000-0000-0000-0000-000000000000',
  resourceGroup: 'local',
  namespace: 'local',
  eventHubName: 'profile-exports',
  keyName: 'adobe',
};

/**
 * Starts both on this machine. The key is confined to the hub, as that of the stack is. Rejects
 * when a port is taken.
 */
export async function startEmulatedAzure(options: EmulatedAzureOptions): Promise<EmulatedAzure> {
  const place = emulatedPlace;
  const keys = { primary: newKey(), secondary: newKey() };
  const emulator = await startEventHubsEmulator({
    port: options.eventHubsPort,
    eventHubs: [{ name: place.eventHubName, partitionCount: 4 }],
    keys: [
      {
        name: place.keyName,
        rights: ['Manage', 'Listen', 'Send'],
        eventHubName: place.eventHubName,
        primaryKey: keys.primary,
        secondaryKey: keys.secondary,
      },
    ],
  });
  const regenerate = (which: WhichKey): void => {
    keys[which] = emulator.regenerateKey(place.keyName, which, place.eventHubName);
  };
  const management = managementServer(place, keys, regenerate);
  try {
    management.listen(options.managementPort, '127.0.0.1');
    await once(management, 'listening');
  } catch (error) {
    await emulator.stop();
    throw error;
  }
  return {
    eventHubsUrl: `sb://127.0.0.1:${emulator.port}`,
    managementUrl: `http://127.0.0.1:${(management.address() as AddressInfo).port}`,
    place,
    emulator,
    keys: () => ({ ...keys }),
    stop: async () => {
      management.closeAllConnections();
      management.close();
      await emulator.stop();
    },
  };
}

/** `listKeys` and `regenerateKeys` of one rule, in the form of Microsoft.EventHub 2024-01-01. */
function managementServer(place: Required<RulePlace>, keys: KeyPair, regenerate: (which: WhichKey) => void): Server {
  const { subscriptionId, resourceGroup, namespace, eventHubName, keyName } = place;
  const rule = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.EventHub/namespaces/${namespace}/eventhubs/${eventHubName}/authorizationRules/${keyName}`;
  const answer = (method: string, path: string, body: string): { status: number; body: object } => {
    const action = path.startsWith(`${rule}/`) ? path.slice(rule.length + 1) : '';
    if (method !== 'POST' || !['listKeys', 'regenerateKeys'].includes(action)) {
      return { status: 404, body: { error: { code: 'ResourceNotFound', message: 'There is no such key here.' } } };
    }
    if (action === 'regenerateKeys') {
      const which = { PrimaryKey: 'primary', SecondaryKey: 'secondary' }[keyTypeOf(body)] as WhichKey | undefined;
      if (which === undefined) {
        return { status: 400, body: { error: { code: 'BadRequest', message: 'keyType is not one of the two.' } } };
      }
      regenerate(which);
    }
    return { status: 200, body: { keyName, primaryKey: keys.primary, secondaryKey: keys.secondary } };
  };
  return createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    text(request)
      .then((body) => {
        const reply = answer(request.method ?? 'GET', pathname, body);
        response.writeHead(reply.status, { 'content-type': 'application/json' }).end(JSON.stringify(reply.body));
      })
      .catch(() => response.destroy());
  });
}

function keyTypeOf(body: string): string {
  try {
    return String((JSON.parse(body) as { keyType?: unknown }).keyType);
  } catch {
    return '';
  }
}

function newKey(): string {
  return randomBytes(32).toString('base64');
}
