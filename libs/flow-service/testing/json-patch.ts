import { Refusal } from './refusal.ts';

type Container = Record<string, unknown> | unknown[];

/**
 * Applies JSON Patch (RFC 6902: add, replace, remove) to a copy, one operation after the other, all
 * or none.
 */
export function applyJsonPatch(document: Record<string, unknown>, operations: unknown): Record<string, unknown> {
  if (!Array.isArray(operations) || operations.length === 0) {
    throw new Refusal(400, {
      errorMessage: 'The patch is not a list of operations',
      errorDetails: 'Invalid JSON Patch',
    });
  }
  const copy = structuredClone(document);
  for (const operation of operations) applyOne(copy, operation as Record<string, unknown>);
  return copy;
}

function applyOne(document: Record<string, unknown>, { op, path, value }: Record<string, unknown>): void {
  if (typeof path !== 'string' || !path.startsWith('/')) throw refused(op, path, 'the path is not a JSON Pointer');
  const names = path
    .slice(1)
    .split('/')
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = names.pop() ?? '';
  let container: Container = document;
  for (const name of names) {
    const next: unknown = Array.isArray(container) ? container[indexOf(name, container.length - 1)] : container[name];
    if (typeof next !== 'object' || next === null) throw refused(op, path, 'there is nothing there');
    container = next as Container;
  }
  if (op !== 'add' && op !== 'replace' && op !== 'remove') throw refused(op, path, 'the operation is not known');
  if (op !== 'remove' && value === undefined) throw refused(op, path, 'there is no value');
  if (Array.isArray(container)) changeList(container, op, path, last, value);
  else if (op !== 'add' && !(last in container)) throw refused(op, path, 'there is nothing there');
  else if (op === 'remove') Reflect.deleteProperty(container, last);
  else container[last] = value;
}

function changeList(
  list: unknown[],
  op: 'add' | 'replace' | 'remove',
  path: string,
  last: string,
  value: unknown,
): void {
  const index =
    op === 'add' && last === '-' ? list.length : indexOf(last, op === 'add' ? list.length : list.length - 1);
  if (Number.isNaN(index)) throw refused(op, path, 'there is nothing at this index');
  if (op === 'add') list.splice(index, 0, value);
  else if (op === 'remove') list.splice(index, 1);
  else list[index] = value;
}

function indexOf(name: string, max: number): number {
  const index = /^(0|[1-9]\d*)$/.test(name) ? Number(name) : NaN;
  return index <= max ? index : NaN;
}

function refused(op: unknown, path: unknown, why: string): Refusal {
  const errorMessage = `Patch operation ${String(op)} ${String(path)} failed: ${why}`;
  return new Refusal(400, { errorMessage, errorDetails: errorMessage });
}
