import type { z } from 'zod';
import { isContainer, isMapping } from './deep-freeze.ts';
import { issuePredicate } from './issue-predicate.ts';
import { pathText } from './problem.ts';
import type { Path } from './problem.ts';

export interface Objection {
  readonly path: Path;
  /** A whole sentence. */
  readonly message: string;
  /** The key itself is wrong, not what stands behind it. */
  readonly atKey: boolean;
}

interface CheckOptions {
  /** Where in the file the value stands. */
  readonly path: Path;
  /**
   * Whether a wrong word may be repeated in a sentence: never where it could be a secret or
   * personal data.
   */
  readonly showWords: boolean;
}

export type Checked<T> =
  { readonly success: true; readonly data: T } | { readonly success: false; readonly objections: readonly Objection[] };

/**
 * Checks a value with a schema and says in sentences what is wrong and what to write instead. Texts
 * that a schema brings along are kept, but whatever of the value they repeat is blanked out.
 */
export function checkValue<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  { path, showWords }: CheckOptions,
): Checked<z.output<Schema>> {
  const ours = new Set<string>();
  const result = schema.safeParse(value, {
    error: (issue) => {
      const message = issuePredicate(issue, showWords);
      ours.add(message);
      return message;
    },
  });
  if (result.success) return result;
  const objections = result.error.issues
    .flatMap((issue) => innermost(issue, value))
    .flatMap((issue): readonly Objection[] => {
      const fullPath = [...path, ...issue.path];
      const sentence = (message: string, at: Path): string => {
        const place = at.length === 0 ? 'The file' : pathText(at);
        if (showWords || ours.has(issue.message)) return `${place} ${message}${/[.?]$/.test(message) ? '' : '.'}`;
        return `${place}: ${blankOut(message, value, issue.path)}`;
      };
      if (issue.code !== 'unrecognized_keys') {
        return [{ path: fullPath, message: sentence(issue.message, fullPath), atKey: issue.code === 'invalid_key' }];
      }
      const lines = issue.message.split('\n');
      return issue.keys.map((key, index) => ({
        path: [...fullPath, key],
        message: sentence(lines[index] ?? issue.message, fullPath),
        atKey: true,
      }));
    });
  return { success: false, objections };
}

type Issue = z.core.$ZodIssue;

/**
 * For a value that fits none of several forms: the issues of the form that it resembles, if it
 * resembles one.
 */
function innermost(issue: Issue, value: unknown): readonly Issue[] {
  if (issue.code === 'invalid_key') return [{ ...issue, message: issue.issues[0]?.message ?? issue.message }];
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue];
  const written = typeof valueAt(value, issue.path);
  const text = issue.errors.flat().find((inner) => inner.code === 'invalid_type' && inner.expected === 'string');
  if (text?.path.length === 0 && (written === 'number' || written === 'boolean'))
    return [{ ...text, path: issue.path }];
  const resembling = issue.errors
    .filter((issues) => issues.every(({ code, path }) => path.length > 0 || code !== 'invalid_type'))
    .sort((left, right) => left.length - right.length)[0];
  if (resembling === undefined) return [issue];
  return resembling.flatMap((inner) => innermost({ ...inner, path: [...issue.path, ...inner.path] }, value));
}

/** Replaces in a text whatever the value at this path contains. */
function blankOut(message: string, value: unknown, path: Path): string {
  return scalarTexts(valueAt(value, path))
    .sort((left, right) => right.length - left.length)
    .reduce((text, secret) => text.replaceAll(secret, '…'), message);
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const segment of path) {
    at = isContainer(at) ? (at as Readonly<Record<PropertyKey, unknown>>)[segment] : undefined;
  }
  return at;
}

function scalarTexts(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(scalarTexts);
  if (isMapping(value)) return Object.values(value).flatMap(scalarTexts);
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  return text.length < 3 ? [] : [text];
}
