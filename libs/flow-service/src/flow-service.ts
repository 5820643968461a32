import { AdobeError, isAdobeError } from './adobe-error.ts';
import type {
  Connection,
  ConnectionSpec,
  Entity,
  Flow,
  FlowEnd,
  FlowRun,
  NewConnection,
  NewFlow,
  NewFlowEnd,
  PatchOperation,
  Written,
} from './flow-service-entities.ts';
import { isRecord } from './json.ts';
import type { PlatformConnection } from './platform-connection.ts';
import { backoffMs } from './retry.ts';

const base = '/data/foundation/flowservice';
/** The most that Flow Service gives in one page. */
const pageSize = 100;
/** A list that has still not ended after so many pages is an error, not a truncated list. */
const pagesMax = 100;

export interface ListOptions {
  /** Filters as `flowId==…`, with the dotted paths of the entity. */
  readonly property?: readonly string[];
  /** Default: all. */
  readonly itemsMax?: number;
  readonly signal?: AbortSignal | undefined;
}

/** One kind of entity. Every method throws `AdobeError`, or the reason of an abort. */
export interface Collection<Item extends Entity, New> {
  /**
   * Follows Adobe's links from page to page. What comes is held against the filters once more: a
   * server may ignore one.
   */
  list(options?: ListOptions): Promise<Item[]>;
  get(id: string, signal?: AbortSignal): Promise<Item>;
  /** `undefined` when there is none of this id. */
  find(id: string, signal?: AbortSignal): Promise<Item | undefined>;
  /**
   * Is not repeated when it is uncertain whether it was carried out: the error then has
   * `uncertain`.
   */
  create(item: New, signal?: AbortSignal): Promise<Written>;
  /** Throws an `AdobeError` of kind `conflict` when the ETag is no longer current. */
  patch(id: string, etag: string, operations: readonly PatchOperation[], signal?: AbortSignal): Promise<Written>;
  /** Resolves when a lookup no longer finds it; at once when there is none. */
  delete(id: string, signal?: AbortSignal): Promise<void>;
}

/**
 * Adobe's Flow Service (`/data/foundation/flowservice`), as the Destinations API and the Flow
 * Service API describe it.
 */
export class FlowService {
  readonly connections: Collection<Connection, NewConnection>;
  readonly sourceConnections: Collection<FlowEnd, NewFlowEnd>;
  readonly targetConnections: Collection<FlowEnd, NewFlowEnd>;
  readonly flows: Collection<Flow, NewFlow>;
  readonly #platform: PlatformConnection;

  constructor(platform: PlatformConnection) {
    this.#platform = platform;
    this.connections = new EntityCollection(platform, 'connections', 'connection');
    this.sourceConnections = new EntityCollection(platform, 'sourceConnections', 'source connection');
    this.targetConnections = new EntityCollection(platform, 'targetConnections', 'target connection');
    this.flows = new EntityCollection(platform, 'flows', 'dataflow');
  }

  async connectionSpec(id: string, signal?: AbortSignal): Promise<ConnectionSpec> {
    return await new EntityCollection<ConnectionSpec, never>(
      this.#platform,
      'connectionSpecs',
      'connection specification',
    ).get(id, signal);
  }

  /** Whether Adobe can reach the third party with the connection's credentials. */
  async testConnection(id: string, signal?: AbortSignal): Promise<boolean> {
    const path = `${base}/connections/${encodeURIComponent(id)}/test`;
    const answer = await this.#platform.sendForJson({ doing: 'test a connection', method: 'GET', path, signal });
    const result = isRecord(answer) ? (Array.isArray(answer.items) ? (answer.items[0] as unknown) : answer) : answer;
    return result === true || (isRecord(result) && result.result === true);
  }

  /**
   * Switches a dataflow on or off. The update guide writes the action in lower case, the OpenAPI
   * document in upper case: the second is tried when the first is refused.
   */
  async setEnabled(flowId: string, enabled: boolean, signal?: AbortSignal): Promise<void> {
    const action = enabled ? 'enable' : 'disable';
    const send = async (op: string) =>
      await this.#platform.send({
        doing: `${action} a dataflow`,
        method: 'POST',
        path: `${base}/flows/${encodeURIComponent(flowId)}/action?op=${op}`,
        repeatable: true,
        signal,
      });
    try {
      await send(action);
    } catch (error) {
      if (!isAdobeError(error, 'invalid')) throw error;
      await send(action.toUpperCase());
    }
  }

  /**
   * The newest runs of a dataflow, newest first; destinations that stream have one per hour.
   * Default at most 24.
   */
  async runs(
    flowId: string,
    options: { readonly itemsMax?: number; readonly signal?: AbortSignal } = {},
  ): Promise<FlowRun[]> {
    const runs = new EntityCollection<FlowRun, never>(this.#platform, 'runs', 'run');
    const property = [`flowId==${flowId}`];
    return await runs.list({ property, itemsMax: options.itemsMax ?? 24, signal: options.signal }, '-createdAt');
  }
}

class EntityCollection<Item extends Entity, New> implements Collection<Item, New> {
  readonly #platform: PlatformConnection;
  readonly #path: string;
  readonly #noun: string;

  constructor(platform: PlatformConnection, path: string, noun: string) {
    this.#platform = platform;
    this.#path = path;
    this.#noun = noun;
  }

  async list({ property = [], itemsMax = Infinity, signal }: ListOptions = {}, orderBy?: string): Promise<Item[]> {
    const query = new URLSearchParams(property.map((filter): [string, string] => ['property', filter]));
    query.set('limit', String(Math.min(pageSize, itemsMax)));
    if (orderBy !== undefined) query.set('orderby', orderBy);
    const doing = `list ${this.#noun}s`;
    const items: Item[] = [];
    let path: string | undefined = `${base}/${this.#path}?${query.toString()}`;
    for (let page = 1; path !== undefined; page++) {
      if (page > pagesMax) throw unreadable(doing, `there are more than ${pagesMax} pages`);
      const answer = await this.#platform.sendForJson({ doing, method: 'GET', path, signal });
      if (!isRecord(answer) || !Array.isArray(answer.items)) throw unreadable(doing, 'the answer holds no items');
      for (const item of answer.items) {
        if (!isEntity(item)) throw unreadable(doing, 'an item has no id');
        if (!property.every((filter) => fits(item, filter))) continue;
        if (items.push(item as Item) >= itemsMax) return items;
      }
      path = nextPage(answer._links, base, doing);
    }
    return items;
  }

  async get(id: string, signal?: AbortSignal): Promise<Item> {
    const doing = `read the ${this.#noun} ${id}`;
    const answer = await this.#platform.sendForJson({ doing, method: 'GET', path: this.#pathOf(id), signal });
    const item: unknown = isRecord(answer) && Array.isArray(answer.items) ? answer.items[0] : answer;
    if (!isEntity(item)) throw unreadable(doing, 'the answer holds none');
    return item as Item;
  }

  async find(id: string, signal?: AbortSignal): Promise<Item | undefined> {
    try {
      return await this.get(id, signal);
    } catch (error) {
      if (isAdobeError(error, 'not-found')) return undefined;
      throw error;
    }
  }

  async create(item: New, signal?: AbortSignal): Promise<Written> {
    this.#protect(item);
    const doing = `create a ${this.#noun}`;
    const path = `${base}/${this.#path}`;
    const answer = await this.#platform.sendForJson({ doing, method: 'POST', path, body: item, signal });
    if (!isEntity(answer)) throw unreadable(doing, 'the answer holds no id');
    return written(answer.id, answer);
  }

  async patch(id: string, etag: string, operations: readonly PatchOperation[], signal?: AbortSignal): Promise<Written> {
    this.#protect(operations);
    const doing = `change the ${this.#noun} ${id}`;
    const path = this.#pathOf(id);
    return written(
      id,
      await this.#platform.sendForJson({ doing, method: 'PATCH', path, body: operations, etag, signal }),
    );
  }

  async delete(id: string, signal?: AbortSignal): Promise<void> {
    const { clock, retry } = this.#platform;
    const doing = `delete the ${this.#noun} ${id}`;
    const request = { doing, method: 'DELETE', path: this.#pathOf(id), alsoAccept: [404], signal } as const;
    if ((await this.#platform.send(request)).status === 404) return;
    const endMs = clock.now() + retry.deadlineMs;
    for (let attempt = 1; (await this.find(id, signal)) !== undefined; attempt++) {
      // Not less than half of the delay, so that a wait is never a loop without rest.
      const delayMs = (backoffMs(attempt, retry, () => 1) * (1 + clock.random())) / 2;
      if (clock.now() + delayMs >= endMs) {
        throw new AdobeError(
          `Failed to ${doing}: Adobe accepted it, but it is still there after ${retry.deadlineMs} ms. Try again later.`,
          { kind: 'unavailable', uncertain: true },
        );
      }
      await clock.sleep(delayMs, signal);
    }
  }

  #pathOf(id: string): string {
    return `${base}/${this.#path}/${encodeURIComponent(id)}`;
  }

  /** Errors must not repeat the key of a connection, even if Adobe's own words do. */
  #protect(value: unknown): void {
    if (Array.isArray(value)) value.forEach((item) => this.#protect(item));
    else if (isRecord(value)) {
      for (const [name, held] of Object.entries(value)) {
        if (typeof held !== 'string') this.#protect(held);
        else if (/key$|secret|password|token/i.test(name)) this.#platform.protect(held);
      }
    }
  }
}

function written(id: string, answer: unknown): Written {
  return isRecord(answer) && typeof answer.etag === 'string' ? { id, etag: answer.etag } : { id };
}

/**
 * Whether an entity has, at the filter's dotted path, the value that it asks for. Attributes that
 * are inherited, Adobe need not show.
 */
function fits(entity: unknown, filter: string): boolean {
  const [path = '', wanted = ''] = filter.split('==');
  const value = path.split('.').reduce<unknown>((held, key) => (isRecord(held) ? held[key] : undefined), entity);
  if (value === undefined) return path.startsWith('inheritedAttributes.');
  return (typeof value === 'string' || typeof value === 'boolean') && String(value) === wanted;
}

/**
 * Adobe's own fields are taken as documented; only the id, without which nothing goes on, is
 * checked.
 */
function isEntity(value: unknown): value is Entity {
  return isRecord(value) && typeof value.id === 'string';
}

function unreadable(doing: string, why: string): AdobeError {
  return new AdobeError(
    `Failed to ${doing}: ${why}. Check the URL of the platform; something else may have answered.`,
    {
      kind: 'unreadable',
      uncertain: true,
    },
  );
}

/**
 * The path of Adobe's link to the next page, as `/flows?continuationToken=…` or
 * `@/audiences?start=…`, under the service's own path; `undefined` on the last page. Only a path is
 * ever taken from an answer, for the token goes wherever a request goes.
 */
export function nextPage(links: unknown, basePath: string, doing: string): string | undefined {
  const next = isRecord(links) && isRecord(links.next) ? links.next.href : undefined;
  if (typeof next !== 'string' || next === '') return undefined;
  const href = next.replace(/^@/, '');
  const path = href.startsWith(`${basePath}/`) ? href : `${basePath}${href}`;
  if (!href.startsWith('/') || href.startsWith('//') || href.includes('..')) {
    throw unreadable(doing, 'the link to the next page leads elsewhere');
  }
  return path;
}
