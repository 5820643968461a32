import rhea, { type Delivery, type Message, type Receiver, type Sender } from 'rhea';
import type { NodeReply, NodeRequest } from './cbs.ts';
import { sendableCount } from './rhea-internals.ts';

const creditMax = 50;

interface RequestMessage {
  readonly message_id?: string | number | Buffer;
  readonly reply_to?: string;
  readonly application_properties?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
}

interface WaitingReply {
  /** The link on which the request came. */
  readonly receiver: Receiver;
  readonly replyTo: string | undefined;
  readonly message: Message;
}

/**
 * The request-response pattern of `$cbs` and `$management` on one connection: requests come on one
 * link, replies go on another.
 */
export class RequestNode {
  readonly #answer: (request: NodeRequest) => NodeReply;
  readonly #requestLinks = new Set<Receiver>();
  readonly #replyLinks = new Set<Sender>();
  /**
   * Replies whose link is not there yet or has no credit, in order. Bounded by the credit that
   * their requests used up.
   */
  #waiting: WaitingReply[] = [];

  constructor(answer: (request: NodeRequest) => NodeReply) {
    this.#answer = answer;
  }

  openRequests(receiver: Receiver): void {
    this.#requestLinks.add(receiver);
    receiver.add_credit(creditMax);
  }

  hasRequests(): boolean {
    return this.#requestLinks.size > 0;
  }

  hasReplies(): boolean {
    return this.#replyLinks.size > 0;
  }

  /** Its replies are no longer wanted. */
  closeRequests(receiver: Receiver): void {
    this.#requestLinks.delete(receiver);
    this.#waiting = this.#waiting.filter((reply) => reply.receiver !== receiver);
  }

  openReplies(sender: Sender): void {
    this.#replyLinks.add(sender);
  }

  closeReplies(sender: Sender): void {
    this.#replyLinks.delete(sender);
  }

  receive(receiver: Receiver, delivery: Delivery, received: unknown): void {
    const message = (Buffer.isBuffer(received) ? rhea.message.decode(received) : received) as RequestMessage;
    delivery.accept();
    const reply = this.#answer({ properties: message.application_properties ?? {}, body: message.body });
    this.#waiting.push({ receiver, replyTo: message.reply_to, message: encodeReply(message, reply) });
    this.wake();
  }

  /**
   * To be called when reply links may have got credit: sends what waits for it, and lets its sender
   * ask again.
   */
  wake(): void {
    this.#waiting = this.#waiting.filter(({ receiver, replyTo, message }) => {
      const replyLink = this.#replyLink(replyTo);
      if (replyLink === undefined || sendableCount(replyLink) === 0) return true;
      replyLink.send(message);
      receiver.add_credit(1);
      return false;
    });
  }

  /**
   * The link that the request names by its name or its target; when there is only one, that one.
   */
  #replyLink(replyTo: string | undefined): Sender | undefined {
    const links = [...this.#replyLinks];
    const named = links.find((link) => link.name === replyTo || targetAddress(link) === replyTo);
    return named ?? (links.length === 1 ? links[0] : undefined);
  }
}

function encodeReply(request: RequestMessage, reply: NodeReply): Message {
  const failure = 'failure' in reply ? reply.failure : undefined;
  return {
    ...(request.reply_to === undefined ? {} : { to: request.reply_to }),
    ...(request.message_id === undefined ? {} : { correlation_id: request.message_id }),
    application_properties: {
      'status-code': rhea.types.wrap_int(reply.status),
      'status-description': failure?.description ?? ('description' in reply ? reply.description : ''),
      ...(failure ? { 'error-condition': rhea.types.wrap_symbol(failure.condition) } : {}),
    },
    body: 'body' in reply ? reply.body : undefined,
  };
}

function targetAddress(link: Sender): string | undefined {
  const target = link.target as { readonly address?: string } | null | undefined;
  return target?.address;
}
