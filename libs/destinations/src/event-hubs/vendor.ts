import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { earliestEventPosition, EventHubConsumerClient, type ReceivedEventData } from '@azure/event-hubs';
import { z } from 'zod';
import {
  type MemberAttributes,
  type StandInVendor,
  type StartLocalVendor,
  type VendorFault,
  type VendorRequest,
} from '@activation-hub/destination-kit/testing';
import { type EventHubsEmulator, startEventHubsEmulator } from '@activation-hub/event-hubs-emulator';
import { eventHubsSettings } from './settings.ts';

/** What a reader may rely on in an event. */
const change = z.strictObject({
  id: z.string(),
  change: z.enum(['entered', 'updated', 'exited']),
  audience: z.strictObject({ key: z.string(), id: z.string(), namespace: z.string(), name: z.string().optional() }),
  identity: z.strictObject({ namespace: z.string(), value: z.string() }),
  qualifiedAt: z.iso.datetime(),
  attributes: z.record(z.string(), z.json()),
});
const cloudEvent = z.strictObject({
  specversion: z.literal('1.0'),
  id: z.string(),
  source: z.string(),
  type: z.string(),
  subject: z.string(),
  time: z.iso.datetime(),
  datacontenttype: z.literal('application/json'),
  partitionkey: z.string(),
  data: change,
});

type Line = z.output<typeof change>;

/**
 * An Event Hub in the emulator, with a reader of it, reached through a relay that can break what a
 * network breaks.
 */
export interface EventHubsVendor extends StandInVendor {
  readonly connectionString: string;
  readonly emulator: EventHubsEmulator;
  /**
   * All events so far, each with the partition that it is in; throws when one is not as the README
   * says.
   */
  events(): Promise<readonly { readonly partitionId: string; readonly event: ReceivedEventData }[]>;
  /** The newest change of each person of an audience who is a member. */
  membersOf(audience: string): Promise<readonly Line[]>;
}

export const startLocalEventHubsVendor: StartLocalVendor = async ({ settings }) => {
  const vendor = await startEventHubsVendor(eventHubsSettings.parse(settings).eventHub);
  return {
    settings: { fullyQualifiedNamespace: undefined, clientId: undefined },
    secrets: { connectionString: vendor.connectionString },
    members: async ({ audience }) => (await vendor.membersOf(audience)).map(({ identity }) => identity.value),
    close: () => vendor.close(),
  };
};

/** Starts a namespace with one hub on a free local port. */
export async function startEventHubsVendor(eventHub = 'audience-changes'): Promise<EventHubsVendor> {
  const emulator = await startEventHubsEmulator({ eventHubs: [{ name: eventHub, partitionCount: 4 }] });
  const connectionString = emulator.connectionString();
  const reader = new HubReader(connectionString, eventHub);
  const relay = await Relay.listen(emulator.port);
  const { port } = relay;
  const cannot = (what: string) => () => {
    throw new Error(`Failed to ${what} a row: Event Hubs looks into no event.`);
  };
  const caughtUp = () =>
    reader.until(emulator.partitions(eventHub).map(({ lastSequenceNumber }) => lastSequenceNumber));
  const lines = async () => (await caughtUp()).map(({ event }) => readChange(event));
  return {
    origin: `sb://127.0.0.1:${port}`,
    connectionString: connectionString.replace(`:${emulator.port}/`, `:${port}/`),
    emulator,
    requests: relay.requests,
    forgetRequests: () => void relay.requests.splice(0),
    setFault: (fault) => relay.setFault(fault),
    setReadFault: (fault) => relay.setClosed(fault !== undefined),
    nextRequest: () => relay.nextRequest(),
    events: caughtUp,
    membersOf: async (audience) => members((await lines()).filter((line) => line.audience.key === audience)),
    member: async (identity): Promise<MemberAttributes | undefined> =>
      members(await lines()).find((line) => line.identity.value === identity)?.attributes,
    refuse: cannot('refuse'),
    omit: cannot('leave out'),
    close: async () => {
      await reader.close();
      await relay.close();
      await emulator.stop();
    },
  };
}

function readChange({ body, contentType, partitionKey, messageId }: ReceivedEventData): Line {
  // The SDK reads what is JSON.
  const event = cloudEvent.parse(body);
  const isWhole = contentType === 'application/cloudevents+json; charset=utf-8' && messageId === event.id;
  if (!isWhole || partitionKey !== event.partitionkey)
    throw new Error('Failed to read an event: its properties differ.');
  return event.data;
}

/**
 * Of each person in each audience the newest change, where it is no exit. Repeated events say the
 * same.
 */
function members(lines: readonly Line[]): readonly Line[] {
  const newest = new Map<string, Line>();
  for (const line of lines.toSorted((left, right) => (orderOf(left) < orderOf(right) ? -1 : 1))) {
    newest.set(JSON.stringify([line.audience.key, line.identity]), line);
  }
  return [...newest.values()].filter((line) => line.change !== 'exited');
}

const orderOf = ({ qualifiedAt, change: kind }: Line): string => `${qualifiedAt} ${kind === 'exited' ? 1 : 0}`;

/** Reads all partitions from their beginning, for as long as it is open. */
class HubReader {
  readonly #consumer: EventHubConsumerClient;
  readonly #subscription: { close(): Promise<void> };
  readonly #events: { readonly partitionId: string; readonly event: ReceivedEventData }[] = [];
  #failure: Error | undefined;
  #waiting: (() => void)[] = [];

  constructor(connectionString: string, eventHub: string) {
    this.#consumer = new EventHubConsumerClient('$Default', connectionString, eventHub);
    this.#subscription = this.#consumer.subscribe(
      {
        processEvents: (events, { partitionId }) => {
          this.#events.push(...events.map((event) => ({ partitionId, event })));
          this.#wake();
          return Promise.resolve();
        },
        processError: (error) => {
          this.#failure = error;
          this.#wake();
          return Promise.resolve();
        },
      },
      { startPosition: earliestEventPosition },
    );
  }

  /** Gives all events once those with these sequence numbers, by partition, have come. */
  async until(lastSequenceNumbers: readonly number[]) {
    const wanted = lastSequenceNumbers.reduce((sum, last) => sum + last + 1, 0);
    while (this.#events.length < wanted) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.#events;
  }

  async close(): Promise<void> {
    await this.#subscription.close();
    await this.#consumer.close();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/**
 * How many transfers are kept; older ones are forgotten, so that a long local run does not grow.
 */
const requestsMax = 10_000;

/**
 * A TCP relay in front of the emulator. It knows a transfer by the event in it, which is all that
 * it looks at.
 */
class Relay {
  readonly requests: VendorRequest[] = [];
  readonly #sockets = new Map<Socket, Socket>();
  readonly #server;
  #fault: 'silent' | 'reset' | undefined;
  #isClosed = false;
  #waiting: (() => void)[] = [];

  private constructor(targetPort: number) {
    this.#server = createServer((client) => this.#accept(client, targetPort));
  }

  static async listen(targetPort: number): Promise<Relay> {
    const relay = new Relay(targetPort);
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve));
    return relay;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  setFault(fault: VendorFault | undefined): void {
    if (fault !== undefined && fault.kind !== 'silent' && fault.kind !== 'late' && fault.kind !== 'reset') {
      throw new Error('Failed to set a fault: AMQP has no HTTP statuses and no body in its answers.');
    }
    // The hub takes the event in any case; its answer waits for the end of the fault.
    this.#fault = fault?.kind === 'late' ? 'silent' : fault?.kind;
    if (fault === undefined) for (const upstream of this.#sockets.values()) upstream.resume();
  }

  /** While it is closed, no client connects. */
  setClosed(isClosed: boolean): void {
    this.#isClosed = isClosed;
    if (isClosed) for (const client of this.#sockets.keys()) client.destroy();
  }

  nextRequest(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async close(): Promise<void> {
    this.setClosed(true);
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket, targetPort: number): void {
    if (this.#isClosed) {
      client.destroy();
      return;
    }
    const upstream = connect(targetPort, '127.0.0.1');
    this.#sockets.set(client, upstream);
    client.on('data', (bytes) => {
      upstream.write(bytes);
      if (bytes.includes('"specversion"')) this.#sent(client, upstream);
    });
    upstream.on('data', (bytes) => client.write(bytes));
    for (const socket of [client, upstream]) {
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        this.#sockets.delete(client);
        client.destroy();
        upstream.destroy();
      });
    }
  }

  #sent(client: Socket, upstream: Socket): void {
    this.requests.push({ method: 'SEND', url: '', headers: {}, body: '' });
    if (this.requests.length > requestsMax) this.requests.shift();
    for (const resolve of this.#waiting.splice(0)) resolve();
    if (this.#fault === 'silent') upstream.pause();
    if (this.#fault === 'reset') client.destroy();
  }
}
