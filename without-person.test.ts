import { buildProfileExport, encodeProfileExport } from '@activation-hub/audience-events/testing';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { personExport } from '../testing/index.ts';
import { Person } from './person.ts';
import { withoutPerson } from './without-person.ts';

const lower = { key: 'crm', ledgerNames: ['crm'], formIdentity: ({ value }: { value: string }) => value.toLowerCase() };
const p1 = new Person([{ namespace: 'crmid', value: 'p1' }], []);
const numbered = new Person([{ namespace: 'crmid', value: '12345678901234567890' }], []);
const text = (body: Uint8Array | undefined): string | undefined => body && Buffer.from(body).toString();

test('a body without the person stays byte for byte', () => {
  const body = Buffer.from(' [ {"identityMap":{"crmid":[{"id":"p2"}]}} ] ');
  expect(withoutPerson(body, p1)).toBe(body);
  const other = encodeProfileExport(personExport({ identities: { crmid: ['p11'], email: ['p1'] } }));
  expect(withoutPerson(other, p1)).toBe(other);
});

test('of a body with several people the others stay as they are written', () => {
  const other = '{ "identityMap" : {"crmid":[{"id":"p2"}]}, "big": 12345678901234567890, "text": "a ] , } \\" b" }';
  const own = '{"identityMap":{"crmid":[{"id":"p1"}]}}';
  expect(text(withoutPerson(Buffer.from(`[${own}, ${other},\n${own}]`), p1))).toBe(`[${other}]`);
  expect(text(withoutPerson(Buffer.from(`\uFEFF[${other}, ${own}, ${other}]`), p1))).toBe(`[${other},${other}]`);
  expect(withoutPerson(Buffer.from(`[${own},${own}]`), p1)).toBeUndefined();
  expect(withoutPerson(Buffer.from(own), p1)).toBeUndefined();
});

test('the namespace is found in any case', () => {
  const body = encodeProfileExport(buildProfileExport({ memberships: [], identities: { CRMID: ['p1'] } }));
  expect(withoutPerson(body, p1)).toBeUndefined();
});

test.each([
  ['no JSON', '{"identityMap":{"crmid":[{"id":"p1"', undefined],
  ['no JSON, of somebody else', '{"identityMap":{"crmid":[{"id":"p12"', 'as it is'],
  ['cut at its start', 'f","who":"p1","next":"', undefined],
  ['an escape', '{"who":"\\u0070\\u0031"}', undefined],
  ['an escape in upper case, in no JSON', '{"who":"\\u0070\\u0031', undefined],
  ['another escape', '{"who":"\\u0070\\u0032"}', 'as it is'],
  ['a key', '{"p1":{}}', undefined],
  ['JSON in a string', JSON.stringify('{"identityMap":{"crmid":[{"id":"p1"}]}}'), undefined],
  ['JSON in a string in a string', JSON.stringify(JSON.stringify({ who: 'p1' })), undefined],
  ['a key twice', '{"identityMap":{"crmid":[{"id":"p1"}]},"identityMap":{"crmid":[{"id":"p2"}]}}', undefined],
  ['an id twice', '{"identityMap":{"crmid":[{"id":"p1","id":"p2"}]}}', undefined],
  ['no export', '{"who":"p1"}', undefined],
  ['no export, of somebody else', '{"who":"p1 or p2"}', 'as it is'],
  ['an array in which one element is no export', '[{"who":"p1"},{"who":"p2"}]', '[{"who":"p2"}]'],
  ['an identity that cannot be read', '{"identityMap":{"crmid":"p1","email":[{"id":"a"}]}}', undefined],
  ['an attribute beside one', '{"a":"p1","identityMap":{"crmid":"p2","email":[{"id":"a"}]}}', 'as it is'],
  ['deep in the identity map', `{"identityMap":{"crmid":${'['.repeat(20_000)}"p1"${']'.repeat(20_000)}}}`, undefined],
  ['no bytes', '', 'as it is'],
])("what cannot be read is the person's when the value stands in it: %s", (_what, given, expected) => {
  const body = Buffer.from(given);
  expect(text(withoutPerson(body, p1))).toBe(expected === 'as it is' ? given : expected);
});

test('a number is compared by its digits, in whichever place', () => {
  const readable = '{"identityMap":{"crmid":[{"id":12345678901234567890}],"email":[{"id":"a"}]}}';
  expect(withoutPerson(Buffer.from(readable), numbered)).toBeUndefined();
  expect(withoutPerson(Buffer.from('[[12345678901234567890]]'), numbered)).toBeUndefined();
  const near = Buffer.from('[[12345678901234567891]]');
  expect(withoutPerson(near, numbered)).toBe(near);
});

test('a value in another case is the same where a destination says so', () => {
  const body = Buffer.from('{"who":"ADA@Example.com"}');
  const email = [{ namespace: 'email', value: 'ada@example.com' }];
  expect(withoutPerson(body, new Person(email, [lower]))).toBeUndefined();
  expect(withoutPerson(body, new Person([{ namespace: 'crmid', value: 'ada@example.com' }], []))).toBe(body);
});

test.each<[string, Uint8Array]>([
  ['no UTF-8', Buffer.concat([Buffer.from('{"who":"p1","x":"'), Buffer.of(0xff, 0xfe), Buffer.from('"}')])],
  ['UTF-16', Buffer.from('{"who":"p1"}', 'utf16le')],
  ['UTF-16 of the other order', Buffer.from('{"who":"p1"}', 'utf16le').swap16()],
])('bytes that are no JSON text are looked through: %s', (_what, body) => {
  expect(withoutPerson(body, p1)).toBeUndefined();
  expect(withoutPerson(body, numbered)).toBe(body);
});

test('no bytes make it throw, and those that hold nothing of the person stay', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc.json().map((each) => Buffer.from(each)),
        fc.string({ unit: fc.constantFrom(...'"\\{}[],: u0p2'), maxLength: 60 }).map((each) => Buffer.from(each)),
      ),
      (body) => {
        expect(withoutPerson(body, numbered)).toBe(body);
      },
    ),
    { numRuns: 3_000 },
  );
});

test('the value is found wherever it stands in JSON that is no export', () => {
  const place = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      fc.constant('p1'),
      fc.tuple(fc.jsonValue({ maxDepth: 1 }), tie('node')),
      fc.tuple(fc.string(), tie('node')).map(([key, inner]) => ({ [`k${key}`]: inner })),
    ),
  })).node;
  fc.assert(
    fc.property(place, fc.boolean(), fc.nat(3), (value, cuts, last) => {
      const whole = JSON.stringify({ value });
      const body = Buffer.from(cuts ? whole.slice(0, whole.lastIndexOf('p1') + 3 + last) : whole);
      expect(withoutPerson(body, p1)).toBeUndefined();
    }),
    { numRuns: 500 },
  );
});

test('a body of a mebibyte takes time in proportion', () => {
  for (const unit of ['[', '{"a":', '"\\"', '\\', '"a",']) {
    const body = Buffer.from(unit.repeat(1_048_576 / unit.length));
    expect(withoutPerson(body, p1)).toBe(body);
  }
});
