import { invalid } from './refusal.ts';

/**
 * A page of Flow Service: filtered, limited, with a link to the next one as
 * `/flows?continuationToken=…`.
 */
export function entityPage(
  collection: string,
  entities: readonly Record<string, unknown>[],
  query: URLSearchParams,
  { pageSizeMax, filters: handling }: { readonly pageSizeMax: number; readonly filters: 'kept' | 'ignored' },
): Record<string, unknown> {
  const limit = Number(query.get('limit') ?? '20');
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) throw invalid('limit must be between 1 and 100');
  const filters = query.getAll('property').map(parseFilter);
  const matching = entities.filter(
    (entity) =>
      handling === 'ignored' ||
      filters.every(({ path, values }) => valuesAt(entity, path).some((value) => values.includes(value))),
  );
  if (query.get('orderby') === '-createdAt') {
    matching.sort((one, other) => Number(other.createdAt) - Number(one.createdAt));
  }
  const token = query.get('continuationToken');
  const start = token === null ? 0 : Number(Buffer.from(token, 'base64url').toString());
  const end = start + Math.min(limit, pageSizeMax);
  const items = matching.slice(start, end);
  if (end >= matching.length) return { items, _links: {} };
  const after = new URLSearchParams(query);
  after.set('continuationToken', Buffer.from(String(end)).toString('base64url'));
  return { items, _links: { next: { href: `/${collection}?${after.toString()}` } } };
}

function parseFilter(filter: string): { path: string[]; values: string[] } {
  const [path = '', values = ''] = filter.split('==');
  if (values === '') throw invalid(`The filter ${filter} is not understood`);
  return { path: path.split('.'), values: values.split(',') };
}

/** The values at a dotted path; `[]` after a name stands for every item of a list. */
function valuesAt(value: unknown, [name, ...rest]: readonly string[]): string[] {
  if (name === undefined) return typeof value === 'string' || typeof value === 'boolean' ? [String(value)] : [];
  if (typeof value !== 'object' || value === null) return [];
  const held = (value as Record<string, unknown>)[name.replace('[]', '')];
  if (name.endsWith('[]')) return Array.isArray(held) ? held.flatMap((item) => valuesAt(item, rest)) : [];
  return valuesAt(held, rest);
}
