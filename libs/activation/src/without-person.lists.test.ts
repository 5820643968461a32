import { expect, test } from 'vitest';
import { personExport } from '../testing/index.ts';
import { isSearchable, withoutPerson } from './without-person.ts';

const ada = { namespace: 'email', value: 'ada@example.com' };
const export_ = (email: string, more: object = {}): string =>
  JSON.stringify({ ...personExport({ identities: { email: [email] } }), ...more });
const adas = export_('ada@example.com');
const bobs = export_('bob@example.com');
const zoes = export_('zoe@example.com');

const without = (
  body: string | Uint8Array,
  ...identities: readonly { namespace: string; value: string }[]
): string | undefined => {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const left = withoutPerson(bytes, identities.length === 0 ? [ada] : identities);
  return left === undefined ? undefined : left === bytes ? 'as it is' : Buffer.from(left).toString();
};

test('of a list what is the person’s goes, and the others stay in their order', () => {
  expect(without(`[${bobs},${adas},${zoes}]`)).toBe(`[${bobs},${zoes}]`);
  expect(without(`[${bobs}, ${zoes}]`)).toBe('as it is');
  expect(without(`[${adas},${adas}]`)).toBeUndefined();
  expect(without(adas)).toBeUndefined();
  expect(without(JSON.stringify(personExport({ identities: { email: ['bob@example.com', 'ada@example.com'] } })))).toBe(
    undefined,
  );
  expect(without(`\uFEFF[${bobs},${adas}]`)).toBe(`[${bobs}]`);
  expect(without(`\n [${adas},${bobs}]`)).toBe(`[${bobs}]`);
});

test('what a later element hides of the person is found in that one, whatever lists and texts stand before it', () => {
  const lists = export_('bob@example.com', {
    list: [[1, 2], { a: [3, 4], b: {} }, null, true, false, -1.5e-7, '[{,"\\'],
  });
  const hiding = `{"identityMap":{"email":[{"id":"ada@example.com"}]},${zoes.slice(1)}`;
  expect(without(`[${lists},${hiding},${bobs}]`)).toBe(`[${lists},${JSON.stringify(JSON.parse(hiding))},${bobs}]`);
  // What is no export goes with what it hides.
  expect(without(`[${bobs},{"x":"ada@example.com","x":1},${zoes}]`)).toBe(`[${bobs},${zoes}]`);
  // Of a single export, too, which is no list however many it has inside.
  const inside = `{"list":[1,[2,3]],"x":"ada@example.com","x":1,${bobs.slice(1)}`;
  expect(without(inside)).toBe(JSON.stringify(JSON.parse(inside)));
});

test('another person’s export that mentions the person stays as it is', () => {
  for (const more of [{ referrer: 'ada@example.com' }, { friends: { 'ada@example.com': true } }])
    expect(without(export_('bob@example.com', more))).toBe('as it is');
});

test('what is no export goes when it names the person in a key, a text or a number', () => {
  expect(without('{"ada@example.com":1}')).toBeUndefined();
  expect(without('{"note":"write to ada@example.com"}')).toBeUndefined();
  expect(without('"ada@example.com"')).toBeUndefined();
  expect(without('[["deep",["ada@example.com"]]]')).toBeUndefined();
  expect(without('{"id":7}', { namespace: 'loyalty', value: '7' })).toBeUndefined();
  expect(without('{"id":7}', { namespace: 'loyalty', value: '8' })).toBe('as it is');
  // The place in a list is no word of it.
  expect(without('{"list":["a","b"]}', { namespace: 'loyalty', value: '1' })).toBe('as it is');
  expect(without('{"id":null,"is":true}', { namespace: 'loyalty', value: 'true' })).toBeUndefined();
});

test('an export of which an identity cannot be read goes when its identity map names the person, and not its attributes', () => {
  const unread = (id: unknown, more: object = {}): string =>
    JSON.stringify({
      ...personExport(),
      identityMap: { email: [{ id: 'bob@example.com' }], crmid: [{ id }] },
      ...more,
    });
  expect(without(unread({ inner: 'ada@example.com' }))).toBeUndefined();
  expect(without(unread({ inner: 'x' }, { referrer: 'ada@example.com' }))).toBe('as it is');
});

test('e-mail addresses are the same in any case, and other identities are not', () => {
  expect(without(export_('ADA@Example.com'))).toBeUndefined();
  expect(without(adas, { namespace: 'email', value: 'Ada@EXAMPLE.com' })).toBeUndefined();
  const hashed = JSON.stringify(personExport({ identities: { email_lc_sha256: ['ABCDEF'] } }));
  expect(without(hashed, { namespace: 'email_lc_sha256', value: 'abcdef' })).toBeUndefined();
  const numbered = JSON.stringify(personExport({ identities: { loyalty: ['abc'] } }));
  expect(without(numbered, { namespace: 'loyalty', value: 'ABC' })).toBe('as it is');
  expect(without(numbered, { namespace: 'loyalty', value: 'abc' })).toBeUndefined();
  // One value in another namespace is another person.
  expect(without(numbered, { namespace: 'crmid', value: 'abc' })).toBe('as it is');
});

test('of several identities of the person each is found', () => {
  const both = [ada, { namespace: 'email', value: 'ada@home.example' }];
  expect(without(export_('ada@home.example'), ...both)).toBeUndefined();
  expect(without(bobs, ...both)).toBe('as it is');
  expect(without('{"broken":"ada@home.example"', ...both)).toBeUndefined();
  // An empty value identifies no person.
  expect(without('{"broken":""', { namespace: 'email', value: '' })).toBe('as it is');
});

test('a word is found wherever it stands, also behind a longer one that begins with it', () => {
  for (const text of ['ada@example.community, ada@example.com', 'xada@example.com;ada@example.com', 'ada@example.com'])
    expect(without(`{"note":"${text}`)).toBeUndefined();
  for (const text of ['ada@example.com2', '\u00e9ada@example.com', 'ada@example.comm'])
    expect(without(`{"note":"${text}" broken`)).toBe('as it is');
});

test('bytes are text when no control character but those of lines stands in them', () => {
  for (const byte of [0x09, 0x0a, 0x0d, 0x20, 0x7e, 0xa0, 0xff])
    expect(isSearchable(Uint8Array.of(0xe9, byte))).toBe(true);
  for (const byte of [0x08, 0x0e, 0x1f, 0x7f, 0x80, 0x9f]) expect(isSearchable(Uint8Array.of(0xe9, byte))).toBe(false);
  // Every other byte of UTF-16 is zero, and a few zeros are no text.
  expect(isSearchable(Uint8Array.of(0xe9, 0, 0x41, 0))).toBe(true);
  expect(isSearchable(Uint8Array.of(0xe9, 0x41, 0x41, 0x41, 0))).toBe(false);
});
