import { inspect } from 'node:util';
import { expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { resolveSecrets, Secret, secret, secretsIn } from './secret.ts';

const settings = z.strictObject({
  url: z.string(),
  key: secret().describe('The key.'),
  headers: z.record(z.string(), z.union([z.string(), secret()])).default({}),
  spare: secret().optional(),
});

test('a secret shows itself only when it is told to', () => {
  const value = new Secret('hunter2');
  const shown = [
    value.toString(),
    JSON.stringify({ value }),
    inspect({ value }, { showHidden: true, depth: 5 }),
    String(value),
    Object.values(value).join(' '),
  ].join(' ');
  expect(shown).not.toContain('hunter2');
  expect(shown).toContain('[secret]');
  expect(value.reveal()).toBe('hunter2');
});

test('a reference becomes a secret without a value, which cannot be revealed', () => {
  const { key } = settings.parse({ url: 'u', key: { secret: 'crm-key' } });
  expectTypeOf(key).toEqualTypeOf<Secret>();
  expect(key).toBeInstanceOf(Secret);
  expect(() => key.reveal()).toThrow('crm-key');
});

test('a literal is refused with what to write and without what was written', () => {
  const { error } = settings.safeParse({ url: 'u', key: 'hunter2' });
  expect(error?.issues[0]?.path).toEqual(['key']);
  expect(error?.issues[0]?.message).toContain('Write { secret: name }');
  expect(inspect(error, { depth: 10 })).not.toContain('hunter2');
});

test.each([{}, { secret: 5 }, { secret: '' }, { secret: 'a b' }, { secret: 'a', more: 1 }, 7, null, undefined, []])(
  '%j is not a reference',
  (key) => {
    expect(settings.safeParse({ url: 'u', key }).success).toBe(false);
  },
);

test('resolving gives every secret its value, asks once per name, and leaves the rest as it is', async () => {
  const parsed = settings.parse({
    url: 'u',
    key: { secret: 'b' },
    headers: { authorization: { secret: 'a' }, other: { secret: 'b' }, plain: 'text' },
  });
  expect(secretsIn(parsed).map(({ unreadName }) => unreadName)).toEqual(['b', 'a', 'b']);
  const asked: string[] = [];
  const resolved = await resolveSecrets(parsed, (name) => {
    asked.push(name);
    return Promise.resolve(`value of ${name}`);
  });
  expect(asked).toEqual(['b', 'a']);
  expect(resolved.key.reveal()).toBe('value of b');
  expect((resolved.headers.authorization as Secret).reveal()).toBe('value of a');
  expect(resolved.headers.plain).toBe('text');
  expect(() => parsed.key.reveal()).toThrow();
  expect(settings.parse(resolved)).toEqual(resolved);
  expect(secretsIn(resolved).map(({ unreadName }) => unreadName)).toEqual([undefined, undefined, undefined]);
});

test('an empty value is refused', async () => {
  const parsed = settings.parse({ url: 'u', key: { secret: 'crm-key' } });
  await expect(resolveSecrets(parsed, () => Promise.resolve(''))).rejects.toThrow('crm-key');
});

test.each(['input', 'output'] as const)('the JSON Schema of the %s is that of the reference', (io) => {
  const schema = z.toJSONSchema(settings, { io });
  expect(schema.properties?.key).toMatchObject({
    type: 'object',
    required: ['secret'],
    additionalProperties: false,
    description: 'The key.',
  });
  expect(schema.required).not.toContain('spare');
});
