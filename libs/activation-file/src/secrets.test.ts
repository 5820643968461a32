import { expect, test } from 'vitest';
import { exampleDestinations } from '../testing/example-destinations.ts';
import { parseActivationFile } from './parse-activation-file.ts';
import { secretNames } from './secrets.ts';

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
