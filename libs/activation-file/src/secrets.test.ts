import { expect, test } from 'vitest';
import { exampleDestinations } from '../testing/example-destinations.ts';
import { parseActivationFile } from './parse-activation-file.ts';
import { MissingSecretsError, resolveSecrets, secretNames } from './secrets.ts';

const wrap = (value: string): string => `wrapped ${value}`;

test('the names of all secrets are sorted, each once', () => {
  const destination = (headers: string): string =>
    `{ type: webhook, settings: { url: https://example.com/, headers: ${headers} } }`;
  const file = parseActivationFile(
    `version: 1
destinations:
  one: ${destination('{ a: { secret: second }, b: { secret: first } }')}
  two: ${destination('{ a: { secret: second }, b: plain, secret: { secret: Third-3 } }')}
audiences: {}
`,
    { fileName: 'test.yaml', destinations: exampleDestinations },
  );
  expect(secretNames(file)).toEqual(['Third-3', 'first', 'second']);
});

test('each reference is replaced, at any depth, and nothing else', () => {
  const settings = {
    key: { secret: 'a' },
    list: [{ secret: 'b' }, { deep: { secret: { secret: 'a' } } }, 'text', 7, null],
    both: { secret: 'plain', other: 1 },
    empty: {},
  };
  const before = structuredClone(settings);
  const resolved = resolveSecrets(settings, (name) => `value of ${name}`, wrap);
  expect(resolved).toEqual({
    key: 'wrapped value of a',
    list: ['wrapped value of b', { deep: { secret: 'wrapped value of a' } }, 'text', 7, null],
    both: { secret: 'plain', other: 1 },
    empty: {},
  });
  expect(settings).toEqual(before);
  expect(Object.isFrozen(resolved)).toBe(true);
});

test('what wraps a secret is left as it is', () => {
  class Hidden {
    reads = 0;
  }
  const resolved = resolveSecrets(
    { key: { secret: 'a' } },
    () => 'x',
    () => new Hidden(),
  ) as { key: Hidden };
  resolved.key.reads += 1;
  expect(resolved.key).toBeInstanceOf(Hidden);
  expect(resolved.key.reads).toBe(1);
});

test('all missing secrets are named in one error, an empty value being none, and no value is', () => {
  const stored = new Map([
    ['a', ''],
    ['c', 'hush'],
  ]);
  const settings = { one: { secret: 'b' }, two: [{ secret: 'a' }, { secret: 'b' }], three: { secret: 'c' } };
  const resolve = (): unknown => resolveSecrets(settings, (name) => stored.get(name), wrap);
  expect(resolve).toThrow(MissingSecretsError);
  expect(resolve).toThrow(
    'Failed to resolve secrets: nothing is stored as a, b. ' +
      'Store a value under each of these names, or correct the names in the activation file.',
  );
});
