import rhea, { type Connection, type Receiver, type Sender } from 'rhea';

/**
 * The parts of rhea 3.0.5 that a server needs and its typings leave out. Everything that depends on
 * how rhea works inside is in this file.
 */

interface TransferFrame {
  readonly channel: number;
  readonly performative: {
    readonly handle: number;
    readonly delivery_id?: number | null;
    message_format: number | undefined;
  };
  payload?: Buffer | undefined;
}

interface IncomingLink {
  /** The delivery of which more transfers are to come. */
  readonly _incomplete?: object;
}

interface DispositionFrame {
  readonly performative: { readonly first: number; readonly last?: number | null };
}

interface ConnectionInternals {
  on_disposition(frame: DispositionFrame): void;
  on_transfer(frame: TransferFrame): void;
  on_flow(frame: unknown): void;
  eof(): void;
  accept(socket: object): void;
  readonly remote_channel_map: Readonly<
    Record<
      number,
      {
        readonly incoming: { next_delivery_id: number | undefined };
        readonly remote: { readonly handles: Readonly<Record<number, IncomingLink>> };
      }
    >
  >;
}

interface SenderInternals {
  readonly credit: number;
  readonly session: {
    readonly outgoing: {
      available(): number;
      readonly next_delivery_id: number;
      readonly next_pending_delivery: number;
    };
  };
}

function internals(connection: Connection): ConnectionInternals {
  return connection as unknown as ConnectionInternals;
}

interface Performative {
  readonly constructor: { readonly descriptor?: { readonly numeric: number } };
  readonly value: unknown[];
  handle_max?: number;
}

/**
 * How many fields each frame has, by its descriptor, from open to close (AMQP 1.0, part 2 section
 * 2.7).
 */
const fieldCounts: Readonly<Record<number, number>> = {
  0x10: 10,
  0x11: 8,
  0x12: 14,
  0x13: 11,
  0x14: 11,
  0x15: 6,
  0x16: 3,
  0x17: 1,
  0x18: 1,
};
const nothing: unknown = rhea.types.wrap(null);
const beginDescriptor = 0x11;
/** The highest handle that the service announces for a session, as the logs of its SDKs show. */
const handleMax = 255;

/**
 * Writes frames with all their fields, as the service does. rhea ends a list at its last field that
 * is set, which AMQP allows, but Python's SDK reads fields by their index.
 */
export function writeEveryField(connection: Connection): void {
  const inner = connection as unknown as {
    _write_frame(channel?: number, frame?: Performative, payload?: Buffer): void;
  };
  const original = inner._write_frame.bind(inner);
  inner._write_frame = (channel, frame, payload) => {
    const descriptor = frame?.constructor.descriptor?.numeric ?? 0;
    if (frame && descriptor === beginDescriptor) frame.handle_max = handleMax;
    const count = fieldCounts[descriptor] ?? 0;
    while (frame && frame.value.length < count) frame.value.push(nothing);
    original(channel, frame, payload);
  };
}

interface Terminus {
  filter?: Readonly<Record<string, unknown>> | undefined;
  readonly value: unknown[];
  described(): unknown;
}

/** Where the filter stands in the list that is a source (AMQP 1.0, part 3 section 3.5.3). */
const filterIndex = 7;

/**
 * Answers an attach with the source and the target that the client gave, as the service does, but
 * of the filters only those that are in place (AMQP 1.0, part 3 section 3.5.3).
 */
export function answerTermini(link: Sender | Receiver, filtersInPlace: readonly string[] = []): void {
  const { remote, local } = link as unknown as {
    readonly remote: { readonly attach: { readonly source: Terminus | null; readonly target: Terminus | null } };
    readonly local: { readonly attach: { source: unknown; target: unknown } };
  };
  const { source, target } = remote.attach;
  if (source) {
    const filters = source.value[filterIndex] as { value?: unknown } | null | undefined;
    if (Array.isArray(filters?.value)) {
      const pairs = filters.value as readonly { readonly value: unknown }[];
      filters.value = pairs.filter((_, index) => filtersInPlace.includes(String(pairs[index - (index % 2)]?.value)));
    }
    local.attach.source = source.described();
  }
  if (target) local.attach.target = target.described();
}

/** Makes the connection serve this socket. */
export function acceptSocket(connection: Connection, socket: object): void {
  internals(connection).accept(socket);
}

/**
 * Tells rhea that the socket is gone, for it only notices an orderly end; without it its timers
 * would live on.
 */
export function socketClosed(connection: Connection): void {
  internals(connection).eof();
}

/**
 * What happens when the client has sent nothing for twice the time that was announced to it: the
 * connection is closed with the condition of the service ("Event Hubs troubleshooting guide: AMQP
 * connection errors"), and `cut` is called.
 */
export function closeWhenIdle(connection: Connection, idleTimeoutMs: number, cut: () => void): void {
  (connection as unknown as { idle(): void }).idle = () => {
    connection.close({
      condition: 'amqp:connection:forced',
      description: `The connection was inactive for more than the allowed ${2 * idleTimeoutMs} milliseconds and is closed by the emulator.`,
    });
    cut();
  };
}

/** Calls the listener after every flow frame: credit or session windows may have grown. */
export function onFlow(connection: Connection, listener: () => void): void {
  const inner = internals(connection);
  const original = inner.on_flow.bind(inner);
  inner.on_flow = (frame) => {
    original(frame);
    listener();
  };
}

/**
 * Takes delivery ids that leave numbers out, and bounds the memory of incoming messages: what comes
 * after the limit is dropped, so that a message longer than `bytesMax` arrives cut, but still
 * longer than that. Deliveries of the links for which `wantsBytes` is true come as undecoded bytes,
 * whatever their format.
 */
export function boundTransfers(
  connection: Connection,
  bytesMax: number,
  wantsBytes: (link: Receiver) => boolean,
): void {
  const inner = internals(connection);
  const original = inner.on_transfer.bind(inner);
  const received = new WeakMap<object, number>();
  inner.on_transfer = (frame) => {
    const { handle, delivery_id: deliveryId } = frame.performative;
    const session = inner.remote_channel_map[frame.channel];
    const link = session?.remote.handles[handle];
    // rhea wants every number; AMQP only wants them to grow (part 2 section 2.8.4).
    const expected = session?.incoming.next_delivery_id;
    if (session && expected !== undefined && deliveryId !== undefined && deliveryId !== null && deliveryId > expected) {
      if (link?._incomplete === undefined) session.incoming.next_delivery_id = deliveryId;
    }
    if (link !== undefined) {
      const before = link._incomplete === undefined ? 0 : (received.get(link) ?? 0);
      received.set(link, before + (frame.payload?.length ?? 0));
      if (before > bytesMax) frame.payload = undefined;
      // rhea decodes format 0 and hands any other over as it is.
      if (wantsBytes(link as unknown as Receiver) && !frame.performative.message_format) {
        frame.performative.message_format = undefined;
      }
    }
    original(frame);
  };
}

/**
 * How many deliveries may be handed to rhea now without any of them having to wait there: credit of
 * the link, and room in the session, less what the session still holds back.
 */
export function sendableCount(sender: Sender): number {
  const { credit, session } = sender as unknown as SenderInternals;
  const { outgoing } = session;
  const held = outgoing.next_delivery_id - outgoing.next_pending_delivery;
  return Math.max(0, Math.min(credit - held, outgoing.available()));
}

/**
 * Says that there is no more to come and gives the remaining credit back. A client that takes
 * credit away while deliveries are under way leaves less than none, from which rhea would count
 * down for ever.
 */
export function giveCreditBack(sender: Sender): void {
  const inner = sender as unknown as { credit: number };
  inner.credit = Math.max(0, inner.credit);
  sender.set_drained(true);
}

interface ReceiverInternals {
  readonly session: { readonly incoming: { process(session: object): void } };
}

/**
 * Writes the outcomes that were given to deliveries so far. rhea writes those of neighbours as one,
 * and gives a second one the outcome of the first whatever it is: different outcomes must not wait
 * for each other.
 */
export function writeOutcomes(receiver: Receiver): void {
  const { session } = receiver as unknown as ReceiverInternals;
  session.incoming.process(session);
}

/** More deliveries than a session of rhea can hold. */
const dispositionRangeMax = 65_536;

/**
 * rhea visits every delivery of the range that a disposition names, which a client may make four
 * billion.
 */
export function boundDispositions(connection: Connection): void {
  const inner = internals(connection);
  const original = inner.on_disposition.bind(inner);
  inner.on_disposition = (frame) => {
    const { first, last } = frame.performative;
    if ((last ?? first) - first > dispositionRangeMax) throw new Error('The range of a disposition is too long.');
    original(frame);
  };
}

interface ReaderPrototype {
  read_array_items: (this: { remaining(): number }, count: number, type: unknown) => unknown;
}

/**
 * rhea makes as many items as an array announces, even of a type that takes no bytes: eleven bytes
 * could fill the memory. After this call it refuses, in the whole process, an array with more items
 * than bytes that are left.
 */
export function boundArrays(): void {
  const { prototype } = (rhea.types as unknown as { Reader: { prototype: ReaderPrototype } }).Reader;
  const original = prototype.read_array_items;
  prototype.read_array_items = function (count, type) {
    if (count > Math.max(256, this.remaining())) throw new Error('An array announces more items than there are bytes.');
    return original.call(this, count, type);
  };
}
