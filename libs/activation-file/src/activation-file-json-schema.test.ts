import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { exampleDestinations } from '../testing/example-destinations.ts';
import { activationFileJsonSchema } from './activation-file-json-schema.ts';
import { parseActivationFile } from './parse-activation-file.ts';
import { ActivationFileError } from './problem.ts';

const published = fileURLToPath(new URL('../schema/activation-file.schema.json', import.meta.url));
const fixture = (name: string): string => readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8');

/** Formats are not checked: they are for editors. */
const compile = (schema: object) =>
  new Ajv({ strict: true, allowUnionTypes: true, validateFormats: false }).compile(schema);
const matchesCommonPart = compile(activationFileJsonSchema(new Map()));
const matches = compile(activationFileJsonSchema(exampleDestinations));

test('the published schema is the one that the code makes; `vitest -u` writes it', async () => {
  const text = JSON.stringify(activationFileJsonSchema(new Map()));
  expect(readFileSync(published, 'utf8')).not.toBe('');
  await expect(await format(text, { ...(await resolveConfig(published)), parser: 'json' })).toMatchFileSnapshot(
    published,
  );
});

test.each(['minimal.yaml', 'full.yaml'])('%s matches the schema, with and without destinations', (name) => {
  const value: unknown = parse(fixture(name));
  expect(matchesCommonPart(value)).toBe(true);
  expect(matches(value)).toBe(true);
});

test.each([
  'follow',
  'former-names',
  'identities',
  'keys',
  'missing-keys',
  'not-a-mapping',
  'other-version',
  'through-an-alias',
  'wrong-types',
])('an editor finds that %s is wrong without knowing destinations', (name) => {
  expect(matchesCommonPart(parse(fixture(`broken/${name}.yaml`)))).toBe(false);
});

interface Variation {
  readonly settings?: object;
  readonly limits?: object;
  readonly route?: object;
  readonly audience?: object;
}

function fileWith({ settings, limits, route, audience }: Variation): object {
  const destination = { type: 'webhook', settings: { url: 'https://example.com/', ...settings } };
  return {
    version: 1,
    destinations: { crm: limits === undefined ? destination : { ...destination, limits } },
    audiences: { fans: { id: 'a', activate: [{ destination: 'crm', identity: 'email', ...route }], ...audience } },
  };
}

function isRead(value: object): boolean {
  try {
    parseActivationFile(JSON.stringify(value), { fileName: 'test.yaml', destinations: exampleDestinations });
    return true;
  } catch (error) {
    if (error instanceof ActivationFileError) return false;
    throw error;
  }
}

const right: readonly Variation[] = [
  {},
  { settings: { signingSecret: { secret: 'a-b' }, timeoutMs: 100 }, limits: {} },
  { limits: { requestsPerSecond: 0.1 }, audience: { namespace: 'x', name: 'n', consent: 'a.b' } },
  {
    route: {
      identity: ['a', 'b'],
      identities: 'all',
      attributes: { x: '_tenant.y' },
      options: { list: 'abc' },
      mode: 'shadow',
      follow: ['a', 'c'],
    },
  },
  { route: { follow: 'a', mode: 'retired' }, audience: { formerly: 'b' } },
  { audience: { formerly: ['b', 'c'] } },
  { route: { attributes: { x: 'xdm:a.@id.$b-c' } } },
];
const wrong: readonly Variation[] = [
  { settings: { unknown: 1 } },
  { settings: { timeoutMs: 99 } },
  { settings: { signingSecret: 'text' } },
  { limits: { batchCount: 0 } },
  { limits: { unknown: 1 } },
  { audience: { id: '' } },
  { audience: { consent: '.a' } },
  { audience: { unknown: 1 } },
  { route: { identity: [] } },
  { route: { identity: ['a', 'a'] } },
  { route: { attributes: { x: 'a.__proto__' } } },
  { route: { attributes: { '': 'a' } } },
  { route: { options: { list: 'ab' } } },
  { route: { mode: 'Live' } },
  { route: { follow: ['a', 'a'] } },
  { route: { follow: ['a', 'b', 'c', 'd', 'e', 'f'] } },
  { audience: { formerly: ['b', 'b'] } },
  { audience: { formerly: [] } },
];

test.each(right.map((variation) => ({ variation })))('$variation is right for parser and schema', ({ variation }) => {
  expect([isRead(fileWith(variation)), matches(fileWith(variation))]).toEqual([true, true]);
});

test.each(wrong.map((variation) => ({ variation })))('$variation is wrong for parser and schema', ({ variation }) => {
  expect([isRead(fileWith(variation)), matches(fileWith(variation))]).toEqual([false, false]);
});

test('a destination says its title and description, and may leave out settings that have no must', () => {
  const text = JSON.stringify(activationFileJsonSchema(exampleDestinations));
  expect(text).toContain('Webhook: Posts changes as JSON to a URL of yours.');
  expect(matches({ version: 1, destinations: { d: { type: 'log' } }, audiences: {} })).toBe(true);
  expect(matches({ version: 1, destinations: { d: { type: 'webhook' } }, audiences: {} })).toBe(false);
  expect(matches({ version: 1, destinations: { d: { type: 'other' } }, audiences: {} })).toBe(false);
});

test('schemas with code in them and recursive ones find their place in the schema', () => {
  const tree = z.strictObject({
    get children() {
      return z.array(tree).optional();
    },
  });
  const settings = z.strictObject({
    tree,
    when: z.string().transform((text) => new Date(text)),
    code: z.instanceof(Date),
  });
  const schema = activationFileJsonSchema(new Map([['odd', { settings, options: z.unknown() }]]));
  const matchesOdd = compile(schema);
  const file = (children: unknown): object => ({
    version: 1,
    destinations: { d: { type: 'odd', settings: { tree: { children }, when: 'x', code: 1 } } },
    audiences: {},
  });
  expect(matchesOdd(file([{ children: [] }]))).toBe(true);
  expect(matchesOdd(file([{ children: 1 }]))).toBe(false);
});
