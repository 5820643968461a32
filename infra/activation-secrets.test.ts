import { expect, test } from 'vitest';
import { activationFileOf, activationSecrets } from './activation-secrets.ts';
import { stackNames } from './plan-stack.ts';

test.each(stackNames())('the activation file of %s names its secrets', (stack) => {
  expect(activationSecrets(stack)).toEqual(['crm-signing-secret']);
});

test('an environment without a file is refused, and the path is told', () => {
  expect(() => activationSecrets('qa')).toThrow(activationFileOf('qa'));
});
