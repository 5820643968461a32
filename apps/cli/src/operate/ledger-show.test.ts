import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tableClient, TableLedger } from '@activation-hub/azure-adapters';
import { startAzurite } from '@activation-hub/azurite';
import type { LedgerRecord } from '@activation-hub/membership';
import { expect, onTestFinished, test } from 'vitest';
import { runActivation } from '../../testing/run-activation.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';

const audienceId = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a09';
const signal = new AbortController().signal;
const noonMs = Date.UTC(2026, 0, 15, 12);
const dayMs = 86_400_000;

test('ledger show says when a membership lapses, and from when on it is told again', async () => {
  const azurite = await startAzurite();
  onTestFinished(() => azurite.stop());
  const folder = await temporaryFolder();
  const consent = '{ adUserData: granted, adPersonalization: granted }';
  await writeFile(
    join(folder, 'own.yaml'),
    `version: 1
destinations:
  google:
    type: google-customer-match
    settings: { serviceAccountKey: { secret: key }, accountId: '1', customerMatchOptions: accepted }
  crm: { type: log }
audiences:
  vip:
    id: ${audienceId}
    activate:
      - { destination: google, identity: email, options: { userListId: '1', membershipDays: 100, consent: ${consent} } }
      - { destination: crm, identity: email }
`,
  );
  const ledger = new TableLedger(tableClient(azurite, 'ledger'));
  await ledger.createTable(signal);
  const known = {
    status: 'realized',
    isMember: true,
    qualifiedAtMs: noonMs,
    enqueuedAtMs: noonMs,
    sequenceNumber: 1,
    content: '',
  } as const;
  const record: LedgerRecord = {
    known,
    rowState: { is: 'delivered' },
    attributes: {},
    delivered: known,
    inDoubt: false,
  };
  const value = createHash('sha256').update('ada@example.com').digest('hex');
  const keyOf = (destination: string, identity: string) => ({
    destination,
    identity: { namespace: 'email', value: identity },
    audience: { namespace: 'ups', id: audienceId },
  });
  const show = async (...words: readonly string[]) => {
    const environment = { DATA_STORAGE_CONNECTION_STRING: azurite.connectionString };
    const shown = ['ledger', 'show', 'email:ada@example.com', '-a', 'own.yaml', ...words];
    return (await runActivation(shown, { environment, folder })).output;
  };

  const former = { ...record, formerOf: [{ namespace: 'crmid', value: 'C-1', linkDigest: 'digest' }] };
  await ledger.write([{ key: keyOf('crm', 'ada@example.com'), record: former, expected: undefined }], signal);
  expect(await show()).not.toContain('lapses');
  const told = { ...record, deliveredAtMs: noonMs + dayMs };
  await ledger.write([{ key: keyOf('google', value), record: told, expected: undefined }], signal);
  const [heading, ...rows] = (await show()).trim().split('\n');
  expect(heading).toMatch(/ delivered +lapses/);
  expect(rows.find((row) => row.startsWith('google'))).toMatch(/2026-04-26, told again from 2026-02-(1[5-9]|2[0-5])$/);
  expect(rows.find((row) => row.startsWith('crm'))).not.toContain('told again');
  const { rows: json } = JSON.parse(await show('--json')) as { readonly rows: readonly Record<string, unknown>[] };
  expect(json.find(({ destination }) => destination === 'google')).toMatchObject({
    lapsesAtMs: noonMs + 101 * dayMs,
    renewFromMs: expect.any(Number) as number,
  });
  expect(json.find(({ destination }) => destination === 'crm')).not.toHaveProperty('lapsesAtMs');
  // Nor whose the address was before: that may be another person's.
  expect(json.find(({ destination }) => destination === 'crm')).not.toHaveProperty('formerOf');
});
