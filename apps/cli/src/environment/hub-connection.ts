import type { EventHubAddress } from '@activation-hub/flow-service';
import { EventHubProducerClient } from '@azure/event-hubs';
import { CommandError, reasonOf } from '../terminal/command-error.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** What the hub said to a key. */
export type KeyAnswer =
  | { readonly is: 'accepted' }
  | { readonly is: 'refused'; readonly why: string }
  | { readonly is: 'unreachable'; readonly why: string };

const retryOptions = { maxRetries: 0, timeoutInMs: 20_000 };

/**
 * The variable that leads to an emulator on this machine instead of Azure, such as
 * `sb://127.0.0.1:5672`.
 */
const urlVariable = 'AEP_EVENT_HUBS_URL';

/**
 * For Azure's SDKs. Throws `CommandError` (2) when `AEP_EVENT_HUBS_URL` is set and leads to another
 * machine.
 */
export function hubConnectionString(hub: EventHubAddress, { environment }: Terminal): string {
  const credentials = `SharedAccessKeyName=${hub.sasKeyName};SharedAccessKey=${hub.sasKey};EntityPath=${hub.eventHubName}`;
  const url = environment[urlVariable] ?? '';
  if (url === '') return `Endpoint=sb://${hub.namespace}.servicebus.windows.net/;${credentials}`;
  if (!/^sb:\/\/(localhost|127\.0\.0\.1):\d{1,5}\/?$/.test(url)) {
    throw new CommandError(
      2,
      `Failed to read ${urlVariable}: it must be an emulator on this machine, such as sb://127.0.0.1:5672. Without it the event hub is that of Azure.`,
    );
  }
  return `Endpoint=${url.replace(/\/?$/, '/')};${credentials};UseDevelopmentEmulator=true`;
}

/** Asks the hub whether this key may send to it. Sends nothing. */
export async function checkKey(hub: EventHubAddress, terminal: Terminal): Promise<KeyAnswer> {
  try {
    await withProducer(hub, terminal, (producer) => producer.createBatch({ abortSignal: terminal.interrupted }));
    return { is: 'accepted' };
  } catch (error) {
    if (error instanceof CommandError) throw error;
    terminal.interrupted.throwIfAborted();
    return { is: isRefusal(error) ? 'refused' : 'unreachable', why: reasonOf(error) };
  }
}

/**
 * How many events the hub took since it was made, over all its partitions. Throws what the SDK
 * throws.
 */
export async function eventsEver(hub: EventHubAddress, terminal: Terminal): Promise<number> {
  return await withProducer(hub, terminal, async (producer) => {
    const options = { abortSignal: terminal.interrupted };
    const ids = await producer.getPartitionIds(options);
    const heads = await Promise.all(ids.map((id) => producer.getPartitionProperties(id, options)));
    return heads.reduce((sum, { lastEnqueuedSequenceNumber }) => sum + lastEnqueuedSequenceNumber + 1, 0);
  });
}

async function withProducer<Result>(
  hub: EventHubAddress,
  terminal: Terminal,
  work: (producer: EventHubProducerClient) => Promise<Result>,
): Promise<Result> {
  const producer = new EventHubProducerClient(hubConnectionString(hub, terminal), { retryOptions });
  try {
    return await work(producer);
  } finally {
    await producer.close();
  }
}

/** The key, its rights, or the hub: what no second try changes. */
function isRefusal(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'UnauthorizedError' || code === 'MessagingEntityNotFoundError' || code === 'ArgumentError';
}
