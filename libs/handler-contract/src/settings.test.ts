import { expect, test } from 'vitest';
import { secretVariable, settingNames } from './index.ts';

test('a secret is in the setting of its name, in upper case and with underscores', () => {
  expect(secretVariable('crm-signing-secret')).toBe('ACTIVATION_SECRET_CRM_SIGNING_SECRET');
});

test('a setting is named once, and none is called like a secret', () => {
  const names = Object.values(settingNames).flat();
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => name.startsWith('ACTIVATION_SECRET_'))).toEqual([]);
});
