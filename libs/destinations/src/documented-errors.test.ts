import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DocumentedErrors, type ListedErrors, rowsOf } from '@activation-hub/destination-kit';
import { expect, test } from 'vitest';
import { blobArchiveErrors, listedErrors as blobArchiveList } from './blob-archive/errors.ts';
import { brazeErrors } from './braze/errors.ts';
import { customerIoErrors } from './customer-io/errors.ts';
import { dynamics365Errors } from './dynamics-365/errors.ts';
import { listedErrors as dynamics365List } from './dynamics-365/errors-listed.ts';
import { eventHubsErrors, listedErrors as eventHubsList } from './event-hubs/errors.ts';
import { googleErrors } from './google-customer-match/errors.ts';
import { hubspotErrors } from './hubspot/errors.ts';
import { listedErrors as googleList } from './google-customer-match/errors-listed.ts';
import { iterableErrors, listedErrors as iterableList } from './iterable/errors.ts';
import { linkedinErrors } from './linkedin/errors.ts';
import { listedErrors as marketoList, marketoErrors } from './marketo/errors.ts';
import { listedErrors as metaList } from './meta-custom-audiences/errors-listed.ts';
import { metaErrors } from './meta-custom-audiences/errors.ts';
import { pinterestErrors } from './pinterest/errors.ts';
import { salesforceErrors } from './salesforce/errors.ts';
import { listedErrors as salesforceList } from './salesforce/errors-listed.ts';
import { marketingCloudErrors } from './salesforce-marketing-cloud/errors.ts';
import { listedErrors as snapchatList, snapchatErrors } from './snapchat/errors.ts';
import { listedErrors as tiktokList, tiktokErrors } from './tiktok/errors.ts';

const tables: Readonly<Record<string, DocumentedErrors>> = {
  'blob-archive': blobArchiveErrors,
  braze: brazeErrors,
  'customer-io': customerIoErrors,
  'dynamics-365': dynamics365Errors,
  'event-hubs': eventHubsErrors,
  'google-customer-match': googleErrors,
  hubspot: hubspotErrors,
  iterable: iterableErrors,
  linkedin: linkedinErrors,
  marketo: marketoErrors,
  'meta-custom-audiences': metaErrors,
  pinterest: pinterestErrors,
  salesforce: salesforceErrors,
  'salesforce-marketing-cloud': marketingCloudErrors,
  snapchat: snapchatErrors,
  tiktok: tiktokErrors,
};

test('every table of errors is looked at here', () => {
  const folders = readdirSync(import.meta.dirname, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const withTable = folders.filter(({ name }) => existsSync(join(import.meta.dirname, name, 'errors.ts')));
  expect(withTable.map(({ name }) => name).sort()).toEqual(Object.keys(tables).sort());
});

/** Of codes that a list says alike, the first. */
const errors = Object.entries(tables).flatMap(([type, table]) => {
  const alike = Map.groupBy(table.values(), ({ code, ...said }) =>
    JSON.stringify(said.isListed === true ? said : code),
  );
  return [...alike.values()].flatMap(([error]) => (error === undefined ? [] : { type, error }));
});

test.each(errors)('$type: $error.code has a source, and says what to do in a sentence', ({ error }) => {
  expect(error.source).toMatch(/^[a-z.-]+\.(com|io|org|net)\b/);
  if (error.advice !== undefined) expect(error.advice).toMatch(/^[A-Z].*\.$/);
});

test.each(Object.entries(tables))('the table of %s knows failures of the account', (_type, table) => {
  expect([...table.values()].map((error) => error.means)).toContain('set-up');
});

/** How many codes the vendor's own list has, counted in the source that the list names. */
const lists: readonly (readonly [string, readonly ListedErrors[], number])[] = [
  ['blob-archive', blobArchiveList, 114],
  ['event-hubs', eventHubsList, 46],
  // 607 of StatusCode and 313 of ExceptionCode in version 65.0, of which 44 are both, and six
  // StatusCodes that came with 66.0.
  ['salesforce', salesforceList, 882],
  ['dynamics-365', dynamics365List, 4_058],
  // 124 of ErrorReason, 43 of ProcessingErrorReason and 16 of google.rpc.Code, of which six are two
  // of these.
  ['google-customer-match', googleList, 177],
  ['iterable', iterableList, 26],
  // Two of HTTP, 30 of an answer and 37 of a record.
  ['marketo', marketoList, 69],
  // 82 rows, of which two have one code.
  ['meta-custom-audiences', metaList, 81],
  ['snapchat', snapchatList, 11],
  // 72 of the page of return codes, and 93 more of the vendor's own library.
  ['tiktok', tiktokList, 165],
];

test.each(lists)('the list of %s has every code of its source, and the table has the list', (type, list, count) => {
  const codes = rowsOf(list).map(({ code }) => code);
  expect(codes).toHaveLength(count);
  expect(codes.filter((code) => tables[type]?.has(code) !== true)).toEqual([]);
});

test('the decision about whose failure it is counts the codes as they are', () => {
  const decisions = join(import.meta.dirname, '../../../docs/decisions');
  const page = readFileSync(join(decisions, 'whose-failure-it-is.md'), 'utf8');
  for (const [type, , count] of lists) expect(page, type).toContain(`${count.toLocaleString('en')} of`);
});
