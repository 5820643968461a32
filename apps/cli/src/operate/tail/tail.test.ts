import { tableClient, TableLedger } from '@activation-hub/azure-adapters';
import { startAzurite } from '@activation-hub/azurite';
import { lease, settle, type Ledger, type LedgerKey } from '@activation-hub/membership';
import { exampleState } from '@activation-hub/membership/testing';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { capturedTerminal } from '../../../testing/captured-terminal.ts';
import {
  operatorRoles,
  startDeployedEnvironment,
  type DeployedEnvironment,
} from '../../../testing/deployed-environment.ts';
import { vipId } from '../../../testing/environment-seed.ts';
import { fakeScreen } from '../../../testing/fake-screen.ts';
import { runActivation, startActivation } from '../../../testing/run-activation.ts';
import { run } from '../../main.ts';

let environment: DeployedEnvironment;

beforeAll(async () => {
  environment = await startDeployedEnvironment();
});
afterAll(() => environment.stop());
beforeEach(() => {
  for (const role of operatorRoles) environment.roles.add(role);
});

/** As a function app does that tells the CRM of a person. */
async function tell(
  person: string,
  rejected?: string,
  ledger: Pick<Ledger, 'write'> = environment.stores.ledger,
): Promise<void> {
  const key: LedgerKey = {
    destination: 'crm',
    identity: { namespace: 'crmid', value: person },
    audience: { namespace: 'ups', id: vipId },
  };
  const nowMs = Date.now();
  const state = exampleState({ enqueuedAtMs: nowMs - 700 });
  const by = { holder: 'app', expiresAtMs: nowMs + 60_000 };
  const row = lease(undefined, { state, attributes: {} }, by, { atMs: nowMs - 30, because: 'export', kind: 'entered' });
  const ended =
    rejected === undefined
      ? settle(row, 'delivered', false, { atMs: nowMs })
      : settle(row, 'rejected', false, { atMs: nowMs, class: 'invalid', reason: rejected });
  const [result] = await ledger.write([{ key, record: ended, expected: undefined }], new AbortController().signal);
  if (result?.written !== true) throw new Error(`Somebody else is ${person}.`);
}

test(
  'each change of an environment is shown with its reason and without the person, read with the rights of who looks',
  { timeout: 300_000 },
  async () => {
    const { folder, variables } = environment;
    const tail = startActivation(['tail', '--environment', 'dev'], { folder, environment: variables });
    onTestFinished(() => void tail.end('SIGKILL'));
    expect(await tail.event('tailing')).toMatchObject({ environment: 'dev' });
    await tell('C-87654321');
    expect(await tail.event('change')).toEqual({
      event: 'change',
      at: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      destination: 'crm',
      audience: 'vip',
      identity: { namespace: 'crmid', value: '●●●●4321' },
      kind: 'entered',
      outcome: 'delivered',
      because: 'export',
      why: 'Told that the person entered: the destination took it.',
      ageMs: 700,
    });
    await tell('C-900', 'the list is full');
    while (!tail.events.some(({ outcome }) => outcome === 'rejected')) await tail.next();
    expect(tail.events.at(-1)).toMatchObject({ outcome: 'rejected', class: 'invalid', reason: 'the list is full' });
    // What was in the ledger before is not shown.
    expect(tail.events.filter(({ event }) => event === 'change')).toHaveLength(2);

    // A role that is taken away meanwhile is said, and it goes on when it is back.
    environment.roles.delete('Storage Table Data Contributor');
    expect((await tail.event('warning')).message).toContain(
      'The signed-in account lacks the role Storage Table Data Contributor',
    );
    environment.roles.add('Storage Table Data Contributor');
    await tell('C-901');
    while (tail.events.filter(({ event }) => event === 'change').length < 3) await tail.next();
    expect(await tail.end('SIGINT')).toBe(0);
    expect(tail.errors()).toBe('');
  },
);

test(
  'whoever lacks a role is told which one, and whoever names no environment what to give',
  { timeout: 300_000 },
  async () => {
    const { folder, variables } = environment;
    environment.roles.delete('Storage Table Data Contributor');
    const refused = await runActivation(['tail', '--environment', 'dev'], { folder, environment: variables });
    expect(refused).toMatchObject({ code: 1, output: '' });
    expect(refused.errors).toMatch(
      /^Failed to read the ledger: .* The signed-in account lacks the role Storage Table Data Contributor/,
    );
    const nothing = await runActivation(['tail'], { folder });
    expect(nothing).toMatchObject({ code: 2, output: '' });
    expect(nothing.errors).toContain('give --activations <file>, or --environment');
  },
);

test(
  'on a terminal there is a line for each change, one that stays, and the keys ? and q',
  { timeout: 300_000 },
  async () => {
    const { folder } = environment;
    const azurite = await startAzurite({});
    onTestFinished(() => azurite.stop());
    const ledger = new TableLedger(tableClient(azurite, 'ledger'));
    await ledger.createTable(new AbortController().signal);
    const fake = fakeScreen();
    const terminal = capturedTerminal({ folder, interrupted: fake.interrupted, openScreen: () => fake.screen });
    const words = ['--connection-string', azurite.connectionString, '-a', 'apps/handler/activations/dev.yaml'];
    const ended = run(['tail', ...words], terminal);
    onTestFinished(() => fake.screen.interrupt());
    await expect.poll(() => fake.status()).toMatch(/^0\.0 told\/s {3}\? words {2}q end$/);
    await tell('C-902', undefined, ledger);
    await expect
      .poll(() => terminal.printed.at(-1))
      .toMatch(/^out crm +entered +vip +crmid ●●●● +delivered +answered after 30 ms, 0\.7 s after it came$/);
    await expect.poll(() => fake.status()).toMatch(/told\/s · age 0\.7 s, 95 % under 0\.7 s {3}\?/);
    await fake.type('?');
    expect(terminal.printed.at(-3)).toMatch(/^age {2}from the event hub/);
    await fake.type('pq');
    expect(await ended).toBe(0);
    expect(fake.status()).toBe('');
  },
);
