import type { Duplex } from 'node:stream';
import type { Connection, Delivery, EventContext, Receiver, Sender, Session } from 'rhea';
import { amqpError, failures, type AmqpFailure } from './amqp-failure.ts';
import { ConnectionClaims, putToken } from './cbs.ts';
import type { EntraRights } from './entra-token.ts';
import { parseEntityAddress } from './entity-address.ts';
import type { EventHub } from './event-hub.ts';
import type { InjectedFaults } from './faults.ts';
import { readProperties } from './management.ts';
import type { PartitionReader } from './partition-ownership.ts';
import { ReceiverLink } from './receiver-link.ts';
import { RequestNode } from './request-node.ts';
import { answerTermini, boundTransfers, onFlow } from './rhea-internals.ts';
import { SenderLink } from './sender-link.ts';
import type { SharedAccessKeys } from './shared-access-signature.ts';
import { InvalidStartPosition, parseStartPosition } from './start-position.ts';

/** What a connection needs to know of the namespace. */
export interface Namespace {
  readonly findEventHub: (name: string) => EventHub | undefined;
  readonly keys: SharedAccessKeys;
  readonly entraRights: EntraRights | undefined;
  readonly faults: InjectedFaults;
  readonly now: () => number;
  readonly messageBytesMax: number;
}

/** The filter that says where a reader begins. */
const selectorFilter = 'apache.org:selector-filter:string';

const loopbackNames: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]', '::1']);

const secondClaimsLink = failures.notAllowed('A connection has one pair of links to $cbs, and has it open already.');

/** A link of the client, open. */
interface OpenLink {
  readonly session: Session;
  /** Whether messages are to come undecoded. */
  readonly takesBytes?: boolean;
  receive?(delivery: Delivery, message: unknown, format: number | undefined): void;
  wake?(): void;
  drain?(): void;
  close(): void;
}

/**
 * One client: attaches its links to the entities that they name, and lets go of everything when it
 * leaves.
 */
export class ClientConnection {
  readonly #connection: Connection;
  readonly #socket: Duplex;
  readonly #namespace: Namespace;
  readonly #claims: ConnectionClaims;
  readonly #links = new Map<Sender | Receiver, OpenLink>();
  readonly #nodes: Readonly<Record<'$cbs' | '$management', RequestNode>>;

  constructor(connection: Connection, socket: Duplex, namespace: Namespace) {
    this.#connection = connection;
    this.#socket = socket;
    this.#namespace = namespace;
    const { keys, entraRights, now } = namespace;
    const claims = new ConnectionClaims(now);
    this.#claims = claims;
    const isThisHost = (host: string) => this.#isThisHost(host);
    this.#nodes = {
      $cbs: new RequestNode((request) => putToken(request, { keys, entraRights, now, isThisHost }, claims)),
      $management: new RequestNode((request) =>
        readProperties(request, namespace.findEventHub, { claims, keys, entraRights, now, isThisHost }),
      ),
    };
    this.#listen();
  }

  /**
   * Whether this is the name of a policy and one of its keys (SASL PLAIN); if so, the connection
   * has its rights.
   */
  authenticate(policyName: string, key: string): boolean {
    const claim = this.#namespace.keys.verifyKey(policyName, key);
    if (claim) this.#claims.grant(claim);
    return claim !== undefined;
  }

  /** To be called when the socket is gone. */
  close(): void {
    this.#closeLinks(() => true);
  }

  #listen(): void {
    const connection = this.#connection;
    // The client sends events to a receiver of ours, and gets them from a sender of ours.
    connection.on('receiver_open', ({ receiver }: EventContext) => receiver && this.#openSenderLink(receiver));
    connection.on('sender_open', ({ sender }: EventContext) => sender && this.#openReceiverLink(sender));
    connection.on('message', ({ receiver, delivery, message }: EventContext) => {
      const link = receiver && this.#links.get(receiver);
      if (link && delivery) link.receive?.(delivery, message, delivery.format);
    });
    connection.on('sender_draining', ({ sender }: EventContext) => sender && this.#links.get(sender)?.drain?.());
    connection.on('receiver_close', ({ receiver }: EventContext) => receiver && this.#closeLink(receiver));
    connection.on('sender_close', ({ sender }: EventContext) => sender && this.#closeLink(sender));
    connection.on('session_close', ({ session }: EventContext) => this.#closeLinks((link) => link.session === session));
    for (const ofClient of ['receiver_error', 'sender_error', 'session_error', 'connection_error']) {
      // The close event that follows does the work; rhea throws when there is no listener.
      connection.on(ofClient, () => undefined);
    }
    boundTransfers(connection, this.#namespace.messageBytesMax, (link) => this.#links.get(link)?.takesBytes === true);
    const wakeAll = () => {
      for (const link of this.#links.values()) link.wake?.();
    };
    onFlow(connection, wakeAll);
    this.#socket.on('drain', wakeAll);
  }

  /** A client wants to send. */
  #openSenderLink(receiver: Receiver): void {
    const namespace = this.#namespace;
    const target = addressOf(receiver.target);
    const address = parseEntityAddress(target);
    if (address?.kind === 'node') {
      const node = this.#nodes[address.name];
      if (address.name === '$cbs' && node.hasRequests()) {
        receiver.close(amqpError(secondClaimsLink));
        return;
      }
      answerTermini(receiver);
      node.openRequests(receiver);
      this.#links.set(receiver, {
        session: receiver.session,
        receive: (delivery, message) => node.receive(receiver, delivery, message),
        close: () => node.closeRequests(receiver),
      });
      return;
    }
    const eventHub = address?.kind === 'event-hub' ? namespace.findEventHub(address.eventHubName) : undefined;
    if (address?.kind !== 'event-hub' || eventHub === undefined) {
      receiver.close(amqpError(failures.notFound(target)));
      return;
    }
    const { partitionId } = address;
    const partition = partitionId === undefined ? undefined : eventHub.partition(partitionId);
    const path = [eventHub.name.toLowerCase(), ...(partitionId === undefined ? [] : ['partitions', partitionId])];
    const checkAuthorized = () =>
      this.#claims.allow(['Send'], path) ? undefined : failures.unauthorized('Send', target);
    const refusal =
      checkAuthorized() ??
      (partitionId !== undefined && partition === undefined
        ? failures.partitionNotFound(target, eventHub.partitions.length)
        : undefined) ??
      (wantsCapability(receiver, 'com.microsoft:idempotent-producer')
        ? failures.notImplemented('idempotent publishing')
        : undefined);
    if (refusal) {
      receiver.close(amqpError(refusal));
      return;
    }
    answerTermini(receiver);
    const link = new SenderLink({
      receiver,
      choosePartition: (partitionKey) => partition ?? eventHub.choosePartition(partitionKey),
      messageBytesMax: namespace.messageBytesMax,
      faults: namespace.faults,
      checkAuthorized,
    });
    this.#links.set(receiver, {
      session: receiver.session,
      takesBytes: true,
      receive: (delivery, message, format) => link.receive(delivery, message, format),
      close: () => link.close(),
    });
  }

  /** A client wants to receive. */
  #openReceiverLink(sender: Sender): void {
    const source = addressOf(sender.source);
    const address = parseEntityAddress(source);
    if (address?.kind === 'node') {
      const node = this.#nodes[address.name];
      if (address.name === '$cbs' && node.hasReplies()) {
        sender.close(amqpError(secondClaimsLink));
        return;
      }
      answerTermini(sender);
      node.openReplies(sender);
      this.#links.set(sender, {
        session: sender.session,
        wake: () => node.wake(),
        close: () => node.closeReplies(sender),
      });
      node.wake();
      return;
    }
    const failure =
      address?.kind === 'partition-of-group' ? this.#openPartition(sender, address, source) : failures.notFound(source);
    if (failure) sender.close(amqpError(failure));
  }

  #openPartition(
    sender: Sender,
    address: { eventHubName: string; consumerGroup: string; partitionId: string },
    source: string,
  ): AmqpFailure | undefined {
    const { now, faults, findEventHub } = this.#namespace;
    const { consumerGroup, partitionId } = address;
    const eventHub = findEventHub(address.eventHubName);
    if (eventHub === undefined) return failures.notFound(source);
    const path = [eventHub.name, 'consumergroups', consumerGroup, 'partitions', partitionId].map((segment) =>
      segment.toLowerCase(),
    );
    const isAuthorized = () => this.#claims.allow(['Listen'], path);
    const unauthorized = failures.unauthorized('Listen', source);
    if (!isAuthorized()) return unauthorized;
    if (!eventHub.hasConsumerGroup(consumerGroup)) return failures.notFound(source);
    const log = eventHub.partition(partitionId);
    const ownership = eventHub.ownership(consumerGroup, partitionId);
    if (log === undefined || ownership === undefined) {
      return failures.partitionNotFound(source, eventHub.partitions.length);
    }
    let start: number;
    try {
      start = log.startAt(parseStartPosition(selectorOf(sender)));
    } catch (error) {
      if (error instanceof InvalidStartPosition) return failures.invalidArgument(error.message);
      throw error;
    }
    const close = (failure: AmqpFailure) => {
      this.#closeLink(sender);
      sender.close(amqpError(failure));
    };
    const reader: PartitionReader = {
      name: nameOf(sender),
      ownerLevel: ownerLevelOf(sender),
      disconnect: (reason) => close(failures.stolen(reason)),
    };
    const admission = ownership.admit(reader);
    if (!admission.admitted) {
      return admission.because === 'owned'
        ? failures.stolen(admission.reason)
        : failures.quotaExceeded(admission.reason);
    }
    answerTermini(sender, [selectorFilter]);
    const link = new ReceiverLink({
      sender,
      log,
      start,
      now,
      trackLastEnqueued: wantsCapability(sender, 'com.microsoft:enable-receiver-runtime-metric'),
      deliveryDelayMs: () => faults.deliveryDelayMs,
      unsentBytes: () => this.#socket.writableLength,
      startTurn: () => this.#holdSocket(),
      checkAuthorized: () => {
        const authorized = isAuthorized();
        if (!authorized) close(unauthorized);
        return authorized;
      },
    });
    this.#links.set(sender, {
      session: sender.session,
      wake: () => link.wake(),
      drain: () => link.drain(),
      close: () => {
        ownership.release(reader);
        link.close();
      },
    });
    return undefined;
  }

  /** Lets what rhea writes in the next tick, frame by frame, leave in one piece. */
  #holdSocket(): void {
    this.#socket.cork();
    setImmediate(() => this.#socket.uncork());
  }

  #closeLink(link: Sender | Receiver): void {
    this.#links.get(link)?.close();
    this.#links.delete(link);
  }

  #closeLinks(predicate: (link: OpenLink) => boolean): void {
    for (const [link, open] of this.#links) if (predicate(open)) this.#closeLink(link);
  }

  /**
   * A token is for us when it names this machine, or the host that the client said it connects to.
   */
  #isThisHost(host: string): boolean {
    const name = host.replace(/:\d+$/, '');
    return loopbackNames.has(name) || name === this.#connection.hostname?.toLowerCase();
  }
}

function addressOf(terminus: { readonly address?: unknown } | null | undefined): string {
  return typeof terminus?.address === 'string' ? terminus.address : '';
}

/** What rhea gives for an AMQP value: itself, or with its type when it was described. */
function plain(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'value' in value ? value.value : value;
}

function selectorOf(sender: Sender): string | undefined {
  const filter: Readonly<Record<string, unknown>> = sender.source.filter ?? {};
  const selector = plain(filter[selectorFilter]);
  return typeof selector === 'string' ? selector : undefined;
}

function propertyOf(sender: Sender, name: string): unknown {
  const properties = sender.properties as Readonly<Record<string, unknown>> | null | undefined;
  return plain(properties?.[name]);
}

function ownerLevelOf(sender: Sender): number | undefined {
  const level = propertyOf(sender, 'com.microsoft:epoch');
  return typeof level === 'number' ? level : undefined;
}

function nameOf(sender: Sender): string {
  const name = propertyOf(sender, 'com.microsoft:receiver-name');
  return typeof name === 'string' ? name : 'nil';
}

function wantsCapability(link: Sender | Receiver, capability: string): boolean {
  const wanted: unknown = link.desired_capabilities;
  return Array.isArray(wanted) ? wanted.map(plain).includes(capability) : plain(wanted) === capability;
}
