import { expect, test } from 'vitest';
import { httpRoutes } from './http-routes.ts';
import type { RegisteredFunction } from './trigger.ts';

function http(name: string, route: string | undefined, methods?: string[]): RegisteredFunction {
  const trigger = { type: 'httpTrigger', ...(route === undefined ? {} : { route }), ...(methods ? { methods } : {}) };
  return { name, triggerType: 'httpTrigger', trigger, bindings: { request: trigger } };
}

const routes = httpRoutes(
  [
    http('rest', 'files/{*path}'),
    http('product', 'products/{category:alpha}/{id:int?}'),
    http('special', 'products/special'),
    http('range', 'range/{from}-{to}.json'),
    http('named', undefined, ['PUT']),
    http('item-get', 'items/{id}', ['GET']),
    http('item-put', 'items/{id}', ['PUT']),
  ],
  'api',
);

test.for([
  ['GET', '/api/files/a/b.txt', 'rest', { path: 'a/b.txt' }],
  ['GET', '/api/files', 'rest', {}],
  ['GET', '/api/products/books/7', 'product', { category: 'books', id: '7' }],
  ['GET', '/api/products/books', 'product', { category: 'books' }],
  ['GET', '/api/products/special', 'special', {}],
  ['GET', '/api/range/1-9.json', 'range', { from: '1', to: '9' }],
  ['PUT', '/api/NAMED/', 'named', {}],
  ['GET', '/api/items/a%2Fb', 'item-get', { id: 'a/b' }],
  ['GET', '/api/items/%zz', 'item-get', { id: '%zz' }],
  ['PUT', '/api/items/1', 'item-put', { id: '1' }],
] as const)('%s %s goes to %s', ([method, path, name, params]) => {
  const { found } = routes.match(method, path);
  expect([found?.registered.name, found?.params]).toEqual([name, params]);
});

test.for([
  ['GET', '/api/products/books/seven', []],
  ['GET', '/api/products/b00ks', []],
  ['GET', '/api/range/1-9xjson', []],
  ['GET', '/items/1', []],
  ['DELETE', '/api/items/1', ['GET', 'PUT']],
] as const)('%s %s goes nowhere', ([method, path, otherMethods]) => {
  expect(routes.match(method, path)).toEqual({ otherMethods });
});
