import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, TLSSocket, type SecureContext } from 'node:tls';
import { createWebSocketStream, WebSocketServer } from 'ws';

/**
 * The first byte of a TLS handshake (RFC 8446, 5.1) and of an AMQP protocol header; anything else
 * is taken for HTTP.
 */
const tlsHandshake = 0x16;
const amqpHeader = 'A'.charCodeAt(0);
/** How long a connection may be silent before it has said what it speaks. */
const firstBytesTimeoutMs = 20_000;

/** Where the SDKs open WebSockets, and the subprotocols that they ask for. */
const webSocketPath = '/$servicebus/websocket';
const webSocketProtocols = ['AMQPWSB10', 'amqp'];

export interface ConnectionAcceptorOptions {
  /** Left out, TLS is refused. */
  readonly tls?: { readonly certificate: string; readonly privateKey: string };
  /** A message of a WebSocket holds no more. */
  readonly webSocketMessageBytesMax: number;
  /** Called with a stream on which AMQP is spoken. */
  readonly accept: (stream: Duplex) => void;
  /** What the health endpoint answers. */
  readonly health: () => Readonly<Record<string, unknown>>;
}

/**
 * Tells by its first bytes what a connection speaks, so that every port takes all: AMQP, AMQP over
 * WebSockets, each with or without TLS, and HTTP for `GET /health`.
 */
export class ConnectionAcceptor {
  readonly #options: ConnectionAcceptorOptions;
  readonly #secureContext: SecureContext | undefined;
  readonly #http: HttpServer;
  readonly #webSockets: WebSocketServer;
  /** The socket below a TLS stream. */
  readonly #below = new WeakMap<Duplex, Socket>();

  constructor(options: ConnectionAcceptorOptions) {
    this.#options = options;
    const { tls } = options;
    this.#secureContext = tls && createSecureContext({ cert: tls.certificate, key: tls.privateKey });
    this.#http = createHttpServer((request, response) => this.#answer(request, response));
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#webSockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: options.webSocketMessageBytesMax,
      handleProtocols: (offered) => webSocketProtocols.find((protocol) => offered.has(protocol)) ?? false,
    });
  }

  /** Takes over the socket. */
  accept(socket: Socket): void {
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.setTimeout(firstBytesTimeoutMs, () => socket.destroy());
    onFirstBytes(socket, (bytes) => {
      if (bytes[0] !== tlsHandshake) {
        this.#acceptPlain(socket, bytes);
        return;
      }
      if (this.#secureContext === undefined) {
        socket.destroy();
        return;
      }
      socket.unshift(bytes);
      const secure = new TLSSocket(socket, { isServer: true, secureContext: this.#secureContext });
      this.#below.set(secure, socket);
      secure.on('error', () => socket.destroy());
      onFirstBytes(secure, (decrypted) => this.#acceptPlain(secure, decrypted));
    });
  }

  #acceptPlain(stream: Socket, bytes: Buffer): void {
    stream.unshift(bytes);
    if (bytes[0] === amqpHeader) this.#acceptAmqp(stream, stream);
    else this.#http.emit('connection', stream);
  }

  #answer({ url, method }: IncomingMessage, response: ServerResponse): void {
    const found = url === '/health';
    const allowed = method === 'GET' || method === 'HEAD';
    response.writeHead(!found ? 404 : allowed ? 200 : 405, { 'content-type': 'application/json', connection: 'close' });
    const what = found && allowed ? this.#options.health() : { error: `There is GET /health and ${webSocketPath}.` };
    response.end(`${JSON.stringify(what)}\n`);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // The request line may hold the whole address (RFC 9112, 3.2.2), as that of the Java SDK does.
    const path = (request.url ?? '')
      .replace(/^https?:\/\/[^/]*/i, '')
      .replace(/[?#].*$/, '')
      .replace(/\/$/, '');
    if (path.toLowerCase() !== webSocketPath) {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.#acceptAmqp(createWebSocketStream(webSocket), request.socket);
    });
  }

  #acceptAmqp(stream: Duplex, socket: Socket): void {
    (this.#below.get(socket) ?? socket).setTimeout(0);
    this.#options.accept(stream);
  }
}

/** Waits for the first bytes; who is called must give them back to the stream or use them. */
function onFirstBytes(stream: Socket, listener: (bytes: Buffer) => void): void {
  stream.once('readable', () => {
    const bytes = stream.read() as Buffer | null;
    if (bytes) listener(bytes);
  });
}
