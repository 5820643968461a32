import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import rhea, { type Connection, type ConnectionOptions, type Container } from 'rhea';
import { guardFrames } from './frame-guard.ts';
import { acceptSocket, boundArrays, boundDispositions, socketClosed, writeEveryField } from './rhea-internals.ts';

/** The service's frame size: clients cut their messages accordingly. */
const frameBytesMax = 64 * 1024;
/** From the connection of the socket to the AMQP open. */
const handshakeTimeoutMs = 20_000;
/** After this long without a frame from a client that has promised to send some, its connection is closed. */
const idleTimeoutMs = 120_000;
/** How long clients may take to close when the server stops. */
const closeTimeoutMs = 1_000;

boundArrays();

/** What a server does with a connection. */
export interface ServedConnection {
  /** Whether the client knows this key of this policy (SASL PLAIN); what it may do then is up to the connection. */
  authenticate(policyName: string, key: string): boolean;
  /** The socket is gone. */
  close(): void;
}

/** AMQP 1.0 over TCP: sockets, SASL, frames. Knows nothing of what links are attached to. */
export class AmqpServer {
  readonly #server: Server;
  readonly #connectionOptions: ConnectionOptions;
  readonly #sockets = new Map<Socket, Connection>();

  private constructor(messageBytesMax: number, serve: (connection: Connection, socket: Socket) => ServedConnection) {
    this.#connectionOptions = {
      port: 0, // Of no meaning for a connection that comes in, but the typings want it.
      max_frame_size: frameBytesMax,
      idle_time_out: idleTimeoutMs,
      receiver_options: { credit_window: 0, autoaccept: false, max_message_size: messageBytesMax },
      // Deliveries are settled when sent: Event Hubs keeps a position per reader, not a state per event.
      sender_options: { snd_settle_mode: 1, max_message_size: messageBytesMax },
    };
    this.#server = createServer((socket) => this.#accept(socket, serve));
  }

  /** Listens on the port of the address, 0 for a free one. Rejects when it is taken. */
  static async listen(
    { host, port }: { readonly host: string; readonly port: number },
    messageBytesMax: number,
    serve: (connection: Connection, socket: Socket) => ServedConnection,
  ): Promise<AmqpServer> {
    const server = new AmqpServer(messageBytesMax, serve);
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject);
      server.#server.listen({ host, port }, () => {
        server.#server.off('error', reject);
        resolve();
      });
    });
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts all connections; says how many there were. */
  dropConnections(): number {
    const sockets = [...this.#sockets.keys()];
    for (const socket of sockets) socket.destroy();
    return sockets.length;
  }

  /** Stops listening, tells the clients, and cuts those that do not close in time. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const [socket, connection] of this.#sockets) {
      connection.close({ condition: 'amqp:connection:forced', description: 'The emulator is stopping.' });
      // After rhea has written the close frame, which it does in the next tick.
      setImmediate(() => socket.end());
    }
    const inTime = new AbortController();
    await Promise.race([closed, sleep(closeTimeoutMs, undefined, { signal: inTime.signal }).catch(() => undefined)]);
    inTime.abort();
    this.dropConnections();
    await closed;
  }

  #accept(socket: Socket, serve: (connection: Connection, socket: Socket) => ServedConnection): void {
    const container = rhea.create_container();
    const connection = container.create_connection(this.#connectionOptions);
    socket.setNoDelay(true);
    const served = serve(connection, socket);
    offerMechanisms(container, (policyName, key) => served.authenticate(policyName, key));
    this.#sockets.set(socket, connection);
    const handshake = setTimeout(() => socket.destroy(), handshakeTimeoutMs);
    connection.on('connection_open', () => clearTimeout(handshake));
    // What a client breaks costs it its connection and nothing else.
    connection.on('protocol_error', () => socket.destroy());
    connection.on('error', () => socket.destroy());
    connection.on('disconnected', () => undefined);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(handshake);
      this.#sockets.delete(socket);
      served.close();
      socketClosed(connection);
    });
    boundDispositions(connection);
    writeEveryField(connection);
    guardFrames(socket, frameBytesMax);
    acceptSocket(connection, socket);
  }
}

/** MSSBCBS and ANONYMOUS accept everybody: what a client may do, it proves to `$cbs`. PLAIN takes the key of a policy. */
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
