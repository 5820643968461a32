import { z } from 'zod';
import { isContainer } from './deep-freeze.ts';
import { nearestWord } from './nearest-word.ts';
import { alternatives, quoted } from './problem.ts';

type Raw<T extends z.core.$ZodIssueBase> = z.core.$ZodRawIssue<T>;

/**
 * What a sentence about an issue says after the path, without a full stop where it ends in a
 * clause: what to write, and the wrong word only if that may be shown. One line, except for unknown
 * keys: a line for each.
 */
export function issuePredicate(issue: z.core.$ZodRawIssue, showWords: boolean): string {
  const { input } = issue;
  const written = showWords && typeof input === 'string' ? `, not ${quoted(input)}` : '';
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = knownKeys(issue.inst);
      return issue.keys.map((key) => unknownKey(key, known)).join('\n');
    }
    case 'invalid_type':
      if (input === undefined) return `is missing. Write ${typeName(issue.expected)}${describedAs(issue.inst)}`;
      if (input === null) return `is empty. Write ${typeName(issue.expected)}${describedAs(issue.inst)}`;
      if (issue.expected === 'string' && !isContainer(input)) return 'must be a text. Put it in quotes';
      return `must be ${typeName(issue.expected)}`;
    case 'invalid_value': {
      const words = issue.values.map(String);
      const near = typeof input === 'string' && showWords ? nearestWord(input, words) : undefined;
      const expected = alternatives(words);
      if (input === undefined) return `is missing. Write ${expected}`;
      return `must be ${expected}${written}${near === undefined ? '' : `. Did you mean ${near}?`}`;
    }
    case 'invalid_union':
      return unionPredicate(issue);
    case 'too_small':
      return boundPredicate(issue.origin, issue.minimum, issue.inclusive === false ? 'more than' : 'at least');
    case 'too_big':
      return boundPredicate(issue.origin, issue.maximum, issue.inclusive === false ? 'less than' : 'at most');
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'invalid_format':
      return formatPredicate(issue);
    case 'invalid_key':
      return 'has a key that is not allowed here';
    default:
      return 'is not valid here';
  }
}

function unknownKey(key: string, known: readonly string[]): string {
  const near = nearestWord(key, known);
  const instead = near === undefined ? '' : ` Did you mean ${near}?`;
  const list = known.length === 0 ? '' : ` The keys known here are ${known.join(', ')}.`;
  return `has the unknown key ${quoted(key)}.${instead}${list}`;
}

function knownKeys(schema: unknown): readonly string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function unionPredicate(issue: Raw<z.core.$ZodIssueInvalidUnion>): string {
  const options: unknown = 'options' in issue ? issue.options : undefined;
  if (Array.isArray(options) && options.length > 0) return `must be ${alternatives(options.map(String))}`;
  const expected = issue.errors.flatMap((issues) =>
    issues.flatMap((inner) => (inner.code === 'invalid_type' ? [typeName(inner.expected)] : [])),
  );
  if (expected.length === 0) return 'has none of the forms that are allowed here';
  const distinct = alternatives([...new Set(expected)]);
  if (issue.input === undefined) return `is missing. Write ${distinct}`;
  return issue.input === null ? `is empty. Write ${distinct}` : `must be ${distinct}`;
}

function boundPredicate(origin: string, bound: number | bigint, relation: string): string {
  if (origin === 'string')
    return bound === 1 && relation === 'at least' ? 'must not be empty' : `must have ${relation} ${bound} characters`;
  if (origin === 'array' || origin === 'set')
    return `must have ${relation} ${bound} ${bound === 1 ? 'entry' : 'entries'}`;
  return `must be ${relation} ${bound}`;
}

function formatPredicate(issue: Raw<z.core.$ZodIssueInvalidStringFormat>): string {
  const example = formatExamples[issue.format];
  if (example !== undefined) return `must be ${example}`;
  if (typeof issue.prefix === 'string') return `must begin with ${quoted(issue.prefix)}`;
  if (typeof issue.suffix === 'string') return `must end with ${quoted(issue.suffix)}`;
  return issue.pattern === undefined
    ? 'is not in the form that is expected here'
    : `must match the pattern ${issue.pattern}`;
}

const formatExamples: Readonly<Record<string, string | undefined>> = {
  url: 'a URL such as https://example.com/path',
  email: 'an e-mail address',
  uuid: 'a UUID such as 00000000-0000-4000-8000-000000000000',
  guid: 'a GUID such as 00000000-0000-0000-0000-000000000000',
};

function typeName(expected: string | undefined): string {
  return typeNames[expected ?? ''] ?? `a value of type ${expected ?? 'unknown'}`;
}

const typeNames: Readonly<Record<string, string | undefined>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a mapping of keys to values',
  record: 'a mapping of keys to values',
  array: 'a list',
};

/** The description of a schema, where it has one, as a further sentence. */
function describedAs(schema: unknown): string {
  const description = schema instanceof z.ZodType ? schema.description : undefined;
  return description === undefined ? '' : `. ${description}`;
}
