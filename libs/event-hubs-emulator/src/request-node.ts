import rhea, { type Delivery, type Receiver, type Sender } from 'rhea';
import type { NodeReply, NodeRequest } from './cbs.ts';
import { sendableCount } from './rhea-internals.ts';

const creditMax = 50;

interface RequestMessage {
  readonly message_id?: string | number | Buffer;
  readonly reply_to?: string;
  readonly application_properties?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
}

/** The request-response pattern of `$cbs` and `$management` on one connection: requests come on one link, replies go on another. */
export class RequestNode {
  readonly #answer: (request: NodeRequest) => NodeReply;
  readonly #replyLinks = new Set<Sender>();

  constructor(answer: (request: NodeRequest) => NodeReply) {
    this.#answer = answer;
  }

  openRequests(receiver: Receiver): void {
    receiver.add_credit(creditMax);
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
    receiver.add_credit(1);
    const replyLink = this.#replyLink(message.reply_to);
    if (replyLink === undefined || sendableCount(replyLink) === 0) return;
    const reply = this.#answer({ properties: message.application_properties ?? {}, body: message.body });
    const failure = 'failure' in reply ? reply.failure : undefined;
    replyLink.send({
      ...(message.reply_to === undefined ? {} : { to: message.reply_to }),
      ...(message.message_id === undefined ? {} : { correlation_id: message.message_id }),
      application_properties: {
        'status-code': rhea.types.wrap_int(reply.status),
        'status-description': failure?.description ?? ('description' in reply ? reply.description : ''),
        ...(failure ? { 'error-condition': rhea.types.wrap_symbol(failure.condition) } : {}),
      },
      body: 'body' in reply ? reply.body : undefined,
    });
  }

  /** The link that the request names by its name or its target; when there is only one, that one. */
  #replyLink(replyTo: string | undefined): Sender | undefined {
    const links = [...this.#replyLinks];
    const named = links.find((link) => link.name === replyTo || targetAddress(link) === replyTo);
    return named ?? (links.length === 1 ? links[0] : undefined);
  }
}

function targetAddress(link: Sender): string | undefined {
  const target = link.target as { readonly address?: string } | null | undefined;
  return target?.address;
}
