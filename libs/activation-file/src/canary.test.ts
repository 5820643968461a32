import { expect, test } from 'vitest';
import { exampleDestinations } from '../testing/example-destinations.ts';
import { canary, withCanary } from './canary.ts';
import { createMatcher } from './matcher.ts';
import { parseActivationFile } from './parse-activation-file.ts';

const text = `version: 1
destinations: { sink: { type: log } }
audiences:
  fans: { id: a, activate: [{ destination: sink, identity: email }] }
  birds: { id: canary, activate: [{ destination: sink, identity: canary }] }
`;
const file = parseActivationFile(text, { fileName: 'own.yaml', destinations: exampleDestinations });

test('with the canary a file has one audience and one route more, and is itself as it was', () => {
  const both = withCanary(file);
  expect([...both.audiences.keys()]).toEqual(['fans', 'birds', 'canary']);
  expect(both.routes.slice(0, -1)).toEqual(file.routes);
  expect(both.routes.at(-1)).toMatchObject({ audience: 'canary', destination: 'canary', mode: 'live' });
  expect([...file.audiences.keys()]).toEqual(['fans', 'birds']);
  expect(Object.isFrozen(both)).toBe(true);
});

test('the matcher finds the canary by its audience, and only with it', () => {
  const { namespace, id } = canary.audience;
  expect(createMatcher(withCanary(file)).audience(namespace, id)?.routes).toHaveLength(1);
  expect(createMatcher(file).audience(namespace, id)).toBeUndefined();
  expect(createMatcher(withCanary(file)).audience('ups', 'canary')?.key).toBe('birds');
});
