import { expect, test } from 'vitest';
import { attributeAt } from './attribute-at.ts';
import type { JsonObject } from './profile-export.ts';

const body = JSON.parse(`{
  "person": { "name": { "firstName": "Ada", "middleName": null } },
  "_tenant": { "loyalty": { "points": 0, "isGold": false } },
  "tags": ["first"],
  "__proto__": { "polluted": "own" }
}`) as JsonObject;

test.for([
  [['person', 'name', 'firstName'], 'Ada'],
  [['person', 'name', 'middleName'], null],
  [['person', 'name'], { firstName: 'Ada', middleName: null }],
  [['_tenant', 'loyalty', 'points'], 0],
  [['_tenant', 'loyalty', 'isGold'], false],
  [['tags'], ['first']],
  [['__proto__', 'polluted'], 'own'],
] as const)('%j leads to %j', ([path, expected]) => {
  expect(attributeAt(body, path)).toEqual(expected);
});

test.for([
  [['person', 'name', 'lastName']],
  [['person', 'name', 'firstName', 'length']],
  [['person', 'name', 'middleName', 'anything']],
  [['tags', '0']],
  [['tags', 'length']],
  [['constructor']],
  [['toString', 'name']],
  [['person', '__proto__']],
  [['person', 'constructor', 'name']],
] as const)('%j leads nowhere', ([path]) => {
  expect(attributeAt(body, path)).toBeUndefined();
});

test('the empty path is the object itself', () => {
  expect(attributeAt(body, [])).toBe(body);
});
