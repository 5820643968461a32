import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { attributeAt, isRefusal, readMembership, readProfileExports } from './index.ts';

const folder = new URL('../fixtures/irregular/', import.meta.url);
const read = (name: string) => readProfileExports(readFileSync(new URL(name, folder)));
const enqueuedAtMs = Date.UTC(2026, 10, 29, 6);

/**
 * What is read of a file: identities, what of them is unreadable, memberships as
 * `namespace id status`, refusals.
 */
function outcome(name: string) {
  const { exports, refusals } = read(name);
  return {
    exports: exports.map((profileExport) => ({
      identities: Object.fromEntries(profileExport.identities),
      unreadable: [...profileExport.unreadableIdentities.values()].map(({ path, code }) => `${path} ${code}`),
      memberships: Object.entries(profileExport.segmentMembership).flatMap(([namespace, items]) =>
        Object.keys(items).map((id) => {
          const membership = readMembership(profileExport, namespace, id, enqueuedAtMs);
          return `${namespace} ${id} ${isRefusal(membership) ? membership.code : membership.status}`;
        }),
      ),
    })),
    refusals: refusals.map(({ path, code }) => `${path} ${code}`),
  };
}

const id = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02';
const email = { email: ['a@example.com'] };

const outcomes: Record<string, ReturnType<typeof outcome>> = {
  'answer-of-the-profile-api.json': refusedAs('$ profile-api-answer'),
  'attributes-of-all-kinds.json': readAs([`ups ${id} realized`]),
  'audience-in-upper-case.json': readAs([`ups ${id.toUpperCase()} realized`]),
  'audience-twice.json': readAs([`ups ${id} exited`]),
  'encoded-twice.json': refusedAs('$ encoded-twice'),
  'identity-is-a-text.json': refusedAs('$.identityMap.email[0] bare-identity'),
  'identity-is-an-object.json': refusedAs('$.identityMap.email unlisted-identity'),
  'membership-is-a-list.json': refusedAs('$.segmentMembership listed-memberships'),
  'namespace-in-three-spellings.json': readAs([`ups ${id} realized`], {
    identities: { email: ['z@example.com', 'a@example.com', 'A@example.com'] },
  }),
  'namespace-is-null.json': readAs([`ups ${id} realized`], {
    identities: { ecid: ['1'] },
    unreadable: ['$.identityMap.email invalid-identities'],
  }),
  'namespace-of-memberships-twice.json': readAs([`ups ${id} realized`, `UPS ${id} exited`]),
  'number-in-a-namespace-nobody-routes.json': readAs([`ups ${id} realized`], {
    unreadable: ['$.identityMap.loyalty[0].id numeric-identity'],
  }),
  'status-in-capitals.json': readAs([`ups ${id} unknown-status`]),
  'tenant-fields.json': readAs(['ups 9d161bbb-c785-474a-965b-7d7bc2adf879 realized'], {
    identities: { ...email, ecid: ['1'] },
  }),
  'wrapped.json': refusedAs('$ wrapped-export'),
};

function refusedAs(refusal: string) {
  return { exports: [], refusals: [refusal] };
}

function readAs(
  memberships: string[],
  { identities = email, unreadable = [] }: { identities?: Record<string, string[]>; unreadable?: string[] } = {},
) {
  return { exports: [{ identities, unreadable, memberships }], refusals: [] };
}

test('every irregular body has its outcome', () => {
  expect(readdirSync(folder).toSorted()).toEqual(Object.keys(outcomes).toSorted());
});

test.for(Object.entries(outcomes))('%s is read, or refused by what it looks like', ([name, expected]) => {
  expect(outcome(name)).toEqual(expected);
});

test('a refusal of a look-alike says what it looks like and what AEP sends instead', () => {
  const sentences = Object.keys(outcomes).flatMap((name) => read(name).refusals.map(({ message }) => message));
  expect(sentences).toHaveLength(6);
  for (const sentence of sentences) expect(sentence).toContain('where AEP sends');
});

test('an attribute is the value that the export has at its path, of whatever kind', () => {
  const at = (name: string, ...path: string[]): unknown => {
    const body = read(name).exports[0]?.body;
    return body && attributeAt(body, path);
  };
  const kinds = (field: string) => at('attributes-of-all-kinds.json', 'person', field);
  expect(['birthDate', 'n', 'neg', 'emoji', 'html'].map(kinds)).toEqual(['1990-01-01', 1e21, -0, '😀', '<b>&</b>']);
  // XDM has no integer beyond 2^53 (Adobe, "XDM field type constraints"): what is larger is a
  // double, and stays one.
  expect(kinds('big')).toBe(Number('12345678901234567890'));
  expect(at('attributes-of-all-kinds.json', '_t', 'a-b', 'c')).toEqual([{ x: 1 }, { x: 2 }]);
  const tenant = (...path: string[]) => at('tenant-fields.json', '_tenant-x', ...path);
  expect(['crm-id', 'list', 'empty', 'none', 'birth'].map((field) => tenant(field))).toEqual([
    'C1',
    ['a', 'b'],
    '',
    null,
    '1990-02-30',
  ]);
  expect([tenant('obj'), tenant('obj', 'a', 'b')]).toEqual([{ a: { b: 1 } }, 1]);
  expect(tenant('loyalty', 'points')).toBeUndefined();
});
