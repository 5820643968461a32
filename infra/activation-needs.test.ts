import { expect, test } from 'vitest';
import { activationFileOf, activationNeeds } from './activation-needs.ts';
import { activationsFolder, stackNames } from './operator-files.ts';
import { fixtureActivations } from './testing/fixture-stacks.ts';

test.each(['dev', 'staging', 'prod'])('the activation file of %s says what the stack needs', (environment) => {
  expect(activationNeeds(environment, fixtureActivations)).toEqual({
    secretNames: ['crm-signing-secret'],
    exports: {
      audiences: [{ id: '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02', name: 'sports-fans' }],
      attributes: [],
    },
  });
});

test.each(stackNames())('the activation file that an operator wrote for %s is one', (stack) => {
  expect(() => activationNeeds(stack, activationsFolder)).not.toThrow();
});

test('an environment without a file is refused, and the path is told', () => {
  expect(() => activationNeeds('qa', fixtureActivations)).toThrow(activationFileOf('qa'));
});
