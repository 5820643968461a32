import { expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { configuredUrl } from './configured-url.ts';
import { defineDestination } from './define-destination.ts';
import type { DestinationDefinition } from './destination.ts';

const limits = { batchCount: 10, batchBytes: 1000, requestsPerSecond: 0.5, concurrency: 1 };
const acme = {
  type: 'acme-crm',
  title: 'Acme',
  description: 'Tells Acme.',
  settings: z.strictObject({ batch: z.number() }),
  options: z.strictObject({ list: z.string() }),
  limits: (settings: { batch: number }) => ({ ...limits, batchCount: settings.batch }),
  batchBy: 'route' as const,
  connect: () => {
    const nothing = () => Promise.resolve([]);
    return { enter: nothing, update: nothing, exit: nothing };
  },
};

test('a definition is given frozen, with its types, and fits where any definition does', () => {
  const defined = defineDestination(acme);
  expect(Object.isFrozen(defined)).toBe(true);
  expect(defined.limits({ batch: 7 })).toEqual({ ...limits, batchCount: 7 });
  expectTypeOf<Parameters<(typeof defined)['limits']>>().toEqualTypeOf<[settings: { batch: number }]>();
  expectTypeOf(defined).toExtend<DestinationDefinition>();
});

test.each(['Acme', 'acme_crm', '-acme', 'acme-', 'a--b', '', '9lives'])('the type %j is refused', (type) => {
  expect(() => defineDestination({ ...acme, type })).toThrow('kebab case');
});

test('a title and a description are needed', () => {
  expect(() => defineDestination({ ...acme, title: ' ' })).toThrow('title');
  expect(() => defineDestination({ ...acme, description: '' })).toThrow('description');
});

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('a batch count of %d is refused', (batch) => {
  expect(() => defineDestination(acme).limits({ batch })).toThrow('batchCount');
});

test.each(['https://example.com/hook', 'http://localhost:8080/a?b=c'])('%s can be configured', (url) => {
  expect(configuredUrl().safeParse(url).success).toBe(true);
});

test.each([
  'example.com',
  'ftp://example.com',
  'https://me:pw@example.com',
  'https://me@example.com',
  'https://e.com/#a',
  '',
])('%j cannot be configured', (url) => {
  expect(configuredUrl().safeParse(url).success).toBe(false);
});

test.each([0, 0.5, -1, Number.NaN, Number.POSITIVE_INFINITY])('a membership of %d days is refused', (days) => {
  const defined = defineDestination({ ...acme, membershipDays: () => days });
  expect(() => defined.membershipDays?.({ batch: 1 }, { list: 'a' }, 'email')).toThrow(
    'membershipDays must be a day or more',
  );
});

test('memberships live as long as is declared, by settings, options and namespace, and for ever where nothing is', () => {
  const membershipDays = (settings: object, options: object, namespace: string) =>
    namespace === 'email' ? JSON.stringify([settings, options]).length : undefined;
  const defined = defineDestination({ ...acme, membershipDays });
  expect(defined.membershipDays?.({ batch: 1 }, { list: 'a' }, 'email')).toBe('[{"batch":1},{"list":"a"}]'.length);
  expect(defined.membershipDays?.({ batch: 1 }, { list: 'a' }, 'crmid')).toBeUndefined();
  expect(defineDestination(acme)).not.toHaveProperty('membershipDays');
});
