import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { refusalCodes } from './index.ts';
import { readProfileExports } from './read-profile-exports.ts';
import { buildProfileExport, encodeProfileExport } from '../testing/index.ts';
import { arbitraryProfileExport } from '../testing/arbitrary.ts';

const readText = (text: string): ReturnType<typeof readProfileExports> => readProfileExports(Buffer.from(text));
/** The refusals of a body as "path code". */
const refusalsOf = (body: string | Uint8Array): string[] =>
  readProfileExports(Buffer.from(body)).refusals.map(({ path, code }) => `${path} ${code}`);

test('one object is one export at the root', () => {
  const body = buildProfileExport({
    attributes: { 'person.name.firstName': 'Ada' },
    memberships: [{ audienceId: 'fans', qualifiedAtMs: 0 }],
    identities: { ecid: ['14575006536349286404619648085736420001'] },
  });
  const { exports, refusals } = readProfileExports(encodeProfileExport(body));
  expect(refusals).toEqual([]);
  expect(exports).toEqual([
    {
      path: '$',
      body,
      identities: new Map([['ecid', ['14575006536349286404619648085736420001']]]),
      unreadableIdentities: new Map(),
      segmentMembership: { ups: { fans: { lastQualificationTime: '1970-01-01T00:00:00Z', status: 'realized' } } },
    },
  ]);
});

test('an array keeps its good elements and refuses the others one by one', () => {
  const { exports, refusals } = readText('[{"identityMap":{}}, 7, {"segmentMembership":{}}, {}, [{"identityMap":{}}]]');
  expect(exports.map(({ path }) => path)).toEqual(['$[0]', '$[2]']);
  expect(refusals.map(({ path, code }) => `${path} ${code}`)).toEqual([
    '$[1] not-an-object',
    '$[3] not-an-export',
    '$[4] not-an-object',
  ]);
});

test('plain Uint8Arrays and views into larger buffers are read like Buffers', () => {
  const bytes = new TextEncoder().encode('xx{"identityMap":{"ecid":[{"id":"é"}]}}xx');
  expect(readProfileExports(bytes.subarray(2, -2)).exports[0]?.identities.get('ecid')).toEqual(['é']);
});

test('a byte order mark is tolerated', () => {
  expect(readText('\u{feff}{"identityMap":{}}').exports).toHaveLength(1);
});

test.for([
  ['', '$ empty-body'],
  ['\u{feff}', '$ empty-body'],
  [' ', '$ invalid-json'],
  ['{"identityMap":{}', '$ invalid-json'],
  ['{"identityMap":{}}{}', '$ invalid-json'],
  ['{"identityMap":{},}', '$ invalid-json'],
  ['\u{feff}\u{feff}{"identityMap":{}}', '$ invalid-json'],
  ['[]', '$ empty-array'],
  ['null', '$ not-an-object'],
  ['true', '$ not-an-object'],
  ['42', '$ not-an-object'],
  ['"text"', '$ not-an-object'],
  ['"{\\"identityMap\\":{}}"', '$ encoded-twice'],
  ['" [{}]"', '$ encoded-twice'],
  ['"\\"{}\\""', '$ encoded-twice'],
  ['{"data":{"identityMap":{}}}', '$ wrapped-export'],
  ['{"records":[{"segmentMembership":{}}]}', '$ wrapped-export'],
  ['{"a":{"b":{"c":{"identityMap":{}}}}}', '$ wrapped-export'],
  ['{"a":{"b":{"c":{"d":{"e":{"identityMap":{}}}}}}}', '$ not-an-export'],
  ['{"data":{"identityMap":7}}', '$ not-an-export'],
  ['{"entity":{"identityMap":{}},"entityId":"A1"}', '$ profile-api-answer'],
  ['{"A1":{"entity":{"identityMap":{}},"mergePolicy":{}}}', '$ profile-api-answer'],
  ['{}', '$ not-an-export'],
  ['{"person":{}}', '$ not-an-export'],
  ['{"segmentMembership":null,"identityMap":null}', '$ not-an-export'],
  ['{"__proto__":{"identityMap":{}}}', '$ wrapped-export'],
  ['{"segmentMembership":[]}', '$.segmentMembership listed-memberships'],
  ['{"segmentMembership":"ups"}', '$.segmentMembership invalid-segment-membership'],
  ['{"segmentMembership":{"ups":[]}}', '$.segmentMembership.ups invalid-segment-membership'],
  ['{"segmentMembership":{"ups":null}}', '$.segmentMembership.ups invalid-segment-membership'],
  ['{"identityMap":[]}', '$.identityMap invalid-identity-map'],
  ['{"identityMap":0}', '$.identityMap invalid-identity-map'],
  ['{"identityMap":{"ecid":{"id":"1"}}}', '$.identityMap.ecid unlisted-identity'],
  ['{"identityMap":{"ecid":"1"}}', '$.identityMap.ecid unlisted-identity'],
  ['{"identityMap":{"ecid":1}}', '$.identityMap.ecid invalid-identities'],
  ['{"identityMap":{"phone_e.164":null}}', "$.identityMap['phone_e.164'] invalid-identities"],
  ['{"identityMap":{"ecid":["1"]}}', '$.identityMap.ecid[0] bare-identity'],
  ['{"identityMap":{"ecid":[null]}}', '$.identityMap.ecid[0] invalid-identity'],
  ['{"identityMap":{"ecid":[[]]}}', '$.identityMap.ecid[0] invalid-identity'],
  ['{"identityMap":{"ecid":[{"id":""},{}]}}', '$.identityMap.ecid[1].id invalid-identity'],
  ['{"identityMap":{"email":[],"ecid":[7],"crmid":"1"}}', '$.identityMap.ecid[0] invalid-identity'],
  ['{"identityMap":{"ecid":[{"id":null}]}}', '$.identityMap.ecid[0].id invalid-identity'],
  ['{"identityMap":{"ecid":[{"__proto__":{"id":"1"}}]}}', '$.identityMap.ecid[0].id invalid-identity'],
  [
    '{"identityMap":{"ecid":[{"id":14575006536349286404619648085736420001}]}}',
    '$.identityMap.ecid[0].id numeric-identity',
  ],
  ['{"identityMap":{"crmid":[{"id":"\\ud83d"}]}}', '$.identityMap.crmid[0].id malformed-identity'],
  ['{"identityMap":{"ada@example.com":0}}', '$.identityMap.* invalid-identities'],
  ['{"identityMap":{"__proto__":0}}', '$.identityMap.* invalid-identities'],
  ['{"segmentMembership":{"Ada Byron":0}}', '$.segmentMembership.* invalid-segment-membership'],
] as const)('%j is refused: %s', ([body, refusal]) => {
  expect(readText(body).exports).toEqual([]);
  expect(refusalsOf(body)).toEqual([refusal]);
});

test.for([
  [
    '{"ECID":[{"id":1},{"id":"b"},{}],"email":[{"id":"e"}]}',
    { ecid: ['b'], email: ['e'] },
    ['ecid $.identityMap.ECID[0].id numeric-identity'],
  ],
  [
    '{"ecid":[{"id":"1"},{"id":"2"}],"crmid":["c"]}',
    { ecid: ['1', '2'] },
    ['crmid $.identityMap.crmid[0] bare-identity'],
  ],
  [
    '{"ecid":[{"id":"1"}],"crmid":{"id":"c"},"CRMID":null}',
    { ecid: ['1'] },
    ['crmid $.identityMap.crmid unlisted-identity'],
  ],
  ['{"CRMID":[{"id":"c"}],"crmid":null}', { crmid: ['c'] }, ['crmid $.identityMap.crmid invalid-identities']],
  [
    '{"a":[{"id":"1"}],"b":[null],"c":[{"id":"\\ud800"}]}',
    { a: ['1'] },
    ['b $.identityMap.b[0] invalid-identity', 'c $.identityMap.c[0].id malformed-identity'],
  ],
  ['{"a":[{"id":"1"}],"__proto__":7,"Ada Byron":[]}', { a: ['1'] }, ['__proto__ $.identityMap.* invalid-identities']],
] as const)(
  'in %s what cannot be read costs itself only, and is told by its namespace',
  ([identityMap, identities, unreadable]) => {
    const { exports, refusals } = readText(`{"identityMap":${identityMap}}`);
    expect(refusals).toEqual([]);
    const [read] = exports;
    expect(Object.fromEntries(read?.identities ?? [])).toEqual(identities);
    expect(
      [...(read?.unreadableIdentities ?? [])].map(([namespace, { path, code }]) => `${namespace} ${path} ${code}`),
    ).toEqual(unreadable);
  },
);

test('a namespace of memberships that cannot be read is told of, and the others count', () => {
  const { exports, refusals } = readText(
    '[{"segmentMembership":{"AAM":[],"ups":{"a":{}},"__proto__":{"b":{}},"x":1},"identityMap":{}}]',
  );
  expect(refusals.map(({ path, code }) => `${path} ${code}`)).toEqual([
    '$[0].segmentMembership.AAM invalid-segment-membership',
  ]);
  expect(JSON.stringify(exports.map(({ segmentMembership }) => segmentMembership))).toBe(
    '[{"ups":{"a":{}},"__proto__":{"b":{}}}]',
  );
});

test.for([
  ['a lone continuation byte', [0x80]],
  ['an overlong slash', [0xc0, 0xaf]],
  ['half of a surrogate pair', [0xed, 0xa0, 0x80]],
  ['a code point past the last', [0xf4, 0x90, 0x80, 0x80]],
  ['a cut sequence', [0xe2, 0x82]],
] as const)('%s is not UTF-8', ([, bytes]) => {
  const body = Buffer.concat([
    Buffer.from('{"identityMap":{"email":[{"id":"'),
    Buffer.from(bytes),
    Buffer.from('"}]}}'),
  ]);
  expect(refusalsOf(body)).toEqual(['$ invalid-utf8']);
});

test('a replacement character that the sender wrote is kept', () => {
  const [first] = readText('{"identityMap":{"email":[{"id":"a\ufffdb"}]}}').exports;
  expect(first?.identities.get('email')).toEqual(['a\ufffdb']);
});

test('null for one map counts as absent', () => {
  const [first, second] = readText(
    '[{"segmentMembership":null,"identityMap":{}},{"segmentMembership":{},"identityMap":null}]',
  ).exports;
  expect(first?.segmentMembership).toEqual({});
  expect(second?.identities.size).toBe(0);
});

test('of duplicate keys the last wins', () => {
  const { exports } = readText('{"identityMap":0,"identityMap":{"ecid":[{"id":"1","id":"2"}]}}');
  expect(exports[0]?.identities.get('ecid')).toEqual(['2']);
});

test('identities of namespaces that differ in case are one list in order without repetition', () => {
  const many = Array.from({ length: 20 }, (_, index) => ({ id: String(index % 12) }));
  const body = {
    identityMap: {
      Email: [{ id: 'b' }, { id: 'a' }, { id: 'b' }, { id: '' }],
      EMAIL: [{ id: 'a' }, { id: 'c' }],
      phone: [{ id: '' }],
      ecid: [],
      gaid: many,
    },
  };
  const { exports } = readText(JSON.stringify(body));
  expect([...(exports[0]?.identities ?? [])]).toEqual([
    ['email', ['b', 'a', 'c']],
    ['gaid', ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11']],
  ]);
});

test('unknown fields are kept and hostile keys change no prototype', () => {
  const text =
    '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"segmentMembership":{"__proto__":{"__proto__":{"polluted":1}}},' +
    '"identityMap":{"__proto__":[{"id":"1","__proto__":{"polluted":1}}],"constructor":[{"id":"2"}]}}';
  const { exports } = readText(text);
  expect(JSON.stringify(exports[0]?.body)).toBe(text);
  expect([...(exports[0]?.identities ?? [])]).toEqual([
    ['__proto__', ['1']],
    ['constructor', ['2']],
  ]);
  expect(Object.getPrototypeOf(exports[0]?.segmentMembership)).toBe(Object.prototype);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

test('an attribute costs an export nothing, however deeply it is nested', () => {
  const deep = `{"identityMap":{"ecid":[{"id":"1"}]},"attribute":${'['.repeat(100_000)}${']'.repeat(100_000)},"other":1}`;
  const { exports, refusals } = readText(deep);
  expect(refusals).toEqual([]);
  expect(exports.map(({ identities, body }) => [identities.get('ecid'), body.other])).toEqual([[['1'], 1]]);
});

test('a megabyte of anything is read or refused without harm', () => {
  const size = 1 << 20;
  const half = size / 2;
  const caseVariants = Array.from({ length: 1 << 15 }, (_, variant) => {
    const letters = Array.from('abcdefghijklmno', (letter, bit) =>
      (variant >> bit) & 1 ? letter.toUpperCase() : letter,
    );
    return `"${letters.join('')}":[{"id":"${variant}"}]`;
  });
  const bodies: Record<string, string> = {
    '$ invalid-json': '['.repeat(size),
    '$[0] not-an-object': '['.repeat(half) + ']'.repeat(half),
    'a deep list': `{"identityMap":{},"a":${'['.repeat(half)}${']'.repeat(half)}}`,
    'a deep object': `{"identityMap":{},"b":${'{"b":'.repeat(half / 3)}0${'}'.repeat(half / 3)}}`,
    '$.identityMap.ecid[0] invalid-identity': `{"identityMap":{"ecid":[${'['.repeat(half)}${']'.repeat(half)}]}}`,
    'deep unread item': `{"segmentMembership":{"ups":{"a":${'['.repeat(half)}${']'.repeat(half)}}}}`,
    'one long attribute': `{"identityMap":{},"a":"${'é'.repeat(half)}"}`,
    'many ids': `{"identityMap":{"ecid":[${'{"id":"1"},'.repeat(size / 11)}{"id":"2"}]}}`,
    'many spellings of one namespace': `{"identityMap":{${caseVariants.join()}}}`,
  };
  const start = performance.now();
  for (const [expected, body] of Object.entries(bodies)) {
    expect(refusalsOf(body)).toEqual(expected.startsWith('$') ? [expected] : []);
  }
  // Quadratic work on any of these would take minutes.
  expect(performance.now() - start).toBeLessThan(15_000);
});

test('of many bad elements the first hundred are listed, then that there are more', () => {
  const { exports, refusals } = readText(`[${'0,'.repeat(300_000)}{"identityMap":{}}]`);
  expect(exports.map(({ path }) => path)).toEqual(['$[300000]']);
  expect(refusals).toHaveLength(101);
  expect(refusals[99]).toMatchObject({ path: '$[99]', code: 'not-an-object' });
  expect(refusals[100]).toMatchObject({ path: '$', code: 'further-refusals' });
  expect(readText(`[${'0,'.repeat(99)}0]`).refusals.map(({ code }) => code)).not.toContain('further-refusals');
});

test('any export comes back whole, alone or in an array', () => {
  fc.assert(
    fc.property(fc.array(arbitraryProfileExport(), { minLength: 1, maxLength: 3 }), (bodies) => {
      const inArray = readProfileExports(encodeProfileExport(bodies));
      expect(inArray.refusals).toEqual([]);
      expect(inArray.exports.map(({ body }) => JSON.stringify(body))).toEqual(
        bodies.map((body) => JSON.stringify(body)),
      );
      for (const body of bodies) {
        const alone = readProfileExports(encodeProfileExport(body));
        expect(alone.refusals).toEqual([]);
        for (const [namespace, ids] of alone.exports[0]?.identities ?? []) {
          expect(namespace).toBe(namespace.toLowerCase());
          expect(ids).toEqual([...new Set(ids)].filter((id) => id !== ''));
          expect(ids.length).toBeGreaterThan(0);
        }
      }
    }),
  );
});

test('no bytes make it throw or return nothing at all', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => new TextEncoder().encode(text)),
    fc.tuple(arbitraryProfileExport(), fc.nat(), fc.nat(255)).map(([body, position, byte]) => {
      const encoded = encodeProfileExport(body);
      encoded[position % encoded.length] = byte;
      return encoded;
    }),
  );
  fc.assert(
    fc.property(bytes, (body) => {
      const { exports, refusals } = readProfileExports(body);
      expect(exports.length + refusals.length).toBeGreaterThan(0);
      for (const { code } of refusals) expect(refusalCodes).toContain(code);
    }),
    { numRuns: 500 },
  );
});

test('no refusal carries a value of the body', () => {
  const canary = '4915112345678';
  const json = fc.constantFrom(
    `"${canary}"`,
    canary,
    `["${canary}"]`,
    `[{"id":${canary}}]`,
    `{"${canary}":0}`,
    `[{"id":"${canary}\\ud800"}]`,
    canary + 'x',
  );
  const body = fc.oneof(
    json,
    json.map((value) => `[${value}]`),
    json.map((value) => `{"identityMap":${value}}`),
    json.map((value) => `{"identityMap":{"${canary}":${value}}}`),
    json.map((value) => `{"segmentMembership":{"+${canary}":${value}}}`),
    json.map((value) => `{"identityMap":{},"${canary}":${'['.repeat(200)}${value}${']'.repeat(200)}}`),
  );
  let refusalsSeen = 0;
  fc.assert(
    fc.property(body, (text) => {
      const { refusals } = readText(text);
      refusalsSeen += refusals.length;
      expect(JSON.stringify(refusals)).not.toContain(canary);
    }),
  );
  expect(refusalsSeen).toBeGreaterThan(50);
});
