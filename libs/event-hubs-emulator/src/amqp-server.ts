import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import rhea, { type Connection, type ConnectionOptions, type Container } from 'rhea';
import { ConnectionAcceptor } from './connection-acceptor.ts';
import { guardFrames } from './frame-guard.ts';
import {
  acceptSocket,
  boundArrays,
  boundDispositions,
  closeWhenIdle,
  socketClosed,
  writeEveryField,
} from './rhea-internals.ts';

/** The service's frame size: clients cut their messages accordingly. */
const frameBytesMax = 64 * 1024;
/** From the first bytes to the AMQP open. */
const handshakeTimeoutMs = 20_000;
/** How long clients may take to close when the server stops, or closes an idle connection. */
const closeTimeoutMs = 1_000;

boundArrays();

/** What a server does with a connection. */
export interface ServedConnection {
  /**
   * Whether the client knows this key of this policy (SASL PLAIN); what it may do then is up to the
   * connection.
   */
  authenticate(policyName: string, key: string): boolean;
  /** The stream is gone. */
  close(): void;
}

export interface AmqpServerOptions {
  readonly messageBytesMax: number;
  /**
   * Clients are told to send something at least this often, and are cut after twice this time of
   * silence.
   */
  readonly idleTimeoutMs: number;
  /** Left out, TLS is refused. */
  readonly tls?: { readonly certificate: string; readonly privateKey: string };
  readonly health: () => Readonly<Record<string, unknown>>;
  readonly serve: (connection: Connection, stream: Duplex) => ServedConnection;
}

/** AMQP 1.0: listening, SASL, frames. Knows nothing of what links are attached to. */
export class AmqpServer {
  readonly #options: AmqpServerOptions;
  readonly #acceptor: ConnectionAcceptor;
  readonly #connectionOptions: ConnectionOptions;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #connections = new Map<Duplex, Connection>();

  constructor(options: AmqpServerOptions) {
    const { messageBytesMax, idleTimeoutMs, tls, health } = options;
    this.#options = options;
    this.#connectionOptions = {
      port: 0, // Of no meaning for a connection that comes in, but the typings want it.
      max_frame_size: frameBytesMax,
      idle_time_out: idleTimeoutMs,
      receiver_options: { credit_window: 0, autoaccept: false, max_message_size: messageBytesMax },
      // Deliveries are settled when sent: Event Hubs keeps a position per reader, not a state per
      // event.
      sender_options: { snd_settle_mode: 1, max_message_size: messageBytesMax },
    };
    this.#acceptor = new ConnectionAcceptor({
      ...(tls ? { tls } : {}),
      webSocketMessageBytesMax: 2 * messageBytesMax,
      accept: (stream) => this.#accept(stream),
      health,
    });
  }

  /**
   * Listens on a port of the address, 0 for a free one; resolves with the port, rejects when it is
   * taken. May be called again.
   */
  async listen(host: string, port: number): Promise<number> {
    const server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      this.#acceptor.accept(socket);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    this.#servers.push(server);
    return (server.address() as AddressInfo).port;
  }

  /** Cuts all connections; says how many there were. */
  dropConnections(): number {
    const sockets = [...this.#sockets];
    for (const socket of sockets) socket.destroy();
    return sockets.length;
  }

  /** Stops listening, tells the clients, and cuts those that do not close in time. */
  async stop(): Promise<void> {
    const closed = Promise.all(
      this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
    );
    for (const [stream, connection] of this.#connections) {
      connection.close({ condition: 'amqp:connection:forced', description: 'The emulator is stopping.' });
      // After rhea has written the close frame, which it does in the next tick.
      setImmediate(() => stream.end());
    }
    const inTime = new AbortController();
    await Promise.race([closed, sleep(closeTimeoutMs, undefined, { signal: inTime.signal }).catch(() => undefined)]);
    inTime.abort();
    this.dropConnections();
    await closed;
  }

  #accept(stream: Duplex): void {
    const container = rhea.create_container();
    const connection = container.create_connection(this.#connectionOptions);
    const served = this.#options.serve(connection, stream);
    offerMechanisms(container, (policyName, key) => served.authenticate(policyName, key));
    this.#connections.set(stream, connection);
    const handshake = setTimeout(() => stream.destroy(), handshakeTimeoutMs);
    connection.on('connection_open', () => clearTimeout(handshake));
    // What a client breaks costs it its connection and nothing else.
    connection.on('protocol_error', () => stream.destroy());
    connection.on('error', () => stream.destroy());
    connection.on('disconnected', () => undefined);
    stream.on('error', () => stream.destroy());
    stream.on('close', () => {
      clearTimeout(handshake);
      this.#connections.delete(stream);
      served.close();
      socketClosed(connection);
    });
    boundDispositions(connection);
    writeEveryField(connection);
    closeWhenIdle(connection, this.#options.idleTimeoutMs, () => {
      setTimeout(() => stream.destroy(), closeTimeoutMs).unref();
    });
    guardFrames(stream, frameBytesMax);
    acceptSocket(connection, stream);
  }
}

/**
 * MSSBCBS and ANONYMOUS accept every client, which proves its rights to `$cbs`. PLAIN takes the key
 * of a policy.
 */
function offerMechanisms(container: Container, authenticate: (policyName: string, key: string) => boolean): void {
  const mechanisms = container.sasl_server_mechanisms as {
    ANONYMOUS?: unknown;
    MSSBCBS?: unknown;
    enable_anonymous(): void;
    enable_plain(authenticate: (policyName: string, key: string) => boolean): void;
  };
  mechanisms.enable_anonymous();
  mechanisms.MSSBCBS = mechanisms.ANONYMOUS;
  mechanisms.enable_plain(authenticate);
}
