import type { JsonValue } from '@activation-hub/destination-kit';

export type Fields = Readonly<Record<string, JsonValue>>;
/** All records of an org by their id. */
export type Rows = ReadonlyMap<string, Fields & { readonly type: string }>;

/** A condition of a query: a path from the record, and the values that are meant, in lower case. */
interface Condition {
  readonly path: string;
  readonly values: readonly string[];
}

/** A query in the part of SOQL that the connector writes. */
export interface Query {
  readonly fields: readonly string[];
  readonly type: string;
  readonly conditions: readonly Condition[];
  readonly isOldestFirst: boolean;
}

export function readQuery(text: string): Query {
  const [, fields = '', type = '', where = '', order] =
    /^SELECT (.+?) FROM (\w+) WHERE (.+?)( ORDER BY CreatedDate, Id)?(?: LIMIT \d+)?$/.exec(text) ?? [];
  const conditions = [...where.matchAll(/([\w.]+) (?:=|IN) (\(.*?[^\\]'\)|'(?:\\.|[^'\\])*'|true)(?= AND |$)/g)].map(
    ([, path = '', list = '']) => ({
      path,
      values:
        list === 'true'
          ? [list]
          : [...list.matchAll(/'((?:\\.|[^'\\])*)'/g)].map(([, value = '']) =>
              value.replaceAll(/\\(.)/g, '$1').toLowerCase(),
            ),
    }),
  );
  return { fields: fields.split(', '), type, conditions, isOldestFirst: order !== undefined };
}

/**
 * Gives the rows in another order than they were made, as a database may, unless the query has one.
 */
export function runQuery(rows: Rows, { fields, type, conditions, isOldestFirst }: Query): object {
  const records = [...rows]
    .filter(([, row]) => row.type === type)
    .filter(([id]) =>
      conditions.every(({ path, values }) => values.includes(textOf(valueAt(rows, id, path)).toLowerCase())),
    )
    .map(([id]) => Object.fromEntries(fields.map((path) => selected(rows, id, path))));
  return { totalSize: records.length, done: true, records: isOldestFirst ? records : records.reverse() };
}

/** What a path leads to: a field of the record, or of one to which it refers. */
function valueAt(rows: Rows, id: string, path: string): JsonValue | undefined {
  const [first = '', ...others] = path.split('.');
  if (others.length > 0) return valueAt(rows, textOf(rows.get(id)?.[`${first}Id`]), others.join('.'));
  return first === 'Id' ? id : rows.get(id)?.[first];
}

function selected(rows: Rows, id: string, path: string): [string, unknown] {
  const [first = '', ...others] = path.split('.');
  if (others.length === 0) return [first, valueAt(rows, id, first) ?? null];
  const [name, value] = selected(rows, textOf(rows.get(id)?.[`${first}Id`]), others.join('.'));
  return [first, { attributes: { type: first }, [name]: value }];
}

export const textOf = (value: JsonValue | undefined): string =>
  typeof value === 'string' ? value : JSON.stringify(value ?? '');
