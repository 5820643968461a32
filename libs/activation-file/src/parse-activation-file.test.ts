import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { exampleDestinations } from '../testing/example-destinations.ts';
import { activationFileJsonSchema } from './activation-file-json-schema.ts';
import { isMapping } from './deep-freeze.ts';
import { parseActivationFile } from './parse-activation-file.ts';
import { ActivationFileError } from './problem.ts';

const fixture = (name: string): string => readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8');
const options = { fileName: 'test.yaml', destinations: exampleDestinations };

test('the minimal file is read, with the defaults filled in', () => {
  const file = parseActivationFile(fixture('minimal.yaml'), options);
  const route = {
    audience: 'sports-fans',
    destination: 'trial',
    identityNamespaces: ['email'],
    identities: 'first',
    follow: [],
    attributes: [],
    options: {},
    mode: 'live',
  };
  expect([...file.destinations.values()]).toEqual([
    { key: 'trial', formerly: [], ledgerName: 'trial', type: 'log', settings: {}, limits: {} },
  ]);
  expect(file.stall).toEqual({ share: 0.9, minimum: 20 });
  expect([...file.audiences.values()]).toEqual([
    {
      key: 'sports-fans',
      namespace: 'ups',
      id: '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02',
      formerly: [],
      ledgerId: '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02',
      routes: [route],
    },
  ]);
  expect(file.routes).toEqual([route]);
  expect(file.warnings).toEqual([]);
});

test('the full file is read, aliases included, with the order kept', () => {
  const file = parseActivationFile(fixture('full.yaml'), options);
  expect(file.destinations.get('crm')).toEqual({
    key: 'crm',
    formerly: ['customers', 'crm-pilot'],
    ledgerName: 'crm-pilot',
    type: 'webhook',
    settings: {
      url: 'https://crm.example.com/hooks/audiences',
      signingSecret: { secret: 'crm-signing-secret' },
      headers: { 'X-Api-Key': { secret: 'crm-api-key' }, 'X-Source': 'activation-hub' },
    },
    limits: { requestsPerSecond: 0.5, concurrency: 4, batchCount: 50, batchBytes: 65536 },
    giveUpAfterMs: 43_200_000,
    retryAfterMaxMs: 1_800_000,
  });
  expect(file.destinations.get('trial')).toMatchObject({ formerly: ['test'], ledgerName: 'test' });
  expect(file.stall).toEqual({ share: 0.8, minimum: 50 });
  const attributes = [
    { name: 'firstname', path: ['person', 'name', 'firstName'] },
    { name: 'loyalty level', path: ['_experienceplatform', 'loyalty', 'level'] },
  ];
  expect(file.audiences.get('sports-fans')).toEqual({
    key: 'sports-fans',
    namespace: 'ups',
    id: '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02',
    formerly: ['0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a01'],
    ledgerId: '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a01',
    name: 'Sports Fans',
    consentPath: ['consents', 'marketing', 'email', 'val'],
    routes: file.routes.slice(0, 2),
  });
  expect(file.routes).toEqual([
    {
      audience: 'sports-fans',
      destination: 'crm',
      identityNamespaces: ['crmid', 'email'],
      identities: 'all',
      follow: ['crmid', 'ecid'],
      attributes,
      options: { list: 'Sports Fans', fields: ['first'] },
      mode: 'live',
    },
    {
      audience: 'sports-fans',
      destination: 'trial',
      identityNamespaces: ['ecid'],
      identities: 'first',
      follow: ['crmid'],
      attributes: [],
      options: {},
      mode: 'shadow',
    },
    {
      audience: 'newsletter',
      destination: 'crm',
      identityNamespaces: ['email'],
      identities: 'first',
      follow: [],
      attributes,
      options: { fields: [] },
      mode: 'paused',
    },
    {
      audience: 'newsletter',
      destination: 'trial',
      identityNamespaces: ['ecid'],
      identities: 'first',
      follow: [],
      attributes: [],
      options: {},
      mode: 'retired',
    },
  ]);
  expect(file.audiences.get('newsletter')).toMatchObject({ formerly: ['4710', '4709'], ledgerId: '4709' });
  expect(file.audiences.get('newsletter')?.consentPath).toEqual(['consents', 'marketing', 'email', 'val']);
  expect(file.warnings).toEqual([]);
});

/** `audiences.*.activate[].mode` for every field; an open mapping ends in its own name. */
function fieldsOfSchema(schema: unknown, path = ''): string[] {
  if (!isMapping(schema)) return [path];
  const { properties, additionalProperties, items, anyOf } = schema;
  const inner = [
    ...Object.entries(isMapping(properties) ? properties : {}).map(([key, each]) =>
      fieldsOfSchema(each, `${path}.${key}`),
    ),
    ...(isMapping(additionalProperties) && Object.keys(additionalProperties).length > 0
      ? [fieldsOfSchema(additionalProperties, `${path}.*`)]
      : []),
    ...(isMapping(items) ? [fieldsOfSchema(items, `${path}[]`)] : []),
    ...(Array.isArray(anyOf) ? anyOf.map((each) => fieldsOfSchema(each, path)) : []),
  ].flat();
  return inner.length === 0 ? [path] : inner;
}

function namesField(value: unknown, steps: readonly string[]): boolean {
  const [step, ...others] = steps;
  if (step === undefined) return value !== undefined;
  if (step === '[]') return Array.isArray(value) && value.some((item) => namesField(item, others));
  if (!isMapping(value)) return false;
  return step === '*' ? Object.values(value).some((each) => namesField(each, others)) : namesField(value[step], others);
}

function unnamedFields(text: string): readonly string[] {
  const value: unknown = parse(text);
  return fieldsOfSchema(activationFileJsonSchema(new Map())).filter(
    (field) => !namesField(value, field.match(/\[\]|[^.[\]]+/g) ?? []),
  );
}

test('the full file names every field that the schema has', () => {
  expect(unnamedFields(fixture('full.yaml'))).toEqual([]);
});

test('a field that a file leaves out is noticed by the check of the full file', () => {
  expect(unnamedFields(fixture('full.yaml').replaceAll('batchBytes', 'batchCount2'))).toEqual([
    '.destinations.*.limits.batchBytes',
  ]);
  expect(unnamedFields(fixture('minimal.yaml'))).toContain('.audiences.*.activate[].attributes.*');
});

test('what is allowed but looks like an oversight is a warning with its place', () => {
  const text = `version: 1
destinations:
  used: { type: log }
  unused: { type: log }
audiences:
  fans: { id: a, namespace: own, activate: [{ destination: used, identity: email }] }
  idle: { id: b, namespace: own }
  idle-too:
    id: c
    namespace: own
    activate: []
`;
  const { warnings } = parseActivationFile(text, options);
  expect(warnings).toEqual([
    {
      fileName: 'test.yaml',
      line: 4,
      column: 3,
      path: 'destinations.unused',
      message: 'destinations.unused is not used. Name it in a route of an audience, or leave it out.',
    },
    {
      fileName: 'test.yaml',
      line: 7,
      column: 3,
      path: 'audiences.idle',
      message: 'audiences.idle goes nowhere. Add a route under activate, or leave the audience out.',
    },
    {
      fileName: 'test.yaml',
      line: 8,
      column: 3,
      path: 'audiences.idle-too',
      message: 'audiences.idle-too goes nowhere. Add a route under activate, or leave the audience out.',
    },
  ]);
});

test('an environment in which nothing is activated yet has a file too', () => {
  const file = parseActivationFile('version: 1\ndestinations: {}\naudiences: {}\n', options);
  expect([file.destinations.size, file.audiences.size, file.routes.length]).toEqual([0, 0, 0]);
});

test('a byte order mark and Windows line ends change nothing, places included', () => {
  const text = 'version: 1\ndestinations: {}\naudiences: { a: { id: 1 } }\n';
  const places = [text, `\uFEFF${text}`, text.replaceAll('\n', '\r\n')].map((each) => {
    try {
      parseActivationFile(each, options);
      return 'accepted';
    } catch (error) {
      return String(error);
    }
  });
  expect(new Set(places)).toEqual(
    new Set(['ActivationFileError: test.yaml:3:23: audiences.a.id must be a text. Put it in quotes.']),
  );
});

test('an audience id that a hundred audiences could share an anchor with is not taken for a bomb', () => {
  const audiences = Array.from({ length: 2_000 }, (_, index) => {
    const consent = index === 0 ? '&consent consents.marketing.email.val' : '*consent';
    return `  a${index}: { id: "${index}", consent: ${consent}, activate: [{ destination: d, identity: email }] }`;
  });
  const text = `version: 1\ndestinations: { d: { type: log } }\naudiences:\n${audiences.join('\n')}\n`;
  expect(parseActivationFile(text, options).routes).toHaveLength(2_000);
});

test('depth through aliases is bounded as depth by brackets is', () => {
  const nest = (inner: string): string => `${'['.repeat(40)}${inner}${']'.repeat(40)}`;
  const text = `a: &a ${nest('x')}\nb: ${nest('*a')}\n`;
  expect(() => parseActivationFile(text, options)).toThrow(/^test\.yaml:2:44: This is nested more than 64 levels deep/);
  expect(() => parseActivationFile('['.repeat(100_000), options)).toThrow(ActivationFileError);
  expect(() => parseActivationFile('x'.repeat(1024 * 1024 + 1), options)).toThrow(/longer than 1048576 characters/);
});

test('of mistakes of syntax, only the first lines are reported', () => {
  const text = `version: 1\n${'"\n'.repeat(200)}`;
  const failure = (): unknown => parseActivationFile(text, options);
  expect(failure).toThrow(
    expect.objectContaining({ problems: expect.objectContaining({ length: 20 }) as unknown }) as Error,
  );
  expect(failure).toThrow(/^test\.yaml:2:/);
});

function unfrozen(value: unknown, path = 'file'): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = value instanceof Map ? [...(value as Map<string, unknown>)] : Object.entries(value);
  return [
    ...(Object.isFrozen(value) ? [] : [path]),
    ...inner
      .filter(([key]) => !['set', 'delete', 'clear'].includes(key))
      .flatMap(([key, each]) => unfrozen(each, `${path}.${key}`)),
  ];
}

test('what is returned cannot be changed, however deep', () => {
  const text = `${fixture('full.yaml')}  idle: { id: b }\n`;
  const file = parseActivationFile(text, options);
  expect(unfrozen(file)).toEqual([]);
  expect(unfrozen({ open: [] })).toEqual(['file', 'file.open']);
  const destinations = file.destinations as Map<string, unknown>;
  expect(() => destinations.set('crm', {})).toThrow(/read-only/);
  expect(() => destinations.delete('crm')).toThrow(/read-only/);
  expect(() => {
    destinations.clear();
  }).toThrow(/read-only/);
});

test('options that a schema hands over half frozen are frozen to the end', () => {
  const routeOptions = z.strictObject({ tags: z.array(z.string()).default(() => ['a']) }).readonly();
  const destinations = new Map([['log', { settings: z.strictObject({}), options: routeOptions }]]);
  expect(unfrozen(parseActivationFile(fixture('minimal.yaml'), { ...options, destinations }))).toEqual([]);
});

/**
 * Texts near an activation file: pieces of real ones, shuffled, broken and filled with odd
 * characters.
 */
function nearlyYaml(): fc.Arbitrary<string> {
  const lines = [fixture('full.yaml'), fixture('minimal.yaml')].flatMap((text) => text.split('\n'));
  const odd = fc.constantFrom(
    '&a ', '*a', '<<: *a', '? ', '- ', ': ', '{', '}', '[', ']', '"', "'", '|', '>', '!', '!!str ', '#', '%', '@', '\t',
    '---', '...', '__proto__: 1', 'constructor: {}', 'toString', '\u0000', '\uFEFF', '\ud800', '.inf', '.nan', '0x1f', '~',
  ); // prettier-ignore
  const piece = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...lines) },
    { weight: 2, arbitrary: odd },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  );
  return fc
    .array(fc.tuple(piece, fc.constantFrom('\n', '\n  ', '\n    ', ' ', '', '\r\n')), { maxLength: 40 })
    .map((pieces) => pieces.flat().join(''));
}

/**
 * The full file with some of its characters replaced: most of these are YAML, and wrong somewhere.
 */
function damagedFile(): fc.Arbitrary<string> {
  const text = fixture('full.yaml');
  const damage = fc.record({
    at: fc.nat({ max: text.length }),
    remove: fc.nat({ max: 12 }),
    insert: fc.constantFrom(
      '',
      ' ',
      'x',
      '[]',
      '{}',
      'null',
      '1',
      '- ',
      ': ',
      '\n',
      '"',
      '*marketing',
      '*person',
      '__proto__: ',
    ),
  });
  return fc
    .array(damage, { minLength: 1, maxLength: 4 })
    .map((damages) =>
      damages.reduce((whole, { at, remove, insert }) => whole.slice(0, at) + insert + whole.slice(at + remove), text),
    );
}

test('whatever the text, it is read or refused with problems that have a place in it', () => {
  const outcomes = { read: 0, refused: 0 };
  fc.assert(
    fc.property(fc.oneof(nearlyYaml(), damagedFile(), fc.string({ unit: 'binary' })), (text) => {
      try {
        parseActivationFile(text, options);
        outcomes.read += 1;
      } catch (error) {
        if (!(error instanceof ActivationFileError)) throw error;
        outcomes.refused += 1;
        const lineCount = text.split('\n').length;
        expect(error.problems.length).toBeGreaterThan(0);
        expect(error.message.split('\n')).toHaveLength(error.problems.length);
        for (const { line, column, message } of error.problems) {
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(lineCount);
          expect(column).toBeGreaterThanOrEqual(1);
          expect(message).toMatch(/[.?]$/);
        }
      }
    }),
    { numRuns: 1_500 },
  );
  expect(outcomes.read).toBeGreaterThan(0);
  expect(outcomes.refused).toBeGreaterThan(outcomes.read);
});
