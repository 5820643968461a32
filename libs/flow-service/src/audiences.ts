import { AdobeError } from './adobe-error.ts';
import { nextPage } from './flow-service.ts';
import { isRecord, type JsonRecord } from './json.ts';
import type { PlatformConnection } from './platform-connection.ts';

const base = '/data/core/ups';
/** The most that one bulk lookup takes (Segmentation API, `POST /audiences/bulk-get`). */
const bulkMax = 100;
const pagesMax = 500;

export interface Audience {
  readonly id: string;
  /** For an audience from elsewhere its id there; else the same as `id`. */
  readonly audienceId: string;
  readonly name: string;
  readonly description: string;
  /** As `AEPSegments`, `AO`. */
  readonly namespace: string;
  /** `SegmentDefinition`, `ExternalSegment` or `ExternalAudience`. */
  readonly type: string;
  /** `draft`, `published`, `inactive` or `archived`. */
  readonly lifecycleState: string;
  readonly mergePolicyId?: string;
  /**
   * How membership is worked out: `streaming` is Adobe's `continuous`, `edge` its `synchronous`.
   */
  readonly evaluation: readonly ('batch' | 'streaming' | 'edge')[];
  /** Milliseconds since 1970. */
  readonly updatedAt?: number;
}

export interface ListAudiencesOptions {
  /** Only those whose name contains this, in any case. */
  readonly name?: string;
  /** Default: all. */
  readonly itemsMax?: number;
  /** Of one page. Default 100. */
  readonly pageSize?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The audiences of a sandbox (Segmentation Service, `/data/core/ups`). Every method throws
 * `AdobeError`, or the reason of an abort.
 */
export class Audiences {
  readonly #platform: PlatformConnection;

  constructor(platform: PlatformConnection) {
    this.#platform = platform;
  }

  /**
   * Follows Adobe's links from page to page; one that moved to the next page meanwhile is given
   * once.
   */
  async list({ name, itemsMax = Infinity, pageSize = 100, signal }: ListAudiencesOptions = {}): Promise<Audience[]> {
    const doing = 'list audiences';
    const query = new URLSearchParams({ start: '0', limit: String(pageSize), sort: 'updateTime:desc' });
    if (name !== undefined) query.set('name', name);
    const audiences = new Map<string, Audience>();
    let path: string | undefined = `${base}/audiences?${query.toString()}`;
    for (let page = 1; path !== undefined; page++) {
      if (page > pagesMax) throw unreadable(doing, `there are more than ${pagesMax} pages`);
      const answer = await this.#platform.sendForJson({ doing, method: 'GET', path, signal });
      if (!isRecord(answer) || !Array.isArray(answer.children)) throw unreadable(doing, 'the answer holds no children');
      for (const child of answer.children) {
        const audience = parseAudience(child);
        if (audience === undefined) throw unreadable(doing, 'an audience has no id');
        audiences.set(audience.id, audience);
        if (audiences.size >= itemsMax) return [...audiences.values()];
      }
      path = nextPage(answer._links, base, doing);
    }
    return [...audiences.values()];
  }

  /**
   * By id, in requests of at most 100 ids; an id that this sandbox does not have is absent from the
   * map.
   */
  async get(ids: readonly string[], signal?: AbortSignal): Promise<Map<string, Audience>> {
    const unique = [...new Set(ids)];
    const found = new Map<string, Audience>();
    for (let start = 0; start < unique.length; start += bulkMax) {
      const some = unique.slice(start, start + bulkMax);
      for (const [id, audience] of await this.#getSome(some, signal)) found.set(id, audience);
    }
    return found;
  }

  async #getSome(ids: readonly string[], signal: AbortSignal | undefined): Promise<[string, Audience][]> {
    const doing = 'look up audiences';
    const answer = await this.#platform.sendForJson({
      doing,
      method: 'POST',
      path: `${base}/audiences/bulk-get`,
      body: { ids: ids.map((id) => ({ id })) },
      repeatable: true,
      // The answer when none of them is known.
      alsoAccept: [404],
      signal,
    });
    if (isRecord(answer) && answer.status === 404) return [];
    if (!isRecord(answer) || !isRecord(answer.results)) throw unreadable(doing, 'the answer holds no results');
    return Object.entries(answer.results).flatMap(([id, result]): [string, Audience][] => {
      const audience = parseAudience(result);
      if (audience !== undefined) return [[id, audience]];
      if (isRecord(result) && isRecord(result.errors) && '404' in result.errors) return [];
      throw unreadable(doing, `the answer for the audience ${id} is neither an audience nor "not found"`);
    });
  }
}

function parseAudience(value: unknown): Audience | undefined {
  if (!isRecord(value) || typeof value.id !== 'string') return undefined;
  const text = (name: string) => (typeof value[name] === 'string' ? value[name] : '');
  return {
    id: value.id,
    audienceId: text('audienceId') === '' ? value.id : text('audienceId'),
    name: text('name'),
    description: text('description'),
    namespace: text('namespace'),
    type: text('type'),
    // The sample of an external audience spells it `lifecycleStatus`.
    lifecycleState: text('lifecycleState') === '' ? text('lifecycleStatus') : text('lifecycleState'),
    evaluation: parseEvaluation(isRecord(value.evaluationInfo) ? value.evaluationInfo : {}),
    ...(typeof value.mergePolicyId === 'string' ? { mergePolicyId: value.mergePolicyId } : {}),
    ...(typeof value.updateTime === 'number' ? { updatedAt: value.updateTime } : {}),
  };
}

function parseEvaluation(info: JsonRecord): Audience['evaluation'] {
  const isEnabled = (name: string) => isRecord(info[name]) && info[name].enabled === true;
  return [
    ...(isEnabled('batch') ? (['batch'] as const) : []),
    ...(isEnabled('continuous') ? (['streaming'] as const) : []),
    ...(isEnabled('synchronous') ? (['edge'] as const) : []),
  ];
}

function unreadable(doing: string, why: string): AdobeError {
  return new AdobeError(
    `Failed to ${doing}: ${why}. Check the URL of the platform; something else may have answered.`,
    {
      kind: 'unreadable',
    },
  );
}
