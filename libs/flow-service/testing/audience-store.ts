import { Refusal } from './refusal.ts';

export interface AudienceSeed {
  readonly id: string;
  readonly name: string;
  readonly description?: string;
  /** Default `AEPSegments`. */
  readonly namespace?: string;
  /** Default `SegmentDefinition`. */
  readonly type?: string;
  /** Default `published`. */
  readonly lifecycleState?: string;
  readonly mergePolicyId?: string;
  /** Default `['streaming']`. */
  readonly evaluation?: readonly ('batch' | 'streaming' | 'edge')[];
}

/** The audiences of one sandbox, as Segmentation Service shows them. */
export class AudienceStore {
  readonly #audiences = new Map<string, Record<string, unknown>>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  add(seed: AudienceSeed): void {
    const evaluation = seed.evaluation ?? ['streaming'];
    this.#audiences.set(seed.id, {
      id: seed.id,
      audienceId: seed.id,
      name: seed.name,
      description: seed.description ?? '',
      namespace: seed.namespace ?? 'AEPSegments',
      type: seed.type ?? 'SegmentDefinition',
      lifecycleState: seed.lifecycleState ?? 'published',
      mergePolicyId: seed.mergePolicyId ?? '87c94d51-239c-4391-932c-29c2412100e5',
      evaluationInfo: {
        batch: { enabled: evaluation.includes('batch') },
        continuous: { enabled: evaluation.includes('streaming') },
        synchronous: { enabled: evaluation.includes('edge') },
      },
      creationTime: this.#now(),
      updateTime: this.#now(),
    });
  }

  page(query: URLSearchParams, pageSizeMax: number): Record<string, unknown> {
    const name = query.get('name')?.toLowerCase() ?? '';
    const all = [...this.#audiences.values()].filter((audience) => String(audience.name).toLowerCase().includes(name));
    const start = Number(query.get('start') ?? '0');
    const limit = Math.min(Number(query.get('limit') ?? '20'), pageSizeMax);
    const next = start + limit;
    const children = all.slice(start, next);
    const after = new URLSearchParams(query);
    after.set('start', String(next));
    after.set('limit', String(limit));
    after.set('totalCount', String(all.length));
    const links = next < all.length ? { next: { href: `@/audiences?${after.toString()}` } } : {};
    return {
      children,
      _page: {
        totalCount: all.length,
        totalPages: Math.ceil(all.length / limit),
        pageSize: children.length,
        limit,
        start,
      },
      _links: links,
    };
  }

  get(id: string, requestId: string): Record<string, unknown> {
    const audience = this.#audiences.get(id);
    if (audience === undefined)
      throw audienceRefusal(404, 'UPAPI-113430-404', `The audience entity ${id} is not found.`, requestId);
    return audience;
  }

  bulkGet(body: unknown, requestId: string): Record<string, unknown> {
    const listed = (body as { ids?: { id: string }[] } | undefined)?.ids ?? [];
    const ids = listed.map(({ id }) => id);
    if (ids.length === 0 || ids.length > 100) {
      const title = 'The number of requested IDs is invalid. Cannot be 0 or exceed 100.';
      throw audienceRefusal(400, 'UPAPI-113015-400', title, requestId);
    }
    if (!ids.some((id) => this.#audiences.has(id))) {
      throw audienceRefusal(404, 'UPAPI-113000-404', `The entity ${ids.join(',')} is not found.`, requestId);
    }
    const missing = { requestId, errors: { 404: [{ code: 404, message: 'Not found.' }] } };
    return { results: Object.fromEntries(ids.map((id) => [id, this.#audiences.get(id) ?? missing])) };
  }
}

function audienceRefusal(status: number, code: string, title: string, requestId: string): Refusal {
  return new Refusal(status, {
    requestId,
    errors: { [status]: [{ code, message: title }] },
    type: `https://ns.adobe.com/aep/errors/${code}`,
    title,
    status,
  });
}
