import { isMapping } from './deep-freeze.ts';
import type { Path } from './problem.ts';

/** The first `${NAME}` of a text, as shells and pipelines fill it in; undefined without one. */
export function placeholderIn(text: string): string | undefined {
  return /\$\{[A-Za-z_][A-Za-z0-9_.]{0,60}\}/.exec(text)?.[0];
}

/** Every placeholder in the texts of a value, with the path of its text. */
export function placeholders(value: unknown, path: Path): readonly { readonly path: Path; readonly name: string }[] {
  if (Array.isArray(value)) return value.flatMap((inner, index) => placeholders(inner, [...path, index]));
  if (isMapping(value)) return Object.entries(value).flatMap(([key, inner]) => placeholders(inner, [...path, key]));
  const name = typeof value === 'string' ? placeholderIn(value) : undefined;
  return name === undefined ? [] : [{ path, name }];
}
