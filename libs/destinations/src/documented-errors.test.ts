import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DocumentedErrors } from '@activation-hub/destination-kit';
import { expect, test } from 'vitest';
import { brazeErrors } from './braze/errors.ts';
import { dynamics365Errors } from './dynamics-365/errors.ts';
import { googleErrors } from './google-customer-match/errors.ts';
import { hubspotErrors } from './hubspot/errors.ts';
import { metaErrors } from './meta-custom-audiences/errors.ts';
import { salesforceErrors } from './salesforce/errors.ts';

const tables: Readonly<Record<string, DocumentedErrors>> = {
  braze: brazeErrors,
  'dynamics-365': dynamics365Errors,
  'google-customer-match': googleErrors,
  hubspot: hubspotErrors,
  'meta-custom-audiences': metaErrors,
  salesforce: salesforceErrors,
};

test('every table of errors is looked at here', () => {
  const folders = readdirSync(import.meta.dirname, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const withTable = folders.filter(({ name }) => existsSync(join(import.meta.dirname, name, 'errors.ts')));
  expect(withTable.map(({ name }) => name).sort()).toEqual(Object.keys(tables).sort());
});

const errors = Object.entries(tables).flatMap(([type, table]) => [...table.values()].map((error) => ({ type, error })));

test.each(errors)('$type: $error.code has a source, and says what to do in a sentence', ({ error }) => {
  expect(error.source).toMatch(/^[a-z.]+\.(com|org|net)\b/);
  if (error.advice !== undefined) expect(error.advice).toMatch(/^[A-Z].*\.$/);
});

test.each(Object.entries(tables))('the table of %s knows failures of the account', (_type, table) => {
  expect([...table.values()].map((error) => error.means)).toContain('set-up');
});
