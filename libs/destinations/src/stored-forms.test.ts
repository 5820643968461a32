import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { destinationTypes, loadDestination, loadStoredForms } from './index.ts';

const sha256 = (text: string) => hash('sha256', text);

/** What the schema of the settings says at this path. */
function schemaAt(settings: z.ZodType, ...path: readonly string[]): unknown {
  const schema = z.toJSONSchema(settings, { unrepresentable: 'any', io: 'input' });
  return path.reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], schema);
}

/** By what a kind finds people: what its schema lists, else examples of what it takes. */
function kindsOf(settings: z.ZodType): readonly unknown[] {
  const schema = schemaAt(settings, 'properties', 'identifiers', 'additionalProperties') as
    { readonly enum?: readonly string[]; readonly type?: string } | undefined;
  if (schema?.enum !== undefined) return schema.enum;
  if (schema?.type === 'object') return [{ column: 'emailaddress1' }, { column: 'contactid' }];
  return ['email', 'phone', 'field', 'Id'];
}

/** Every setting on which the form of an identity depends, with every value. */
function settingsOf(settings: z.ZodType): readonly unknown[] {
  const all = (name: string): readonly (string | undefined)[] =>
    (schemaAt(settings, 'properties', name, 'enum') as readonly string[] | undefined) ?? [undefined];
  return kindsOf(settings).flatMap((kind) =>
    all('identities').flatMap((written) =>
      all('memberType').flatMap((memberType) =>
        all('personType').map((personType) => ({
          identifiers: { email: kind, phone: kind, crmid: kind },
          identities: written,
          memberType,
          personType,
        })),
      ),
    ),
  );
}

const values = [
  ' Ada.Love lace+news@Gmail.com ',
  'Ada.Lovelace+news@Gmail.com',
  'Ada@Example.com',
  '+47 912 34 567',
  '38400000-8CF0-11BD-B23E-10B96E40000D',
  '0035g00000aBcDe',
  '00Q5g00000aBcDe',
  sha256('ada@example.com').toUpperCase(),
  ' C-1 ',
  'Ce\u0301line\u200b',
  '12345',
  '',
];
const identities = ['email', 'phone', 'crmid'].flatMap((namespace) => values.map((value) => ({ namespace, value })));

test.each(destinationTypes)('every form of %s is among the stored ones, whatever its settings', async (type) => {
  const storedForms = await loadStoredForms();
  const definition = await loadDestination(type);
  if (definition === undefined) throw new Error(`there is no ${type}`);
  const missing = settingsOf(definition.settings).flatMap((settings) =>
    identities
      .filter((identity) => {
        const form = definition.identity?.(identity, settings);
        return form?.status === 'formed' && !storedForms(identity).includes(form.value);
      })
      .map((identity) => ({ settings, identity })),
  );
  // Meta takes any text for the id of a device, in lower case; a real one is a UUID.
  const isNoDevice = ({ settings, identity }: (typeof missing)[number]) =>
    JSON.stringify(settings).includes('"MADID"') && !identity.value.startsWith('38400000-');
  expect(missing.filter((each) => !isNoDevice(each))).toEqual([]);
});

test('the stored forms are the value, what the kinds make of it and their hashes, each once', async () => {
  const storedForms = await loadStoredForms();
  const of = (namespace: string, value: string) => storedForms({ namespace, value }).toSorted();
  expect(of('email', 'Ada@Example.com')).toEqual(
    ['Ada@Example.com', 'ada@example.com', sha256('ada@example.com')].toSorted(),
  );
  expect(of('phone', '+47 912 34 567')).toEqual(
    ['+47 912 34 567', '+4791234567', sha256('+4791234567'), sha256('4791234567')].toSorted(),
  );
  expect(of('crmid', ' C-1')).toEqual([' C-1', 'C-1', sha256('C-1')].toSorted());
});

test('no form is that of an id in another case, nor of a telephone number of a guessed country', async () => {
  const storedForms = await loadStoredForms();
  expect(storedForms({ namespace: 'crmid', value: 'P1' })).toEqual(['P1', sha256('P1')]);
  expect(storedForms({ namespace: 'phone', value: '912 34 567' })).toEqual(['912 34 567']);
  expect(storedForms({ namespace: 'crmid', value: ' ' })).toEqual([' ']);
});
