import { type EventDataBatch, EventHubProducerClient, parseEventHubConnectionString } from '@azure/event-hubs';
import { type Change, type ConnectorContext, DestinationError, headerTextOf } from '@activation-hub/destination-kit';
import { managedIdentity } from '../managed-identity.ts';
import { type ChangeEvent, changeEvent, eventContentType, type KeyedChanges } from './request.ts';
import { eventHubsError, type Phase } from './response.ts';
import type { EventHubsSettings } from './settings.ts';

/** The way to the Event Hub. */
export interface EventSender {
  /**
   * Opens the connection unless it is open, and sends nothing. Throws `DestinationError` without
   * doubt.
   */
  open(signal: AbortSignal): Promise<void>;
  /**
   * Sends the events of one identity, in their order, and gives the ids of those that are larger
   * than the hub takes. Throws `DestinationError` when the others were not all taken.
   */
  send(keyed: KeyedChanges, signal: AbortSignal): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** How long a farewell may take, in milliseconds. */
const closeTimeoutMs = 2_000;

/**
 * The sender for these settings. It connects with its first use. Throws `DestinationError`,
 * `set-up`, when they cannot work.
 */
export function eventSender(settings: EventHubsSettings, { http, record }: ConnectorContext): EventSender {
  if (record !== undefined) return recordingSender(settings, record);
  const { create, host } = producerOf(settings, (url) => http.check(url));
  const { eventHub, source, timeoutMs } = settings;
  const where = `the Event Hub ${eventHub} at ${host}`;
  let current: Line | undefined;

  /**
   * Runs one call of the SDK. After one that got no answer the next calls have a connection of
   * their own.
   */
  const call = async <Result>(phase: Phase, work: SdkCall<Result>, signal: AbortSignal): Promise<Result> => {
    const line = (current ??= new Line(create()));
    try {
      return await line.use((producer) =>
        unlessStopped((abortSignal) => work(producer, abortSignal), signal, timeoutMs),
      );
    } catch (error) {
      const failure = eventHubsError(error, phase, where);
      if (failure.class === 'transient' && current === line) {
        current = undefined;
        line.retire();
      }
      throw failure;
    }
  };
  const createBatch = (signal: AbortSignal, partitionKey: string): Promise<EventDataBatch> =>
    call('opening', (producer, abortSignal) => producer.createBatch({ partitionKey, abortSignal }), signal);
  const sendBatch = (batch: EventDataBatch, signal: AbortSignal): Promise<void> =>
    call('sending', (producer, abortSignal) => producer.sendBatch(batch, { abortSignal }), signal);

  return {
    open: async (signal) => {
      await createBatch(signal, 'probe');
    },
    send: async ({ partitionKey, changes }, signal) => {
      const tooLarge: string[] = [];
      let batch = await createBatch(signal, partitionKey);
      for (const change of changes) {
        const event = eventData(changeEvent(change, source));
        if (batch.tryAdd(event)) continue;
        if (batch.count > 0) {
          await sendBatch(batch, signal);
          batch = await createBatch(signal, partitionKey);
          if (batch.tryAdd(event)) continue;
        }
        tooLarge.push(change.id);
      }
      if (batch.count > 0) await sendBatch(batch, signal);
      return tooLarge;
    },
    close: async () => {
      await current?.close();
    },
  };
}

type SdkCall<Result> = (producer: EventHubProducerClient, signal: AbortSignal) => Promise<Result>;

/** A connection, which is closed when its last call has ended. */
class Line {
  readonly #producer: EventHubProducerClient;
  #calls = 0;
  #isRetired = false;

  constructor(producer: EventHubProducerClient) {
    this.#producer = producer;
  }

  async use<Result>(work: (producer: EventHubProducerClient) => Promise<Result>): Promise<Result> {
    this.#calls += 1;
    try {
      return await work(this.#producer);
    } finally {
      this.#calls -= 1;
      if (this.#isRetired && this.#calls === 0) void this.close();
    }
  }

  /** No call begins to use it any more. */
  retire(): void {
    this.#isRetired = true;
    if (this.#calls === 0) void this.close();
  }

  /**
   * Never throws. A dead connection never answers the close, and the end of the process does not
   * wait for it.
   */
  async close(): Promise<void> {
    const farewell = unlessStopped(() => this.#producer.close(), new AbortController().signal, closeTimeoutMs);
    await farewell.catch(() => undefined); // What the service says at the end changes nothing for who was told.
  }
}

/** A body of bytes, for the SDK would write a text as JSON once more. */
function eventData(event: ChangeEvent) {
  return { body: Buffer.from(JSON.stringify(event)), contentType: eventContentType, messageId: event.id };
}

function producerOf(settings: EventHubsSettings, check: (url: string) => void) {
  const { eventHub, fullyQualifiedNamespace, clientId, connectionString, timeoutMs } = settings;
  // Attempts are made anew around the connector, which knows how long there is.
  const options = { retryOptions: { maxRetries: 0, timeoutInMs: timeoutMs } };
  if (fullyQualifiedNamespace !== undefined) {
    check(`https://${fullyQualifiedNamespace}`);
    const credential = managedIdentity(clientId);
    const create = () => new EventHubProducerClient(fullyQualifiedNamespace, eventHub, credential, options);
    return { create, host: fullyQualifiedNamespace };
  }
  if (connectionString === undefined) {
    throw new DestinationError('set-up', 'Failed to connect: there is no fullyQualifiedNamespace. Add it.');
  }
  const text = headerTextOf('connectionString', connectionString);
  const { host, eventHubName } = readConnectionString(text);
  if (eventHubName !== undefined && eventHubName !== eventHub) {
    throw unreadable('it is of another Event Hub than eventHub.');
  }
  // An emulator takes plain TCP.
  check(`${/;\s*UseDevelopmentEmulator=true/i.test(text) ? 'http' : 'https'}://${host}`);
  return { create: () => new EventHubProducerClient(text, eventHub, options), host };
}

function readConnectionString(text: string): { readonly host: string; readonly eventHubName: string | undefined } {
  try {
    const { fullyQualifiedNamespace: host, eventHubName } = parseEventHubConnectionString(text);
    return { host, eventHubName };
  } catch {
    // The SDK's error may quote the connection string.
    throw unreadable('its secret is none of Event Hubs.');
  }
}

const unreadable = (why: string): DestinationError =>
  new DestinationError('set-up', `Failed to read the setting connectionString: ${why} Copy it again.`);

/**
 * Gives up when the signal is aborted or the time is over, also while the SDK waits for a token,
 * which it does not stop.
 */
async function unlessStopped<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<Result> {
  const stop = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(Object.assign(new Error('stopped'), { name: 'AbortError' }));
  stop.addEventListener('abort', onAbort, { once: true });
  try {
    if (stop.aborted) onAbort();
    return await Promise.race(stop.aborted ? [stopped] : [stopped, work(stop)]);
  } finally {
    stop.removeEventListener('abort', onAbort);
  }
}

/** Shows each event as a request of its own, and opens no connection. */
function recordingSender(
  { eventHub, fullyQualifiedNamespace = 'namespace', source }: EventHubsSettings,
  record: NonNullable<ConnectorContext['record']>,
): EventSender {
  const show = (partitionKey: string, change: Change): void =>
    record({
      method: 'POST',
      url: `amqps://${fullyQualifiedNamespace}/${eventHub}`,
      headers: { 'content-type': eventContentType, 'x-opt-partition-key': partitionKey },
      body: JSON.stringify(changeEvent(change, source)),
    });
  return {
    open: () => Promise.resolve(),
    send: ({ partitionKey, changes }) => {
      for (const change of changes) show(partitionKey, change);
      return Promise.resolve([]);
    },
    close: () => Promise.resolve(),
  };
}
