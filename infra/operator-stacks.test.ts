import { expect, test } from 'vitest';
import { stackNames } from './operator-files.ts';
import { planStack } from './plan/plan-stack.ts';
import { rules } from './policy/rules.ts';

test.each(stackNames())('what an operator wrote for %s makes a stack that breaks no rule', async (stack) => {
  const { resources } = await planStack(stack);
  expect(resources.length).toBeGreaterThan(40);
  expect(rules.flatMap(({ name, offences }) => offences(resources).map((offence) => `${name}: ${offence}`))).toEqual(
    [],
  );
});
