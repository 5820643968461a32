import { expect, test } from 'vitest';
import { activationFileOf, activationNeeds } from './activation-needs.ts';
import { stackNames } from './plan-stack.ts';

test.each(stackNames())('the activation file of %s says which secrets, audiences and attributes it needs', (stack) => {
  expect(activationNeeds(stack)).toEqual({
    secretNames: ['crm-signing-secret'],
    exports: {
      audiences: [{ id: '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02', name: 'sports-fans' }],
      attributes: [],
    },
  });
});

test('an environment without a file is refused, and the path is told', () => {
  expect(() => activationNeeds('qa')).toThrow(activationFileOf('qa'));
});
