import { defaultTiming } from '@activation-hub/activation';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InMemoryControls, systemClock } from '@activation-hub/delivery';
import { expect, test } from 'vitest';
import { capturedTerminal } from '../../testing/captured-terminal.ts';
import { renamedFileText } from '../../testing/renamed-file.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { reportWalk, timingIn, withDestination } from './ledger-walk.ts';

test('a command takes leases as long as those of the function app', () => {
  expect(timingIn({})).toEqual(defaultTiming);
  expect(timingIn({ ACTIVATION_LEASE_SECONDS: '' })).toEqual(defaultTiming);
  expect(timingIn({ ACTIVATION_LEASE_SECONDS: '480' })).toEqual({
    waitMaxMs: 5_000,
    deadlineMs: 320_000,
    settleByMs: 400_000,
    leaseMs: 480_000,
  });
});

test.each(['14', '481', '1.5', '-180', 'long'])('a life of leases of %s is refused in words', (seconds) => {
  expect(() => timingIn({ ACTIVATION_LEASE_SECONDS: seconds })).toThrow(
    'ACTIVATION_LEASE_SECONDS must be a whole number from 15 to 480.',
  );
});

test('a command that tells a destination follows what operators pause while it runs', async () => {
  const folder = await temporaryFolder();
  const file = `version: 1
destinations: { crm: { type: webhook, settings: { url: "https://crm.example.com/" } } }
audiences: { vip: { id: 0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a09, activate: [{ destination: crm, identity: crmid }] } }
`;
  await writeFile(join(folder, 'own.yaml'), file);
  const controls = new InMemoryControls();
  const storage = { controls, isLocal: true } as never;
  const isHeld = await withDestination(
    'crm',
    { activations: 'own.yaml' },
    storage,
    capturedTerminal({ folder }),
    async (context) => {
      const { signal } = new AbortController();
      await controls.edit(() => [{ action: 'pause', atMs: 0, by: 'ada', reason: 'a freeze' }], signal);
      await context.controls?.follow(context);
      return context.targets.get('crm')?.breaker.isHeld(systemClock.now());
    },
  );
  expect(isHeld).toBe(true);
});

test('a destination is found by a name that it had before, and another one in words', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'own.yaml'), renamedFileText);
  const storage = { controls: new InMemoryControls(), isLocal: true } as never;
  const found = (asked: string) =>
    withDestination(asked, { activations: 'own.yaml' }, storage, capturedTerminal({ folder }), (context, _, key) =>
      Promise.resolve([key, ...context.targets.keys()]),
    );
  expect(await found('crm')).toEqual(['ads', 'ads']);
  await expect(found('gone')).rejects.toThrow(
    'Failed to find the destination gone: the activation file has ads, other.',
  );
});

test('a walk that ends early points to the reasons, of which a pause is one', () => {
  const terminal = capturedTerminal();
  const told = { rows: 100, delivered: 0, unchanged: 0, leftAlone: 0, deferred: 100, failed: 0, unresolved: 0 };
  const reasons = { 'an operator has paused the destination': 100 };
  const unreadable = { rows: 0, names: [] };
  const of = { event: 'resynced', did: 'Told crm of', command: 'resync', key: 'crm' };
  expect(() => reportWalk(of, { ...told, reasons, unreadable, gaveUp: true }, {}, terminal)).toThrow(
    'Failed to resync crm: it took nothing of a whole batch, so the command did not send the rest. Correct what the reasons above name, then start the resync again.',
  );
  expect(terminal.printed.join('\n')).toContain('100  an operator has paused the destination');
});

test('a walk that could not read a row ends with 1, after it has told the others', () => {
  const terminal = capturedTerminal();
  const told = {
    rows: 2,
    delivered: 2,
    unchanged: 0,
    leftAlone: 0,
    deferred: 0,
    failed: 0,
    unresolved: 0,
    reasons: {},
  };
  const unreadable = { rows: 1, names: ['column rowState of row crm.0/a'] };
  const of = { event: 'resynced', did: 'Told crm of', command: 'resync', key: 'crm' };
  expect(() => reportWalk(of, { ...told, unreadable, gaveUp: false }, {}, terminal)).toThrow(
    /^crm was told nothing of people whose rows cannot be read\. 1 row of the ledger cannot be read.*crm\.0\/a/,
  );
  expect(terminal.printed.join('\n')).toContain('Told crm of 2 memberships');
});
