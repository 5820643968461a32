import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom, type Random } from '@activation-hub/audience-events/testing';

/**
 * What each receiver does until the faults stop: answers at once · is not there for a third of the
 * time · answers 429 with Retry-After for a third of the time · takes a request, applies it or not,
 * and never answers · applies a whole batch or half of it and answers for half of it · applies and
 * closes the socket.
 */
export const receiverKinds = ['reliable', 'down', 'throttling', 'hanging', 'halving', 'closing'] as const;
export type ReceiverKind = (typeof receiverKinds)[number];

interface Item {
  readonly id: string;
  readonly change: 'entered' | 'updated' | 'exited';
  readonly audience: { readonly key: string };
  readonly identity: { readonly namespace: string; readonly value: string };
  readonly qualifiedAt: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface ReceiverCounts {
  requests: number;
  /** Requests that were refused, left without an answer, cut or answered by half. */
  faults: number;
  applied: number;
  /** Changes of an id that had been applied before. */
  duplicates: number;
  /**
   * Changes that are older than what was applied before of the same identity and audience, besides
   * `returns`.
   */
  contradicted: number;
}

/** An entry after an exit of the same qualification, which may be right: the truth knows. */
export interface Return {
  readonly audience: string;
  readonly identity: string;
  readonly atMs: number;
}

/** A time in which a receiver failed, in epoch milliseconds. */
export interface Outage {
  readonly kind: ReceiverKind;
  readonly beganMs: number;
  readonly endedMs: number;
}

/** A change that a receiver took. */
export interface Application {
  /** Epoch milliseconds. */
  readonly atMs: number;
  readonly change: Item['change'];
  readonly audience: string;
  readonly identity: string;
  readonly qualifiedAt: string;
  /** Which host told it. */
  readonly by: string;
}

export interface ReceiverOptions {
  readonly answers?: boolean;
  readonly onOutage?: (outage: Outage) => void;
}

/** Bad for a third of this, good for the rest. */
const cycleMs = 9_000;
/** How often a request is halved or cut. */
const badShare = 1 / 3;

/**
 * One receiver on a port of its own; it remembers who is in which audience, and with which
 * attributes.
 */
export class Receiver {
  readonly kind: ReceiverKind;
  /** JSON of the attributes of each present member, by `audience namespace value`. */
  readonly members = new Map<string, string>();
  readonly returns: Return[] = [];
  /**
   * Every change that it took, in this order: of a person whom it knows wrongly, a reader sees why.
   */
  readonly applications: Application[] = [];
  readonly counts: ReceiverCounts = { requests: 0, faults: 0, applied: 0, duplicates: 0, contradicted: 0 };
  /** Changes applied, by the host that told them. */
  readonly appliedBy = new Map<string, number>();
  firstAppliedAtMs = 0;
  lastAppliedAtMs = 0;
  readonly #ids = new Set<string>();
  readonly #last = new Map<string, { readonly atMs: number; readonly isExit: boolean }>();
  readonly #random: Random;
  readonly #server: Server;
  #port = 0;
  readonly #onOutage: (outage: Outage) => void;
  #isFaulty = true;
  #faultyFromMs: number | undefined;
  #firstRequestAtMs: number | undefined;
  #flip: NodeJS.Timeout | undefined;

  private constructor(kind: ReceiverKind, seed: number, onOutage: (outage: Outage) => void) {
    this.kind = kind;
    this.#random = seededRandom(seed);
    this.#onOutage = onOutage;
    this.#server = createServer((request, response) => {
      // A client that hangs up while it still sends has sent no change.
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  /**
   * With `answers` it fails only when it is told to; `onOutage` is told of each time in which it
   * failed, when that is over.
   */
  static async start(
    kind: ReceiverKind,
    seed: number,
    { answers = false, onOutage = () => undefined }: ReceiverOptions = {},
  ): Promise<Receiver> {
    const receiver = new Receiver(kind, seed, onOutage);
    await receiver.#listen();
    if (answers) receiver.#isFaulty = false;
    else if (kind === 'down') receiver.#goDownLater();
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  /** From now on it answers at once. */
  async heal(): Promise<void> {
    this.#isFaulty = false;
    clearTimeout(this.#flip);
    this.#server.closeAllConnections();
    if (!this.#server.listening) await this.#listen();
    this.#endOutage();
  }

  /** It is not there for so long, and cuts every connection that it has. */
  async beDown(forMs: number): Promise<void> {
    this.counts.faults += 1;
    this.#faultyFromMs ??= Date.now();
    this.#server.close();
    this.#server.closeAllConnections();
    await sleep(forMs);
    await this.#listen();
    this.#endOutage();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#flip);
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #listen(): Promise<void> {
    const listening = once(this.#server, 'listening');
    this.#server.listen(this.#port, '127.0.0.1');
    await listening;
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  #goDownLater(): void {
    this.#flip = setTimeout(
      () => {
        this.counts.faults += 1;
        this.#faultyFromMs ??= Date.now();
        this.#server.close();
        this.#server.closeAllConnections();
        this.#flip = setTimeout(() => {
          void this.#listen().then(() => {
            this.#endOutage();
            this.#goDownLater();
          });
        }, cycleMs / 3);
      },
      (cycleMs * 2) / 3,
    );
  }

  #endOutage(): void {
    if (this.#faultyFromMs === undefined) return;
    this.#onOutage({ kind: this.kind, beganMs: this.#faultyFromMs, endedMs: Date.now() });
    this.#faultyFromMs = undefined;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { data } = JSON.parse(await text(request)) as { data: readonly Item[] };
    const by = String(request.headers['x-host']);
    this.counts.requests += 1;
    if (this.#isFaulty && this.#misbehave(data, by, response)) {
      this.counts.faults += 1;
      this.#faultyFromMs ??= Date.now();
      return;
    }
    this.#apply(data, by);
    response.writeHead(204).end();
  }

  /** Says whether the request is dealt with, or not to be. */
  #misbehave(data: readonly Item[], by: string, response: ServerResponse): boolean {
    switch (this.kind) {
      case 'reliable':
      case 'down':
        return false;
      case 'throttling':
        if (this.#sinceFirstRequestMs() % cycleMs > cycleMs / 3) return false;
        response.writeHead(429, { 'retry-after': this.#retryAfter() }).end();
        return true;
      case 'hanging':
        if (this.#random() < 0.5) this.#apply(data, by);
        return true;
      case 'halving': {
        if (this.#random() >= badShare) return false;
        const half = data.slice(0, Math.ceil(data.length / 2));
        this.#apply(this.#random() < 0.5 ? data : half, by);
        const results = half.map(({ id }) => ({ id, status: 'delivered' }));
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ results }));
        return true;
      }
      case 'closing':
        if (this.#random() >= badShare) return false;
        this.#apply(data, by);
        response.destroy();
        return true;
    }
  }

  /** Its cycle begins with the first request, so that even a short run meets it at its worst. */
  #sinceFirstRequestMs(): number {
    const nowMs = performance.now();
    this.#firstRequestAtMs ??= nowMs;
    return nowMs - this.#firstRequestAtMs;
  }

  /** Seconds or a date, as RFC 9110 allows. */
  #retryAfter(): string {
    const seconds = 1 + Math.floor(this.#random() * 3);
    return this.#random() < 0.5 ? String(seconds) : new Date(Date.now() + seconds * 1_000).toUTCString();
  }

  #apply(data: readonly Item[], by: string): void {
    this.lastAppliedAtMs = performance.now();
    this.firstAppliedAtMs ||= this.lastAppliedAtMs;
    this.appliedBy.set(by, (this.appliedBy.get(by) ?? 0) + data.length);
    for (const { id, change, audience, identity, qualifiedAt, attributes } of data) {
      const identityText = `${identity.namespace} ${identity.value}`;
      const key = `${audience.key} ${identityText}`;
      this.applications.push({
        atMs: Date.now(),
        change,
        audience: audience.key,
        identity: identityText,
        qualifiedAt,
        by,
      });
      const atMs = Date.parse(qualifiedAt);
      const isExit = change === 'exited';
      const last = this.#last.get(key);
      if (last !== undefined && atMs < last.atMs) this.counts.contradicted += 1;
      if (last?.atMs === atMs && last.isExit && !isExit)
        this.returns.push({ audience: audience.key, identity: identityText, atMs });
      if (this.#ids.has(id)) this.counts.duplicates += 1;
      this.counts.applied += 1;
      this.#ids.add(id);
      this.#last.set(key, { atMs, isExit });
      if (isExit) this.members.delete(key);
      else this.members.set(key, JSON.stringify(attributes));
    }
  }
}
