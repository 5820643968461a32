import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import rhea, { type Connection, type ConnectionOptions, type EventContext, type Message, type Session } from 'rhea';
import { onTestFinished } from 'vitest';
import type { EventHubsEmulator } from '../src/index.ts';

/**
 * A client that speaks AMQP without being an Event Hubs SDK, as other languages' SDKs and generic
 * clients look from the wire.
 */
export interface AmqpClient {
  readonly connection: Connection;
  readonly session: Session;
  /** A token for the whole namespace, signed with the key of the emulator's connection string. */
  readonly token: string;
  /**
   * Asks `$cbs` for the rights of the token, or of one that lives so long by the real clock;
   * resolves with the status code.
   */
  authorize(lifeMs?: number): Promise<number>;
  /** Sends a request to a node and resolves with the reply. */
  request(node: string, request: Partial<Message>): Promise<Message>;
}

/** Connects, with one session, without SASL unless the options say so. */
export async function connectAmqp(
  emulator: EventHubsEmulator,
  options: Partial<ConnectionOptions> = {},
): Promise<AmqpClient> {
  const connection = rhea.create_container().connect({
    host: '127.0.0.1',
    port: emulator.port,
    reconnect: false,
    ...options,
  });
  connection.on('disconnected', () => undefined);
  onTestFinished(() => {
    connection.close();
  });
  await opened(connection, 'connection_open');
  const session = connection.create_session();
  session.begin();
  await opened(session, 'session_open');
  const token = signToken(emulator);
  const client: AmqpClient = {
    connection,
    session,
    token,
    authorize: async (lifeMs) => {
      const reply = await client.request('$cbs', {
        application_properties: {
          operation: 'put-token',
          type: 'servicebus.windows.net:sastoken',
          name: `sb://127.0.0.1:${emulator.port}/`,
        },
        body: lifeMs === undefined ? token : signToken(emulator, lifeMs),
      });
      return statusOf(reply);
    },
    request: async (node, request) => {
      const replyTo = `reply-${node}-${Math.random()}`;
      const receiver = session.open_receiver({ source: node, target: { address: replyTo } });
      const sender = session.open_sender(node);
      await once(sender, 'sendable');
      const reply = once(receiver, 'message') as Promise<[EventContext]>;
      sender.send({ message_id: '1', reply_to: replyTo, body: undefined, ...request });
      const [{ message }] = await reply;
      // `$cbs` has one pair of links for each connection.
      sender.close();
      receiver.close();
      if (message === undefined) throw new Error(`Failed to ask ${node}: the reply is empty.`);
      return message;
    },
  };
  return client;
}

/** The status code of a reply of `$cbs` or `$management`. */
export function statusOf(reply: Message): number {
  return Number((reply.application_properties as Record<string, unknown> | undefined)?.['status-code']);
}

/** How many fields a frame of the peer had, those included that are null. */
export function fieldCount(frame: unknown): number {
  return (frame as { readonly value: readonly unknown[] }).value.length;
}

async function opened(endpoint: Connection | Session, event: string): Promise<void> {
  await Promise.race([
    once(endpoint, event),
    ...['connection_error', 'disconnected'].map(async (failure) => {
      const [{ error }] = (await once(endpoint, failure)) as [EventContext];
      throw error instanceof Error ? error : new Error(`Failed to connect: ${failure}.`);
    }),
  ]);
}

function signToken(emulator: EventHubsEmulator, lifeMs = 3_600_000): string {
  const { SharedAccessKeyName: name = '', SharedAccessKey: key = '' } = connectionFields(emulator);
  const resource = encodeURIComponent(`sb://127.0.0.1:${emulator.port}/`);
  const expires = Math.floor((Date.now() + lifeMs) / 1000);
  const signature = createHmac('sha256', key).update(`${resource}\n${expires}`).digest('base64');
  return `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expires}&skn=${name}`;
}

/** The fields of the emulator's connection string. */
export function connectionFields(emulator: EventHubsEmulator): Partial<Record<string, string>> {
  return Object.fromEntries(
    emulator
      .connectionString()
      .split(';')
      .map((field) => /^([^=]+)=(.*)$/.exec(field)?.slice(1) ?? [field, '']),
  ) as Record<string, string>;
}
